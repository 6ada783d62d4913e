"""The leaderboard: runs by test accuracy, with published figures as lines to measure them by."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from digitlab.figures import palette
from digitlab.figures.layout import chart, interval_line, note, whiskers
from digitlab.words import percent

if TYPE_CHECKING:
    from digitlab.models.presets import Published

MOST = 40  # runs: more fit only in a table
_LEAST_ERROR = 1e-4  # where the axis ends: a run without a mistake is drawn here
_TICKS = (0.5, 0.9, 0.99, 0.999, 0.9999)
_BETWEEN = (0.2, 0.7, 0.8, 0.95, 0.97, 0.98, 0.995, 0.997, 0.998)  # where there are too few
_NAME = 30  # characters


def leaderboard(
    names: Sequence[str],
    accuracies: Sequence[float],
    intervals: Sequence[tuple[float, float] | None],
    references: Sequence[Published] = (),
    *,
    marked: Sequence[int] = (),
) -> go.Figure:
    """The first 40 runs, the best on top: accuracies 0…1 with 95 % intervals as whiskers.

    The axis is of errors on a logarithmic scale, so that 99.0 to 99.9 % take as much room as 90
    to 99 %. Dotted lines are published figures, named on hover. `marked` are positions drawn in the
    accent's colour: the runs that are compared now, say.
    """
    names, accuracies = list(names)[:MOST], list(accuracies)[:MOST]
    figure = chart(
        "Test accuracy of all runs",
        x="test accuracy (%)",
        height=140 + 26 * max(len(names), 4),
        zoom=True,
    )
    if not names:
        return note(figure, "no run has been tested on it yet")
    colors = [palette.ACCENT if i in set(marked) else palette.TEST for i in range(len(names))]
    _add_references(figure, references, len(names))
    x = [_position(value) for value in accuracies]
    bounds = [intervals[i] if i < len(intervals) else None for i in range(len(names))]
    ends = [
        (_position(interval[0]), _position(interval[1])) if interval else (centre, centre)
        for interval, centre in zip(bounds, x, strict=True)
    ]
    figure.add_scatter(
        x=x,
        y=list(range(len(names))),
        mode="markers",
        marker={"size": 11, "color": colors},
        error_x=whiskers(x, ends, palette.MUTED, scale=1),
        hovertext=[
            f"{i}. {name}<br>{percent(value)}{interval_line(interval)}"
            for i, (name, value, interval) in enumerate(
                zip(names, accuracies, bounds, strict=True), start=1
            )
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        # Positions on the axis are no accuracies.
        meta=_table(names, accuracies, bounds),
        cliponaxis=False,
        showlegend=False,
    )
    lines = [_position(published.accuracy) for published in references]
    low = min(low for low, _ in ends)
    high = max([*(high for _, high in ends), *lines])
    _axes(figure, names, low - 0.08, high + 0.08)
    return figure


def _position(accuracy: float) -> float:
    """The position of an accuracy on the axis: minus the logarithm of its error."""
    return -log10(max(1 - accuracy, _LEAST_ERROR))


def _axes(figure: go.Figure, names: Sequence[str], low: float, high: float) -> None:
    ticks = [value for value in _TICKS if low <= _position(value) <= high]
    if len(ticks) < 3:
        ticks += [value for value in _BETWEEN if low <= _position(value) <= high]
    ticks = _apart(ticks, (high - low) / 8)  # a phone has no room for more
    figure.update_xaxes(
        tickvals=[_position(value) for value in ticks],
        ticktext=[f"{100 * value:g}" for value in ticks],
        range=[low, high],
        showgrid=True,
        tickangle=0,
    )
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[
            f"{i}. {name if len(name) <= _NAME else name[: _NAME - 1] + '…'}"
            for i, name in enumerate(names, start=1)
        ],
        range=[len(names) - 0.4, -0.9],
        showgrid=False,
    )
    figure.update_layout(hovermode="closest")


def _apart(ticks: Sequence[float], gap: float) -> list[float]:
    """The ticks, in order, that are at least `gap` away from all those chosen before."""
    chosen: list[float] = []
    for value in ticks:
        if all(abs(_position(value) - _position(earlier)) >= gap for earlier in chosen):
            chosen.append(value)
    return chosen


def _add_references(figure: go.Figure, references: Sequence[Published], rows: int) -> None:
    """A dotted line for each figure, with points along it that name its source on hover."""
    values: dict[float, list[Published]] = {}
    for published in references:
        values.setdefault(published.accuracy, []).append(published)
    for value, group in values.items():
        titles = "<br>".join(
            f"{published.title}{' (validation)' if published.split != 'test' else ''}"
            for published in group
        )
        figure.add_scatter(
            x=[_position(value)] * (rows + 1),
            y=[i - 0.5 for i in range(rows + 1)],
            mode="lines",
            line={"color": palette.VAL, "width": 1.2, "dash": "dot"},
            opacity=0.7,
            hovertext=f"published: {percent(value)}<br>{titles}",
            hovertemplate="%{hovertext}<extra></extra>",
            meta=_table([f"published: {titles.replace('<br>', ', ')}"], [value], [None]),
            showlegend=False,
        )


def _table(
    names: Sequence[str],
    accuracies: Sequence[float],
    intervals: Sequence[tuple[float, float] | None],
) -> dict[str, list]:
    return {
        "run": list(names),
        "test accuracy (%)": [100 * accuracy for accuracy in accuracies],
        "from": [bounds and 100 * bounds[0] for bounds in intervals],
        "to": [bounds and 100 * bounds[1] for bounds in intervals],
    }
