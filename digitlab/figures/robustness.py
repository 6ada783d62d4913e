"""Figures of robustness: accuracy over the severity of a corruption, with what it looks like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from digitlab.figures import palette
from digitlab.figures.layout import chart, whiskers
from digitlab.words import interval, percent

_SHARES = [0, 25, 50, 75, 100]
_ENLARGED = 3  # thumbnails are enlarged here: a browser would blur them


def severity_curve(
    title: str,
    unit: str,
    severities: Sequence[float],
    accuracies: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    images: np.ndarray | None = None,
    *,
    captions: Sequence[str] = (),
    chance: float | None = None,
    height: int = 300,
) -> go.Figure:
    """Accuracy 0…1 over severity, a point a level and evenly spaced, with 95 % whiskers.

    `images` uint8 [levels, H, W] stand under their levels, each over its caption where `captions`
    are given; `chance` is the accuracy of guessing.
    """
    figure = chart(title, x=unit, y="read rightly", height=height)
    values = 100 * np.asarray(accuracies, dtype=float)
    names = [f"{severity:g}" for severity in severities]
    figure.add_scatter(
        x=names,
        y=values,
        mode="lines+markers",
        line={"color": palette.ACCENT, "width": 2},
        marker={"size": 7},
        error_y=whiskers(accuracies, intervals, palette.MUTED),
        customdata=[
            f"{percent(accuracy, 1)}, 95 %: {interval(bounds, 1)}"
            for accuracy, bounds in zip(accuracies, intervals, strict=True)
        ],
        hovertemplate=f"%{{x}} {unit}: %{{customdata}}<extra></extra>",
    )
    if chance is not None:
        figure.add_hline(y=100 * chance, line={"color": palette.MUTED, "dash": "dot", "width": 1})
    figure.update_xaxes(type="category", range=[-0.5, len(names) - 0.5])
    figure.update_yaxes(range=[-3, 104], tickvals=_SHARES, ticktext=[f"{s} %" for s in _SHARES])
    if images is not None:
        _stand_below(figure, images, captions)
    return figure


def _stand_below(figure: go.Figure, images: np.ndarray, captions: Sequence[str]) -> None:
    """The images in a row below the plot, each under its level; the ticks go under them."""
    line = 0.1 if captions else 0.0  # of the plot's height: what a caption takes
    figure.update_yaxes(domain=[0.32 + line, 1])
    for level, caption in enumerate(captions):
        figure.add_annotation(
            text=caption,
            x=level,
            y=0.015,
            xref="x",
            yref="paper",
            yanchor="bottom",
            showarrow=False,
            font={"size": 12},
        )
    figure.update_xaxes(anchor="free", position=0)
    for level, image in enumerate(images):
        large = np.kron(np.asarray(image), np.ones((_ENLARGED, _ENLARGED), dtype=np.uint8))
        figure.add_layout_image(
            source=Image.fromarray(large, "L"),
            xref="x",
            yref="paper",
            x=level,
            y=0.02 + line,
            sizex=0.92,
            sizey=0.26,
            xanchor="center",
            yanchor="bottom",
        )


def accuracy_bars(
    names: Sequence[str],
    accuracies: Sequence[float],
    intervals: Sequence[tuple[float, float]] = (),
    *,
    title: str,
) -> go.Figure:
    """A horizontal bar of accuracy 0…1 for each name, the first on top; 95 % whiskers if given."""
    figure = chart(title, x="read rightly", height=100 + 30 * len(names))
    values = 100 * np.asarray(accuracies, dtype=float)
    figure.add_bar(
        x=values,
        y=list(names),
        orientation="h",
        marker={"color": palette.ACCENT, "line": {"width": 0}},
        error_x=whiskers(accuracies, intervals, palette.MUTED),
        text=[percent(value, 1) for value in accuracies],
        textposition="auto",
        insidetextanchor="start",
        insidetextfont={"color": palette.ON_CELL},
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    figure.update_xaxes(range=[0, 104], ticksuffix=" %", showgrid=True)
    return figure.update_yaxes(
        type="category", autorange="reversed", showgrid=False, ticksuffix=" "
    )
