"""ROC and precision-recall curves, one line a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import plotly.graph_objects as go

from digitlab.figures import palette
from digitlab.figures.layout import chart, note

LEGEND_UP_TO = 12  # classes: a longer legend would push the plot off a phone


class Curve(Protocol):
    """What these figures read of a curve: float [P] of 0…1, and the area 0…1."""

    x: np.ndarray
    y: np.ndarray
    area: float


Named = Sequence[tuple[int, str, Curve]]  # label, name, curve


def roc_figure(curves: Named) -> go.Figure:
    """True positives over false positives; these on a logarithmic scale, where good ones differ.

    No false positive at all lies on the left edge, which has no place on such a scale.
    """
    figure = chart(
        "ROC: found against falsely accused",
        x="false positives, of all others",
        y="found, of the class",
        height=440,
        legend=len(curves) <= LEGEND_UP_TO,
        zoom=True,
        numbers=True,
    )
    if not curves:
        return _none(figure)
    _legend_below(figure)
    least = min(float(curve.x[curve.x > 0].min()) for _, _, curve in curves)
    for label, name, curve in curves:
        x, y = np.maximum(curve.x, least / 2), curve.y
        _add_line(figure, label, name, 100 * x, 100 * y)
    figure.update_xaxes(
        type="log",
        range=[np.log10(100 * least / 2), 2],
        ticksuffix=" %",
        showgrid=True,
        dtick=1,
    )
    lowest = min(float(curve.y[curve.x <= least].max()) for _, _, curve in curves)
    figure.update_yaxes(ticksuffix=" %", range=[max(0, 100 * lowest - 5), 100.8])
    return figure.update_layout(hovermode="closest", legend_traceorder="normal")


def precision_recall_figure(curves: Named) -> go.Figure:
    """Precision over recall, drawn where the curves bend."""
    figure = chart(
        "Precision against recall",
        x="recall",
        y="precision",
        height=440,
        legend=len(curves) <= LEGEND_UP_TO,
        zoom=True,
        numbers=True,
    )
    if not curves:
        return _none(figure)
    _legend_below(figure)
    for label, name, curve in curves:
        _add_line(figure, label, name, 100 * curve.x, 100 * curve.y)
    lowest = min(float(curve.y[curve.x < 0.99].min()) for _, _, curve in curves)
    bends = [curve.x[curve.y < 1] for _, _, curve in curves]
    first = min((float(x.min()) for x in bends if len(x)), default=0.0)
    figure.update_xaxes(ticksuffix=" %", showgrid=True, range=[max(-1, 100 * first - 4), 100.5])
    figure.update_yaxes(ticksuffix=" %", range=[max(0, 100 * lowest - 5), 100.8])
    return figure.update_layout(hovermode="closest", legend_traceorder="normal")


def _add_line(figure: go.Figure, label: int, name: str, x: np.ndarray, y: np.ndarray) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        name=name,
        mode="lines",
        line={"color": palette.digit_color(label), "width": 2},
        hovertemplate="%{x:.3g} %, %{y:.2f} %<extra>" + name + "</extra>",
    )


def _legend_below(figure: go.Figure) -> None:
    """Ten names take several lines, which above the plot would reach into the title."""
    figure.update_layout(legend={"y": -0.24, "yanchor": "top"}, margin={"t": 44})


def _none(figure: go.Figure) -> go.Figure:
    figure.update_xaxes(range=[0, 1], showticklabels=False)
    figure.update_yaxes(range=[0, 1], showticklabels=False)
    return note(figure, "it takes images of a class and of others")
