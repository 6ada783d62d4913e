"""The layout of all figures: transparent background, margins for phones, zoom that stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from digitlab.figures import palette
from digitlab.words import interval

CLEAR = "rgba(0, 0, 0, 0)"
# A figure as Plotly's JSON has it, with `data` and `layout`. Plotly's own objects check all that
# they are told, which takes milliseconds a figure: too long where a crowd draws.
Description = dict[str, Any]
SHORT = 3  # characters: a longer name does not fit into the head of a row or column


def chart(title: str, **arguments: Any) -> go.Figure:
    """An empty figure with the layout of `blank`, which says what `arguments` are."""
    # All at once: as updates of a figure that is there already, each would cost milliseconds.
    return as_figure({"layout": blank(title, **arguments)})


def as_figure(description: Description | go.Figure) -> go.Figure:
    """The figure that is described, to be changed; pages that only show it need none."""
    # Plotly asks for pandas' types as soon as pandas is among the imported modules, also while
    # another thread is still importing it.
    import pandas  # noqa: F401

    return go.Figure(description)


def blank(
    title: str,
    *,
    x: str = "",
    y: str = "",
    height: int = 340,
    legend: bool = False,
    zoom: bool = False,
    numbers: bool = False,
    **layout: Any,
) -> dict[str, Any]:
    """The layout of a figure with a title, axis titles and room for a legend above the plot.

    Colours of text and grid are left to the page's theme. The zoom survives updates as long as
    the title stays; pages that show another run in the same place set `uirevision` to its id.
    Without `zoom` the plot does not answer to drags, so that a finger on it scrolls the page.
    With `numbers` on both axes, or names that are not longer, the margins are known; else Plotly
    measures its ticks and draws twice: a third of the time that a browser takes for a figure.
    `layout` says what else the layout holds, or holds instead of what stands here.
    """
    margin = {"l": 58, "r": 12, "b": 50} if numbers else {"l": 8, "r": 12, "b": 8}
    axis = {
        "automargin": not numbers,
        "fixedrange": not zoom,
        "gridcolor": palette.FAINT,
        "zeroline": False,
        "zerolinecolor": palette.FAINT,
    }
    return {
        "title": {
            "text": title,
            "x": 0,
            "xanchor": "left",
            "y": 1,
            "yanchor": "top",
            "yref": "container",
            "pad": {"t": 10, "l": 2},
        },
        "height": height,
        "margin": {**margin, "t": 70 if legend else 44, "pad": 0},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "uirevision": title,
        "showlegend": legend,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom"},
        "dragmode": "zoom" if zoom else False,
        "hoverlabel": {"align": "left"},
        "xaxis": {"title": {"text": x, "standoff": 8}, "showgrid": False, **axis},
        "yaxis": {"title": {"text": y, "standoff": 8}, **axis},
        **layout,
    }


def are_short(names: Sequence[str]) -> bool:
    """Whether names take no more room at an axis than numbers do, as those of digits."""
    return max(map(len, names), default=0) <= SHORT


def picture_row(titles: Sequence[str], *, gap: float, text: int, axis: dict) -> dict[str, Any]:
    """The layout of pictures side by side, in square pixels, each below its title.

    `gap` is between two, a share of the width, `text` the titles' size, and `axis` says how every
    axis looks. Plotly's own subplots, and updates of them, cost a hundred milliseconds.
    """
    count = max(len(titles), 1)
    wide = (1 - gap * (count - 1)) / count
    lefts = [index * (wide + gap) for index in range(len(titles))]
    layout: dict[str, Any] = {
        "annotations": [
            {
                "text": title,
                "x": left + wide / 2,
                "y": 1,
                "xref": "paper",
                "yref": "paper",
                "xanchor": "center",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": text},
            }
            for title, left in zip(titles, lefts, strict=True)
        ]
    }
    square = {**axis, "constrain": "domain", "fixedrange": True}
    for index, left in enumerate(lefts):
        x, y = on_axes(index).values()
        across = {"domain": [left, min(left + wide, 1.0)], "anchor": y}
        down = {"autorange": "reversed", "anchor": x, "scaleanchor": x, "constraintoward": "top"}
        layout[x.replace("x", "xaxis")] = {**square, **across}
        layout[y.replace("y", "yaxis")] = {**square, **down}
    return layout


def on_axes(index: int) -> dict[str, str]:
    """The axes of a picture in a row, by its index from 0, as a trace names them."""
    number = str(index + 1) if index else ""
    return {"xaxis": f"x{number}", "yaxis": f"y{number}"}


def blank_picture(title: str, *, height: int) -> dict[str, Any]:
    """The layout of a figure for pictures: square pixels, the first row on top, no ticks."""
    layout = blank(title, height=height)
    layout["xaxis"] |= {"visible": False, "constrain": "domain"}
    layout["yaxis"] |= {
        "visible": False,
        "scaleanchor": "x",
        "autorange": "reversed",
        "constrain": "domain",
        "constraintoward": "top",
    }
    return layout


def picture_chart(title: str, *, height: int) -> go.Figure:
    """An empty figure for pictures."""
    return as_figure({"layout": blank_picture(title, height=height)})


def note(figure: go.Figure, text: str) -> go.Figure:
    """A line of text in the middle of the plot, in the theme's colour."""
    return figure.add_annotation(
        text=text, xref="paper", yref="paper", x=0.5, y=0.5, showarrow=False, opacity=0.75
    )


def mark_size(points: int, usual: int) -> int:
    """The size in pixels of a line's marks: small where many would hide the line."""
    return usual if points <= 40 else 3


def interval_line(bounds: tuple[float, float] | None, digits: int = 2) -> str:
    """The line of a hover text that names a 95 % interval of a share; nothing without one."""
    return f"<br>95 % interval {interval(bounds, digits)}" if bounds else ""


def whiskers(
    values: Sequence[float],
    bounds: Sequence[tuple[float, float] | None],
    color: str,
    *,
    scale: float = 100.0,
) -> dict[str, Any] | None:
    """Error bars from each value to both its bounds, where it has any, times `scale`."""
    if not any(bounds):
        return None
    ends = [(at, ends or (at, at)) for at, ends in zip(values, bounds, strict=True)]
    return {
        "type": "data",
        "symmetric": False,
        "array": [scale * (high - at) for at, (_, high) in ends],
        "arrayminus": [scale * (at - low) for at, (low, _) in ends],
        "color": color,
        "thickness": 1.5,
        "width": 3,
    }
