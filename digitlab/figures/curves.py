"""ROC and precision-recall curves, one line a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from digitlab.figures import palette
from digitlab.figures.layout import chart, note

if TYPE_CHECKING:
    from digitlab.evaluation.curves import Curve

LEGEND_UP_TO = 12  # classes: a longer legend would push the plot off a phone


Named = Sequence[tuple[int, str, "Curve"]]  # label, name, curve


def roc_figure(curves: Named) -> go.Figure:
    """True positives over false positives; these on a logarithmic scale, where good ones differ.

    No false positive at all lies on the left edge, which has no place on such a scale.
    """
    across, down = "false positive rate", "true positive rate (recall)"
    figure = _frame("ROC: true against false positive rate", across, down, curves)
    if not curves:
        return figure
    least = min(float(curve.x[curve.x > 0].min()) for _, _, curve in curves)
    for label, name, curve in curves:
        _add_line(figure, label, name, np.maximum(curve.x, least / 2), curve.y)
    lowest = min(float(curve.y[curve.x <= least].max()) for _, _, curve in curves)
    figure.update_xaxes(type="log", range=[np.log10(100 * least / 2), 2], dtick=1)
    return figure.update_yaxes(range=[max(0, 100 * lowest - 5), 100.8])


def precision_recall_figure(curves: Named) -> go.Figure:
    """Precision over recall, drawn where the curves bend."""
    figure = _frame("Precision against recall", "recall", "precision", curves)
    if not curves:
        return figure
    for label, name, curve in curves:
        _add_line(figure, label, name, curve.x, curve.y)
    lowest = min(float(curve.y[curve.x < 0.99].min()) for _, _, curve in curves)
    bends = [curve.x[curve.y < 1] for _, _, curve in curves]
    first = min((float(x.min()) for x in bends if len(x)), default=0.0)
    figure.update_xaxes(range=[max(-1, 100 * first - 4), 100.5])
    return figure.update_yaxes(range=[max(0, 100 * lowest - 5), 100.8])


def _frame(title: str, x: str, y: str, curves: Named) -> go.Figure:
    """What both figures have in common; a sentence where there are no curves."""
    legend = len(curves) <= LEGEND_UP_TO
    figure = chart(title, x=x, y=y, height=440, legend=legend, zoom=True, numbers=True)
    if not curves:
        figure.update_xaxes(range=[0, 1], showticklabels=False)
        figure.update_yaxes(range=[0, 1], showticklabels=False)
        return note(figure, "this needs images of several classes")
    figure.update_xaxes(ticksuffix=" %", showgrid=True).update_yaxes(ticksuffix=" %")
    # Ten names take several lines, which above the plot would reach into the title.
    below = {"y": -0.24, "yanchor": "top", "traceorder": "normal"}
    return figure.update_layout(legend=below, margin={"t": 44}, hovermode="closest")


def _add_line(figure: go.Figure, label: int, name: str, x: np.ndarray, y: np.ndarray) -> None:
    """A class's line, from shares 0…1."""
    figure.add_scatter(
        x=100 * x,
        y=100 * y,
        name=name,
        mode="lines",
        line={"color": palette.digit_color(label), "width": 2},
        hovertemplate="%{x:.3g} %, %{y:.2f} %<extra>" + name + "</extra>",
    )
