"""Figures of confidence: reliability diagram, distribution, and accuracy when declining."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from digitlab.figures import palette
from digitlab.figures.layout import chart, whiskers
from digitlab.words import percent

if TYPE_CHECKING:
    from digitlab.evaluation.calibration import Bin


def reliability_diagram(bins: Sequence[Bin], rescaled: Sequence[Bin] | None = None) -> go.Figure:
    """Accuracy over confidence, a point a bin, and the diagonal of perfect calibration.

    Whiskers are 95 % intervals of the accuracy; `rescaled` are the bins after a temperature.
    """
    figure = chart(
        "Reliability diagram",
        x="confidence",
        y="accuracy",
        height=420,
        legend=True,
        numbers=True,
    )
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line={"color": palette.MUTED, "dash": "dash", "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
    )
    _add_bins(figure, bins, "without temperature", palette.TRAIN, "circle")
    if rescaled is not None:
        _add_bins(figure, rescaled, "with temperature", palette.VAL, "diamond")
    lowest = min((bin_.low for bin_ in [*bins, *(rescaled or ())] if bin_.count), default=0.0)
    figure.update_xaxes(range=[100 * lowest - 2, 102], ticksuffix=" %", showgrid=True)
    figure.update_yaxes(range=[-3, 103], ticksuffix=" %")
    return figure.update_layout(hovermode="closest")


def _add_bins(figure: go.Figure, bins: Sequence[Bin], name: str, color: str, symbol: str) -> None:
    filled = [bin_ for bin_ in bins if bin_.count]
    figure.add_scatter(
        x=[100 * bin_.confidence for bin_ in filled],
        y=[100 * bin_.accuracy for bin_ in filled],
        name=name,
        mode="lines+markers",
        line={"color": palette.translucent(color, 0.5), "width": 1.5},
        marker={"color": color, "symbol": symbol, "size": 9},
        error_y=whiskers(
            [bin_.accuracy for bin_ in filled],
            [bin_.interval for bin_ in filled],
            palette.translucent(color, 0.45),
        ),
        hovertext=[
            f"{bin_.count:,} images with a confidence of {percent(bin_.low, 0)} to "
            f"{percent(bin_.high, 0)}<br>{percent(bin_.confidence, 1)} sure, "
            f"{percent(bin_.accuracy, 1)} right"
            for bin_ in filled
        ],
        hovertemplate=f"%{{hovertext}}<extra>{name}</extra>",
    )


def confidence_histogram(bins: Sequence[Bin]) -> go.Figure:
    """How many images have which confidence, on a logarithmic scale."""
    figure = chart(
        "Distribution of confidence", x="confidence", y="images", height=420, numbers=True
    )
    filled = [bin_ for bin_ in bins if bin_.count]
    figure.add_bar(
        x=[50 * (bin_.low + bin_.high) for bin_ in filled],
        width=[98 * (bin_.high - bin_.low) for bin_ in filled],
        y=[bin_.count for bin_ in filled],
        marker={"color": palette.TRAIN, "line": {"width": 0}},
        hovertext=[f"{percent(bin_.low, 0)} to {percent(bin_.high, 0)}" for bin_ in filled],
        hovertemplate="%{hovertext}: %{y:,} images<extra></extra>",
    )
    most = max((bin_.count for bin_ in filled), default=1)
    figure.update_yaxes(type="log", range=[np.log10(0.6), np.log10(most * 1.6)], dtick=1)
    lowest = min((bin_.low for bin_ in filled), default=0.0)
    return figure.update_xaxes(range=[100 * lowest - 2, 102], ticksuffix=" %")


def coverage_figure(
    coverage: np.ndarray,
    accuracy: np.ndarray,
    threshold: np.ndarray,
    chosen: tuple[float, float] | None = None,
) -> go.Figure:
    """Accuracy of the answers over the share of images answered, float [P] of 0…1 each.

    `chosen` marks a point, (coverage, accuracy).
    """
    figure = chart(
        "Accuracy on the images answered",
        x="images answered",
        y="accuracy",
        height=380,
        numbers=True,
    )
    coverage, accuracy, threshold = (
        values[_evenly(len(coverage), 600)]
        for values in map(np.asarray, (coverage, accuracy, threshold))
    )
    figure.add_scatter(
        x=100 * coverage,
        y=100 * accuracy,
        mode="lines",
        line={"color": palette.TRAIN, "width": 2.5},
        customdata=100 * threshold,
        hovertemplate="%{x:.1f} % answered, those with a confidence of at least "
        "%{customdata:.2f} %<br>%{y:.2f} % of them right<extra></extra>",
        showlegend=False,
    )
    if chosen:
        figure.add_scatter(
            x=[100 * chosen[0]],
            y=[100 * chosen[1]],
            mode="markers",
            marker={"color": palette.VAL, "size": 12, "symbol": "diamond"},
            hovertemplate="your threshold: %{x:.1f} % answered, %{y:.2f} % right<extra></extra>",
            showlegend=False,
        )
    figure.update_xaxes(range=[-2, 102], ticksuffix=" %", showgrid=True)
    figure.update_yaxes(ticksuffix=" %")
    return figure.update_layout(hovermode="closest")


def _evenly(count: int, most: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
