"""Figures of the data: classes, brightness, single images and images per class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from digitlab.figures import palette
from digitlab.figures.images import (
    as_pixels,
    color_bar,
    contact_sheet,
    image_grid,
    per_class_images,
)
from digitlab.figures.layout import Description, as_figure, blank_picture, chart, picture_chart
from digitlab.words import percent

__all__ = [
    "class_distribution",
    "contact_sheet",
    "image_grid",
    "image_heatmap",
    "intensity_histogram",
    "per_class_images",
    "pixel_values",
]


def class_distribution(
    counts: Mapping[str, Sequence[int]],
    classes: Sequence[str],
    *,
    show: Literal["counts", "shares"] = "counts",
) -> go.Figure:
    """Images of each class, a group of bars with one bar a split.

    `counts` holds a number for each class under "train", "val" and "test". Shares are of the
    split, so that splits of different sizes can be compared.
    """
    shares = show == "shares"
    figure = chart(
        "Share of each class" if shares else "Images of each class",
        x="class",
        y="share of the split" if shares else "images",
        legend=True,
    )
    for split, values in counts.items():
        name = palette.SPLIT_NAMES.get(split, split)
        total = max(int(np.sum(values)), 1)
        hovers = [
            f"{int(n):,} images, {percent(int(n) / total, 1)} of {name.lower()}" for n in values
        ]
        figure.add_bar(
            x=[str(label) for label in classes],
            y=[100 * int(n) / total if shares else int(n) for n in values],
            name=name,
            marker={"color": palette.SPLIT_COLORS.get(split, palette.MUTED), "line": {"width": 0}},
            customdata=hovers,
            hovertemplate="class %{x}: %{customdata}<extra></extra>",
        )
    figure.update_xaxes(type="category")  # class names are not numbers, even where they look so
    figure.update_yaxes(rangemode="tozero", ticksuffix=" %" if shares else "")
    return figure.update_layout(barmode="group", bargap=0.25, bargroupgap=0)


def intensity_histogram(counts: Sequence[int], mean: float, std: float) -> go.Figure:
    """How many pixels have each of the 256 values, on a logarithmic axis.

    `mean` and `std` are of pixels scaled to 0…1, as normalisation uses them; the axis is 0…255.
    """
    total = max(int(np.sum(counts)), 1)
    figure = chart(
        "Pixel values", x="pixel value (0 = paper, 255 = ink)", y="pixels (log scale)", zoom=True
    )
    figure.add_bar(
        x=list(range(256)),
        y=[int(n) or None for n in counts],
        marker={"color": palette.TRAIN, "line": {"width": 0}},
        customdata=[percent(int(n) / total) for n in counts],
        hovertemplate="value %{x}: %{y:,} pixels (%{customdata})<extra></extra>",
    )
    low, high = max(0.0, 255 * (mean - std)), min(255.0, 255 * (mean + std))
    figure.add_vrect(x0=low, x1=high, fillcolor=palette.MUTED, opacity=0.22, line_width=0)
    figure.add_vline(x=255 * mean, line={"color": palette.VAL, "width": 2})
    figure.add_annotation(
        text=f"mean {mean:.4f}, standard deviation {std:.4f} (of 0…1)",
        x=255 * mean,
        xanchor="left" if mean < 0.5 else "right",
        xshift=6 if mean < 0.5 else -6,
        y=1,
        yref="paper",
        yanchor="top",
        showarrow=False,
    )
    figure.update_yaxes(type="log", exponentformat="SI", dtick=1)
    figure.update_xaxes(range=[-1, 256], tickvals=[0, 64, 128, 192, 255])
    return figure.update_layout(bargap=0)


def pixel_values(image: np.ndarray, title: str = "", *, numbers: bool = False) -> go.Figure:
    """The figure of `describe_pixels`."""
    return as_figure(describe_pixels(image, title, numbers=numbers))


def describe_pixels(
    image: np.ndarray, title: str = "", *, numbers: bool = False, height: int = 460
) -> Description:
    """One image, uint8 [H, W] or [C, H, W], large; `numbers` writes every grey value into it."""
    image = np.asarray(image)
    image = as_pixels(image[None])[0] if image.ndim == 3 else image
    trace: dict[str, Any] = {"z": image}
    if image.ndim == 3:
        trace |= {
            "type": "image",
            "zsmooth": False,
            "hovertemplate": "row %{y}, column %{x}: red, green, blue %{z}<extra></extra>",
        }
    else:
        trace |= {
            "type": "heatmap",
            "zmin": 0,
            "zmax": 255,
            "colorscale": palette.IMAGE_SCALE,
            "showscale": False,
            "texttemplate": "%{z}" if numbers else None,
            "hovertemplate": "row %{y}, column %{x}: value %{z}<extra></extra>",
        }
    return {"data": [trace], "layout": blank_picture(title or "Pixel values", height=height)}


def image_heatmap(
    array: np.ndarray,
    title: str,
    unit: str,
    *,
    scale: Sequence | str = palette.SEQUENTIAL_SCALE,
) -> go.Figure:
    """A float array [H, W] as a picture with a colour bar: a mean image, a spread, a difference."""
    figure = picture_chart(title, height=440)
    figure.add_trace(
        go.Heatmap(
            z=np.asarray(array, dtype=np.float32),
            colorscale=scale,
            colorbar=color_bar(unit),
            hovertemplate=f"row %{{y}}, column %{{x}}: %{{z:.3~g}} {unit}<extra></extra>",
        )
    )
    return figure
