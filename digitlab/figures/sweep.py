"""Figures of a sweep: its course, parallel coordinates of its trials, and what mattered."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from textwrap import wrap
from typing import Any, NamedTuple

import plotly.graph_objects as go

from digitlab.figures import palette
from digitlab.figures.layout import chart, note
from digitlab.words import in_short

EMPTY = "none has finished yet"


class Axis(NamedTuple):
    """One axis of parallel coordinates: its title, and a value for each trial, None without one.

    `order` lists what has no order of numbers; `log` scales numbers by their logarithm; `unit` is
    written after them.
    """

    title: str
    values: Sequence[Any]
    order: Sequence[Any] = ()
    log: bool = False
    unit: str = ""

    def places(self) -> list[float | None]:
        """Where each value lies on the axis, from 0 to 1."""
        if self.order:
            count = max(1, len(self.order) - 1)
            return [None if v is None else list(self.order).index(v) / count for v in self.values]
        scaled = [None if v is None else log(v) if self.log else v for v in self.values]
        known = [value for value in scaled if value is not None]
        low, width = (min(known), max(known) - min(known)) if known else (0, 0)
        return [None if v is None else (v - low) / width if width else 0.5 for v in scaled]

    def ticks(self) -> list[tuple[float, str]]:
        """Places on the axis, and the values there."""
        if self.order:
            count = max(1, len(self.order) - 1)
            return [(index / count, in_short(value)) for index, value in enumerate(self.order)]
        known = [value for value in self.values if value is not None]
        if not known:
            return []
        if min(known) == max(known):
            return [(0.5, f"{in_short(known[0])}{self.unit}")]
        ends = ((0.0, min(known)), (1.0, max(known)))
        return [(place, f"{in_short(value)}{self.unit}") for place, value in ends]


def course(
    finished: Sequence[tuple[int, float]],
    pruned: Sequence[tuple[int, float]],
    best: Sequence[tuple[int, float]],
    *,
    title: str = "Validation accuracy",
    unit: str = " %",
) -> go.Figure:
    """What each trial reached by its number, finished or pruned, and the `best` up to it."""
    figure = chart(
        "Best so far", x="trial", y=title.lower(), legend=True, zoom=True, numbers=True, height=300
    )
    if not finished and not pruned:
        return note(figure, EMPTY)
    marks = (("pruned", pruned, palette.MUTED, "x"), ("finished", finished, palette.VAL, "circle"))
    for name, points, color, symbol in marks:
        if not points:
            continue
        figure.add_scatter(
            x=[number for number, _ in points],
            y=[value for _, value in points],
            mode="markers",
            name=name,
            marker={"color": color, "symbol": symbol, "size": 8},
            hovertemplate=f"trial %{{x}}: %{{y:.4g}}{unit}, {name}<extra></extra>",
        )
    if best:
        figure.add_scatter(
            x=[number for number, _ in best],
            y=[value for _, value in best],
            mode="lines",
            name="best so far",
            line={"color": palette.ACCENT, "width": 2, "shape": "hv"},
            hovertemplate=f"best up to trial %{{x}}: %{{y:.4g}}{unit}<extra></extra>",
        )
    figure.update_yaxes(ticksuffix=unit)
    return figure


def parallel_coordinates(
    axes: Sequence[Axis], names: Sequence[str], states: Sequence[str], best: int | None
) -> go.Figure:
    """Each trial as a line through its values; `best` is the index of the one to stand out.

    The `states` are "finished" or another, whose lines are grey; `names` are what a hover says.
    """
    figure = chart("Which values did well", legend=True, height=360)
    if not names:
        return note(figure, EMPTY)
    places = list(zip(*(axis.places() for axis in axes), strict=True))
    finished = [i for i, state in enumerate(states) if state == "finished" and i != best]
    others = [i for i, state in enumerate(states) if state != "finished"]
    groups = [("pruned or failed", others, palette.MUTED, 1, 0.5)]
    groups += [("finished", finished, palette.TRAIN, 1.5, 0.7)]
    groups += [("best", [] if best is None else [best], palette.VAL, 4, 1.0)]
    for title, members, color, width, opacity in groups:
        points = [
            (x, y, names[i])
            for i in members  # a line passes by the axes on which the trial has no value
            for x, y in (*((x, y) for x, y in enumerate(places[i]) if y is not None), (None, None))
        ]
        if not points:
            continue
        figure.add_scatter(
            x=[x for x, _, _ in points],
            y=[y for _, y, _ in points],
            mode="lines+markers",
            name=title,
            opacity=opacity,
            line={"color": color, "width": width},
            marker={"size": 5},
            text=[name for _, _, name in points],
            hovertemplate="%{text}<extra></extra>",
        )
    _label(figure, axes)
    return figure


def _label(figure: go.Figure, axes: Sequence[Axis]) -> None:
    titles = ["<br>".join(wrap(axis.title, 14)) for axis in axes]
    figure.update_xaxes(
        tickvals=list(range(len(axes))),
        ticktext=titles,
        range=[-0.05, len(axes) - 0.45],
        showgrid=True,
        autotickangles=[0, 60],  # on a phone
    )
    figure.update_yaxes(visible=False, range=[-0.08, 1.08])
    longest = 0  # line of the first axis' values, which stand left of it, where no line runs
    for index, axis in enumerate(axes):
        for place, text in axis.ticks():
            lines = [text] if index else wrap(text, 14)
            longest = max(longest, 0 if index else max(map(len, lines), default=0))
            figure.add_annotation(
                x=index, y=place, text="<br>".join(lines), showarrow=False,
                xanchor="left" if index else "right", xshift=6 if index else -6,
                font={"size": 11},
            )  # fmt: skip
    figure.update_layout(margin_l=16 + 6 * longest)


def importance(shares: Sequence[tuple[str, float]]) -> go.Figure:
    """How much each field decided which trials did well, as shares of 1; the largest on top."""
    height = 90 + 30 * max(1, len(shares))
    figure = chart("What mattered", x="share of the importance", height=height)
    rows = list(reversed(shares))
    figure.add_bar(
        x=[100 * share for _, share in rows],
        y=[name for name, _ in rows],
        orientation="h",
        marker={"color": palette.ACCENT},
        hovertemplate="%{y}: %{x:.0f} %<extra></extra>",
    )
    figure.update_xaxes(ticksuffix=" %", range=[0, 100])
    return figure
