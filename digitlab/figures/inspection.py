"""Figures of a network's inside: attributions, weights, feature maps, class means, embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from digitlab.figures import palette
from digitlab.figures.images import caption_trace, color_bar
from digitlab.figures.layout import (
    CLEAR,
    Description,
    as_figure,
    chart,
    on_axes,
    picture_chart,
    picture_row,
)

_BETWEEN = 0.04  # of the width: the gap between two attributions
CANVAS = 1_300  # pixels a side of the picture of an embedding's images


def attribution_figure(
    image: np.ndarray, maps: Sequence[tuple[str, np.ndarray]], *, unit: str
) -> go.Figure:
    """The figure of `describe_attribution`."""
    return as_figure(describe_attribution(image, maps, unit=unit))


def describe_attribution(
    image: np.ndarray, maps: Sequence[tuple[str, np.ndarray]], *, unit: str
) -> Description:
    """Attributions float32 [H, W], each with its title, over the image uint8 [H, W], side by side.

    One scale for all, symmetric around 0: what speaks for the class against what speaks against it.
    The strongest pixel in a hundred is off the scale, so that a single one does not hide the rest.
    """
    strengths = np.abs(np.stack([array for _, array in maps]))
    top = float(np.quantile(strengths, 0.99)) or float(strengths.max()) or 1.0
    titles = [title for title, _ in maps]
    layout = picture_row(titles, gap=_BETWEEN, text=16, axis={"visible": False}) | {
        "coloraxis": {
            "colorscale": palette.OVERLAY_SCALE,
            "cmin": -top,
            "cmax": top,
            "colorbar": color_bar(unit),
        },
        "height": 400,
        "margin": {"l": 0, "r": 0, "t": 40, "b": 8},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "dragmode": False,
    }
    traces = []
    for index, (title, array) in enumerate(maps):
        on = on_axes(index)
        plain = {
            "z": image,
            "zmin": 0,
            "zmax": 255,
            "colorscale": palette.DIMMED_SCALE,
            "showscale": False,
            "hoverinfo": "skip",
        }
        over = {
            "z": array,
            "name": title,
            "customdata": image,
            "coloraxis": "coloraxis",
            "hovertemplate": "row %{y}, column %{x}, ink %{customdata}: %{z:+.3f}<extra></extra>",
        }
        traces += [{"type": "heatmap", **on, **trace} for trace in (plain, over)]
    return {"data": traces, "layout": layout}


def picture_grid(
    arrays: np.ndarray,
    captions: Sequence[str] = (),
    *,
    title: str,
    unit: str,
    columns: int = 8,
    hover: str = "number",
) -> go.Figure:
    """Float arrays [K, h, w] as pictures on one scale: weights, or the maps of a layer.

    With values of both signs the scale is symmetric around 0, up to what 998 in a thousand of them
    do not exceed. NaN is clear. `hover` is what one picture is called under the pointer, where
    there are no `captions`.
    """
    arrays = np.asarray(arrays, dtype=np.float32)
    count, height, width = arrays.shape
    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    gap = max(1, round(max(height, width) * 0.06))
    strip = max(2, round(height * 0.3)) if captions else gap
    sheet = np.full((rows * (height + strip), columns * (width + gap)), np.nan, dtype=np.float32)
    numbers = np.full(sheet.shape, count, dtype=np.uint16)  # whose pixel: a name would be longer
    left = np.arange(count) % columns * (width + gap)
    top = np.arange(count) // columns * (height + strip)
    for i, (x, y) in enumerate(zip(left, top, strict=True)):
        sheet[y : y + height, x : x + width] = arrays[i]
        numbers[y : y + height, x : x + width] = i
    wide = min(600, columns * (120 if captions else 76))
    tall = sheet.shape[0] / sheet.shape[1] * wide
    figure = _below_a_scale(title, round(max(60, min(tall, 900))) + 116)
    bar = {**color_bar(unit), "y": 1.0, "yanchor": "bottom", "ypad": 4}
    figure.add_heatmap(
        z=sheet,
        **(
            {"text": np.array([*captions, ""], dtype=object)[numbers]}
            if captions
            else {"customdata": numbers, "meta": hover}
        ),
        colorbar=bar,
        hovertemplate=("%{text}" if captions else "%{meta} %{customdata}")
        + ": %{z:.3~g}<extra></extra>",
        hoverongaps=False,
        **_scale(arrays),
    )
    if captions:
        figure.add_trace(caption_trace(left + (width - 1) / 2, top + height, captions))
    return figure


def _below_a_scale(title: str, height: int) -> go.Figure:
    """An empty figure for pictures with room for a title and a colour bar above them.

    The scale lies above: on a phone the pictures are smaller, and leave room below them. Plotly
    would push a title of its own out of the figure, away from that scale.
    """
    figure = picture_chart("", height=height)
    figure.update_layout(margin={"t": 100, "b": 16}, uirevision=title)
    return figure.add_annotation(
        text=f"<b>{title}</b>",
        xref="paper",
        yref="paper",
        x=0,
        y=1,
        yshift=68,
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        font={"size": 16},
    )


def _scale(arrays: np.ndarray) -> dict:
    finite = arrays[np.isfinite(arrays)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low >= 0:
        return {"colorscale": palette.SEQUENTIAL_SCALE, "zmin": 0.0, "zmax": high or 1.0}
    most = float(np.quantile(np.abs(finite), 0.998)) or max(-low, high)  # not of a stray pixel
    return {"colorscale": palette.DIFFERENCE_SCALE, "zmin": -most, "zmax": most}


def class_means_figure(
    means: np.ndarray, units: Sequence[int], classes: Sequence[str], *, total: int
) -> go.Figure:
    """Mean activations float32 [C, K] of `units` [K], out of `total`, for each class."""
    figure = chart(
        f"The {len(units)} units that differ most, of {total:,}"
        if len(units) < total
        else f"All {total:,} units",
        x="unit, sorted by the class that activates it most",
        y="class",
        height=140 + 24 * len(classes),
    )
    figure.add_heatmap(
        z=means,
        x=[str(unit) for unit in units],
        y=list(classes),
        colorbar={**color_bar("mean activation"), "y": -0.22},
        hovertemplate="class %{y}, unit %{x}: %{z:.3~g}<extra></extra>",
        **_scale(np.asarray(means)),
    )
    figure.update_xaxes(type="category", showticklabels=False)
    return figure.update_yaxes(type="category", autorange="reversed")


def embedding_figure(
    points: np.ndarray,
    groups: Sequence[tuple[str, str, np.ndarray]],
    positions: np.ndarray,
    hovers: Sequence[str],
    *,
    title: str,
    images: np.ndarray | None = None,
) -> go.Figure:
    """Points float32 [M, 2] that can be clicked, in `groups` of (name, colour, rows).

    A point's `customdata` is `[position]`. With `images` uint8 [M, H, W] each is drawn at its
    place, in its group's colour, and the points are only felt.
    """
    figure = chart(title, height=560, legend=True, zoom=True)
    figure.update_xaxes(visible=False).update_yaxes(visible=False, scaleanchor="x")
    if images is not None:
        _draw_images(figure, points, groups, images)
    for name, color, rows in groups:
        figure.add_scatter(
            x=points[rows, 0],
            y=points[rows, 1],
            name=name,
            mode="markers",
            marker={
                "color": color,
                "size": 16 if images is not None else 6,
                "opacity": 0 if images is not None else 0.8,
            },
            unselected={"marker": {"opacity": 0 if images is not None else 0.8}},
            selected={"marker": {"opacity": 0.6 if images is not None else 1, "size": 16}},
            customdata=[[int(position)] for position in positions[rows]],
            hovertext=[hovers[row] for row in rows],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    figure.update_layout(hovermode="closest", showlegend=images is None)
    figure.update_layout(margin={"l": 4, "r": 4}, legend={"itemsizing": "constant"})
    return figure


def _draw_images(
    figure: go.Figure,
    points: np.ndarray,
    groups: Sequence[tuple[str, str, np.ndarray]],
    images: np.ndarray,
) -> None:
    """All images at their places, ink in the group's colour and paper see-through, one picture."""
    low, high = points.min(axis=0), points.max(axis=0)
    span = float((high - low).max()) or 1.0
    step = span / (CANVAS - images.shape[2])  # units of the points for one pixel of the picture
    side = images.shape[1]
    wide, tall = (np.ceil((high - low) / step).astype(int) + side + 1).tolist()
    canvas = np.zeros((tall, wide, 4), dtype=np.uint8)
    for _, color, rows in groups:
        ink = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        for row in rows:
            x = int((points[row, 0] - low[0]) / step)
            y = int((high[1] - points[row, 1]) / step)
            area = canvas[y : y + side, x : x + images.shape[2]]
            over = images[row][: area.shape[0], : area.shape[1]] > np.maximum(40, area[..., 3])
            area[over, :3], area[over, 3] = ink, images[row][over]
    half = side / 2 * step
    figure.add_layout_image(
        source=Image.fromarray(canvas, "RGBA"),
        xref="x",
        yref="y",
        x=float(low[0]) - half,
        y=float(high[1]) + half,
        sizex=wide * step,
        sizey=tall * step,
        sizing="stretch",
        layer="below",
    )
