"""Accuracies with intervals, one below the other: whom chance tells apart, and whom it does not."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from digitlab.figures import palette
from digitlab.figures.layout import chart, interval_line, note, whiskers
from digitlab.words import percent, shorten

_NAME = 24  # characters
_COLORS = (palette.ACCENT, palette.VAL, palette.TEST)


def contestants(
    names: Sequence[str],
    accuracies: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    groups: Sequence[str],
    *,
    title: str,
    hovers: Sequence[str] = (),
) -> go.Figure:
    """A row for each, the first on top: accuracies 0…1 with 95 % intervals as whiskers.

    `groups` says what each belongs to; each group has a colour, the first the accent's.
    """
    kinds = list(dict.fromkeys(groups))
    figure = chart(
        title,
        x="accuracy (%)",
        height=130 + 28 * max(len(names), 2) + 24 * (len(kinds) > 1),
        legend=len(kinds) > 1,
    )
    if not names:
        return note(figure, "nothing yet")
    hovers = hovers or names
    for kind, color in zip(kinds, _COLORS, strict=False):
        rows = [row for row, group in enumerate(groups) if group == kind]
        values = [accuracies[row] for row in rows]
        bounds = [intervals[row] for row in rows]
        figure.add_scatter(
            x=[100 * value for value in values],
            y=rows,
            name=kind,
            mode="markers",
            marker={"size": 11, "color": color},
            error_x=whiskers(values, bounds, color),
            hovertext=[
                f"{hovers[row]}<br>{percent(accuracies[row], 1)}{interval_line(intervals[row], 1)}"
                for row in rows
            ],
            hovertemplate="%{hovertext}<extra></extra>",
            meta={
                "name": [names[row] for row in rows],
                "accuracy (%)": [100 * value for value in values],
                "from": [100 * low for low, _ in bounds],
                "to": [100 * high for _, high in bounds],
            },
            cliponaxis=False,
        )
    _show_rows(figure, names, min(low for low, _ in intervals))
    return figure


def _show_rows(figure: go.Figure, names: Sequence[str], low: float) -> None:
    figure.update_xaxes(range=[100 * low - 2, 100.5], showgrid=True, tickangle=0)
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[shorten(name, _NAME) for name in names],
        range=[len(names) - 0.4, -0.6],
        showgrid=False,
    )
    figure.update_layout(hovermode="closest")
