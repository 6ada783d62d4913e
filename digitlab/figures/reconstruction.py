"""Figures of autoencoders: errors of classes, and how far errors tell what is no digit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from digitlab.figures import palette
from digitlab.figures.layout import chart
from digitlab.words import percent

if TYPE_CHECKING:
    from digitlab.evaluation.reconstruction import ClassError, Separation

_BINS = 40


def class_errors_figure(rows: Sequence[ClassError], mean: float, *, unit: str) -> go.Figure:
    """The mean error of each class as a bar, and the mean of all images as a line."""
    figure = chart("Error of each class", x="class", y=unit, height=320, numbers=True)
    measured = [row for row in rows if row.error is not None]
    figure.add_bar(
        x=[row.name for row in measured],
        y=[row.error for row in measured],
        marker={"color": palette.TRAIN},
        customdata=[row.count for row in measured],
        hovertemplate="%{x}: %{y:.4f}, %{customdata:,} images<extra></extra>",
    )
    figure.add_hline(y=mean, line={"color": palette.MUTED, "dash": "dash", "width": 1.5})
    figure.update_xaxes(type="category")
    return figure


def error_histogram(
    known: np.ndarray, others: np.ndarray, names: tuple[str, str], threshold: float, *, unit: str
) -> go.Figure:
    """The errors of the run's own images and of others, as shares, and the threshold."""
    figure = chart(
        "Reconstruction errors", x=unit, y="share of the images", legend=True, numbers=True
    )
    low = min(known.min(), others.min())
    high = max(np.quantile(errors, 0.99) for errors in (known, others))  # a few may lie far out
    edges = np.linspace(low, max(high, low + 1e-6), _BINS + 1)
    groups = zip(names, (known, others), (palette.TRAIN, palette.VAL), strict=True)
    for name, errors, color in groups:
        counts = np.histogram(np.minimum(errors, edges[-1]), edges)[0]
        figure.add_bar(
            x=(edges[1:] + edges[:-1]) / 2,
            y=100 * counts / len(errors),
            width=np.diff(edges),
            name=name,
            marker={"color": palette.translucent(color, 0.55), "line": {"width": 0}},
            hovertemplate=f"{name}: %{{y:.1f}} % around %{{x:.3f}}<extra></extra>",
        )
    figure.add_vline(
        x=threshold, line={"color": palette.MUTED, "dash": "dash", "width": 1.5},
        annotation_text="95 % of them", annotation_position="top right",
    )  # fmt: skip
    figure.update_yaxes(ticksuffix=" %", rangemode="tozero")
    return figure.update_layout(barmode="overlay", hovermode="closest")


def novelty_roc(curves: Mapping[str, Separation]) -> go.Figure:
    """For each kind of image the share that is recognised as strange, over false alarms."""
    figure = chart(
        "What is no digit, by the error",
        x="the run's images taken for strange",
        y="strange images found",
        height=480,
        legend=True,
        numbers=True,
    )
    for index, (name, curve) in enumerate(curves.items()):
        figure.add_scatter(
            x=100 * curve.rates[:, 0],
            y=100 * curve.rates[:, 1],
            name=f"{name} ({percent(curve.area, 1)})",
            mode="lines",
            line={"color": palette.digit_color(index), "width": 2},
            hovertemplate=f"{name}: %{{y:.1f}} % found, %{{x:.1f}} % false alarms<extra></extra>",
        )
    figure.add_scatter(
        x=[0, 100], y=[0, 100], mode="lines", showlegend=False, hoverinfo="skip",
        line={"color": palette.MUTED, "dash": "dash", "width": 1.5},
    )  # fmt: skip
    figure.update_xaxes(range=[-2, 102], ticksuffix=" %", showgrid=True)
    figure.update_yaxes(range=[-2, 102], ticksuffix=" %")
    # On a phone the legend has a line for each kind: below the plot it covers nothing.
    below = {"y": -0.2, "yanchor": "top"}
    return figure.update_layout(hovermode="closest", legend=below, margin={"t": 44, "b": 150})
