"""Figures of a drawing: what it was read as, and the stages on the way there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from digitlab.figures import palette
from digitlab.figures.images import picture_trace
from digitlab.figures.layout import chart, on_axes, picture_row

_FRAME = {
    "showline": True,
    "mirror": True,
    "linewidth": 1,
    "linecolor": palette.MUTED,
    "showgrid": False,
    "zeroline": False,
    "showticklabels": False,
    "ticks": "",
}
_GAP = 0.02  # between stages, share of the width
VALUES_UP_TO = 64  # pixels a side: small images tell their values, larger ones are only shown


def probability_bars(
    probabilities: Sequence[float], classes: Sequence[str], *, title: str = "Probabilities"
) -> go.Figure:
    """One bar for each class, probabilities [C] of 0…1 in percent, the winner in the accent.

    The axis is always 0 to 100 %, so that bars grow and shrink but nothing jumps.
    """
    values = [100 * float(p) for p in probabilities]
    winner = int(np.argmax(values))
    figure = chart(title, x="probability (%)", y="class", height=90 + 25 * len(values))
    figure.add_bar(
        x=values,
        y=[str(name) for name in classes],
        orientation="h",
        marker={
            "color": [palette.ACCENT if i == winner else palette.MUTED for i in range(len(values))],
            "line": {"width": 0},
        },
        text=[_short_percent(value) for value in values],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="class %{y}: %{x:.3f} %<extra></extra>",
    )
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False, ticksuffix="  ")
    figure.update_xaxes(range=[0, 100], tickvals=[0, 25, 50, 75, 100], showgrid=True)
    return figure.update_layout(bargap=0.25, margin={"r": 56})


def stage_strip(images: Sequence[np.ndarray], titles: Sequence[str]) -> go.Figure:
    """Images of different sizes side by side, equally large, uint8 [H, W] or [H, W, 3 or 4].

    Each is headed by its title and its size in pixels. Small grey images tell the value of the
    pixel under the pointer.
    """
    images = [np.asarray(image) for image in images]
    heads = [
        f"{title}<br><sub>{image.shape[1]} × {image.shape[0]}</sub>"
        for title, image in zip(titles, images, strict=True)
    ]
    # With a frame: a straight 1, cut out, is all ink, and would melt into a light page.
    layout = picture_row(heads, gap=_GAP, text=13, axis=_FRAME)
    margin = {"l": 1, "r": 1, "t": 52, "b": 4, "pad": 0}
    figure = chart("", height=210, margin=margin, **layout)
    return figure.add_traces([_stage_trace(image, i) for i, image in enumerate(images)])


def _stage_trace(image: np.ndarray, index: int) -> go.Heatmap | go.Image:
    axes = on_axes(index)
    if image.ndim == 3 or max(image.shape) > VALUES_UP_TO:
        return picture_trace(Image.fromarray(image.astype(np.uint8)), **axes)
    return go.Heatmap(
        **axes,
        z=image,
        zmin=0,
        zmax=255,
        colorscale=palette.IMAGE_SCALE,
        showscale=False,
        hovertemplate="row %{y}, column %{x}: value %{z:.0f}<extra></extra>",
    )


def _short_percent(value: float) -> str:
    """Percent in few characters: never "0.0 %" or "100.0 %" unless it is exact."""
    if 0 < value < 0.1:
        return "< 0.1 %"
    if 99.9 < value < 100:
        return "> 99.9 %"
    return f"{value:.1f} %"
