"""Figures of a drawing: what it was read as, and the stages on the way there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from digitlab.figures import palette
from digitlab.figures.images import picture_trace
from digitlab.figures.layout import Description, as_figure, blank, on_axes, picture_row
from digitlab.words import probability

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
    return as_figure(describe_bars(probabilities, classes, title=title))


def describe_bars(
    probabilities: Sequence[float], classes: Sequence[str], *, title: str = "Probabilities"
) -> Description:
    """The figure of `probability_bars`, as a page that shows one after each stroke needs it."""
    values = [100 * float(p) for p in probabilities]
    winner = int(np.argmax(values))
    bars = {
        "type": "bar",
        "x": values,
        "y": [str(name) for name in classes],
        "orientation": "h",
        "marker": {
            "color": [palette.ACCENT if i == winner else palette.MUTED for i in range(len(values))],
            "line": {"width": 0},
        },
        "text": [probability(p, short=True) for p in probabilities],
        "textposition": "outside",
        "constraintext": "none",
        "cliponaxis": False,
        "hovertemplate": "class %{y}: %{x:.3f} %<extra></extra>",
    }
    layout = blank(title, x="probability (%)", y="class", height=65 + 20 * len(values), bargap=0.25)
    layout["xaxis"] |= {"range": [0, 100], "tickvals": [0, 25, 50, 75, 100], "showgrid": True}
    layout["yaxis"] |= {
        "type": "category",
        "autorange": "reversed",
        "showgrid": False,
        "ticksuffix": "  ",
    }
    layout["margin"]["r"] = 56
    return {"data": [bars], "layout": layout}


def stage_strip(images: Sequence[np.ndarray], titles: Sequence[str]) -> go.Figure:
    """Images of different sizes side by side, equally large, uint8 [H, W] or [H, W, 3 or 4].

    Each is headed by its title and its size in pixels. Small grey images tell the value of the
    pixel under the pointer.
    """
    return as_figure(describe_stages(images, titles))


def describe_stages(images: Sequence[np.ndarray], titles: Sequence[str]) -> Description:
    """The figure of `stage_strip`, as a page that shows one after each stroke needs it."""
    images = [np.asarray(image) for image in images]
    heads = [
        f"{title}<br><sub>{image.shape[1]} × {image.shape[0]}</sub>"
        for title, image in zip(titles, images, strict=True)
    ]
    # With a frame: a straight 1, cut out, is all ink, and would melt into a light page.
    layout = picture_row(heads, gap=_GAP, text=13, axis=_FRAME)
    margin = {"l": 1, "r": 1, "t": 52, "b": 4, "pad": 0}
    return {
        "data": [_stage_trace(image, i, titles[i]) for i, image in enumerate(images)],
        "layout": blank("", height=210, margin=margin, **layout),
    }


def _stage_trace(image: np.ndarray, index: int, title: str) -> dict[str, Any]:
    axes = on_axes(index)
    if image.ndim == 3 or max(image.shape) > VALUES_UP_TO:
        return picture_trace(Image.fromarray(_in_grey(image.astype(np.uint8))), **axes)
    return {
        "type": "heatmap",
        **axes,
        "name": title,
        "z": image.tolist(),
        "zmin": 0,
        "zmax": 255,
        "colorscale": palette.IMAGE_SCALE,
        "showscale": False,
        "hovertemplate": "row %{y}, column %{x}: value %{z:.0f}<extra></extra>",
    }


def _in_grey(image: np.ndarray) -> np.ndarray:
    """One channel of three or four that look the same: a PNG of it takes a quarter of the time."""
    if image.ndim < 3:
        return image
    grey, *others = np.moveaxis(image[..., :3], 2, 0)
    same = all(np.array_equal(grey, other) for other in others) and (image[..., 3:] == 255).all()
    return np.ascontiguousarray(grey) if same else image
