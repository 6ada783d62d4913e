"""Pictures: contact sheets of many images, thumbnails that can be clicked, and small multiples."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from digitlab.figures import palette
from digitlab.figures.layout import Description, as_figure, blank_picture, picture_chart
from digitlab.words import shorten


def contact_sheet(
    images: np.ndarray, columns: int = 10, scale: int = 2, gap: int = 2
) -> Image.Image:
    """Images side by side, uint8 [N, H, W] or [N, C, H, W], as one picture with clear gaps.

    Rows are filled from the left; `scale` enlarges every pixel to scale × scale without blurring;
    `gap` is in pixels of the result. No images give a picture of one clear pixel.
    """
    images = as_pixels(images)
    count, height, width = images.shape[:3]
    if not count:
        return Image.new("LA", (1, 1), (0, 0))
    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    tall, wide = height * scale + gap, width * scale + gap
    sheet = _empty_sheet(rows * tall - gap, columns * wide - gap, images)
    for i, image in enumerate(images):
        top, left = i // columns * tall, i % columns * wide
        tile = sheet[top : top + height * scale, left : left + width * scale]
        tile[..., :-1] = image.repeat(scale, 0).repeat(scale, 1).reshape(*tile.shape[:2], -1)
        tile[..., -1] = 255
    return Image.fromarray(sheet)


def png_bytes(image: Image.Image, **settings: Any) -> bytes:
    """The picture as a PNG file's bytes; `settings` are Pillow's for it."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **settings)
    return buffer.getvalue()


def image_grid(images: np.ndarray, captions: Sequence[str] = (), **arguments: Any) -> go.Figure:
    """The figure of `describe_grid`, which says what the arguments are."""
    return as_figure(describe_grid(images, captions, **arguments))


def describe_grid(
    images: np.ndarray,
    captions: Sequence[str] = (),
    *,
    hovers: Sequence[str] = (),
    indices: Sequence[int] | None = None,
    title: str = "",
    columns: int = 8,
    tile: int = 48,
) -> Description:
    """Thumbnails that can be clicked: images uint8 [N, H, W] or [N, C, H, W].

    One picture carries all images and one trace of see-through points lies over it, so that 100
    thumbnails cost little. A point's `customdata` is `[index]`: the image's entry in `indices`
    (say, its position in the split), or its place in the grid. `captions` are short lines of text
    under the thumbnails, `hovers` longer ones under the pointer. `tile` is a thumbnail's height
    on a wide screen, in pixels of the screen.
    """
    images = as_pixels(images)
    count, height, width = images.shape[:3]
    columns = max(1, min(columns, count))
    rows = max(1, -(-count // columns))
    lines = 1 + max((caption.count("<br>") for caption in captions), default=0)
    # Room for the caption, in image pixels: on a phone a thumbnail is as wide as three lines high.
    strip = round(height * (0.2 + 0.25 * lines)) if captions else 2
    across, down = width + 2, height + strip
    layout = blank_picture(title, height=round(rows * down * tile / height) + (44 if title else 8))
    layout["margin"] |= {"l": 0, "r": 0, "t": 40 if title else 4, "b": 4}
    if not count:
        return {"data": [], "layout": layout}
    spots = np.arange(count)
    left, top = spots % columns * across, spots // columns * down
    points = {
        "type": "scatter",
        "x": left + (width - 1) / 2,
        "y": top + (height - 1) / 2,
        "mode": "markers",
        "marker": {"symbol": "square", "size": tile * 0.9, "opacity": 0},  # clear until chosen
        "selected": {"marker": {"opacity": 0.45, "color": palette.VAL}},
        "unselected": {"marker": {"opacity": 0}},
        "customdata": [[int(i)] for i in (range(count) if indices is None else indices)],
        "hovertext": list(hovers or captions or [""] * count),
        "hovertemplate": "%{hovertext}<extra></extra>" if hovers or captions else None,
        "hoverinfo": None if hovers or captions else "none",
        "showlegend": False,
    }
    traces = [_sheet_trace(images, left, top, columns * across, rows * down), points]
    if captions:
        traces.append(caption_trace(left + (width - 1) / 2, top + height, captions))
    layout["xaxis"] |= {"range": [-1, columns * across - 1], "constraintoward": "left"}
    layout["yaxis"] |= {"range": [rows * down - 0.5, -1], "autorange": False}
    if not title:  # what a page needs to give the grid its column's width, whatever that is
        shape = (columns * across, rows * down)
        layout["meta"] = {"shape": shape, "width": round(1.7 * columns * tile)}
    # A selection is of these images: the next page of thumbnails starts without one.
    selection = f"{title} {zlib.crc32(images.tobytes())}"
    layout |= {"hoverdistance": -1, "hovermode": "closest", "uirevision": selection}
    return {"data": traces, "layout": layout}


def before_and_after(
    before: np.ndarray,
    after: np.ndarray,
    names: Sequence[str],
    *,
    columns: int = 8,
    title: str = "",
    words: tuple[str, str] = ("before", "after"),
) -> go.Figure:
    """Pairs of images, uint8 [N, H, W] or [N, C, H, W] each, what changed below what it was."""
    before, after = as_pixels(before), as_pixels(after)
    count, height, width = before.shape[:3]
    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    across, down = width + 2, 2 * height + 8
    spots = np.arange(count)
    left, top = spots % columns * across, spots // columns * down
    below = top + height + 2
    room = 40 if title else 4
    figure = picture_chart(title, height=12 + room + rows * 104)
    sheet = _sheet_trace(
        np.concatenate([before, after]),
        np.concatenate([left, left]),
        np.concatenate([top, below]),
        columns * across - 2,
        rows * down - 6,
    )
    figure.add_trace(sheet)
    hovers = [f"{name}, {when}" for when in words for name in names]
    figure.add_trace(
        go.Scatter(
            x=np.concatenate([left, left]) + (width - 1) / 2,
            y=np.concatenate([top, below]) + (height - 1) / 2,
            mode="markers",
            marker={"symbol": "square", "size": 40, "opacity": 0},
            hovertext=hovers,
            hovertemplate="%{hovertext}<extra></extra>",
            showlegend=False,
        )
    )
    figure.update_xaxes(range=[-1, columns * across - 2], constraintoward="left")
    figure.update_yaxes(range=[rows * down - 6.5, -1], autorange=False)
    return figure.update_layout(
        margin={"l": 0, "r": 0, "t": room, "b": 4}, hovermode="closest", hoverdistance=-1
    )


def per_class_images(
    arrays: np.ndarray,
    titles: Sequence[str],
    *,
    title: str = "Mean image of each class",
    unit: str = "mean pixel value (0…255)",
    scale: Sequence | str = palette.IMAGE_SCALE,
    columns: int | None = None,
) -> go.Figure:
    """Small multiples of float arrays [C, H, W], one a class, on one colour scale.

    Five in a row, ten of more than 20 classes; long names are shortened below the pictures.
    """
    arrays = np.asarray(arrays, dtype=np.float32)
    count, height, width = arrays.shape
    columns = min(columns or (10 if count > 20 else 5), count)
    length = 12 if columns <= 5 else 6  # characters that fit below a picture
    rows = -(-count // columns)
    across, down = width + 3, height + 9
    sheet = np.full((rows * down, columns * across), np.nan, dtype=np.float32)
    names = np.full(sheet.shape, "", dtype=object)
    left, top = np.arange(count) % columns * across, np.arange(count) // columns * down
    for i, (x, y) in enumerate(zip(left, top, strict=True)):
        sheet[y : y + height, x : x + width] = arrays[i]
        names[y : y + height, x : x + width] = str(titles[i])
    figure = picture_chart(title, height=110 + rows * 102)
    figure.add_trace(
        go.Heatmap(
            z=sheet,
            text=names,
            colorscale=scale,
            colorbar=color_bar(unit),
            hovertemplate="%{text}: %{z:.1f}<extra></extra>",
            hoverongaps=False,
        )
    )
    captions = [shorten(str(name), length) for name in titles]
    figure.add_trace(caption_trace(left + (width - 1) / 2, top + height, captions))
    return figure


def color_bar(unit: str) -> dict:
    """A flat colour bar under the plot: on the right it would take a phone's width."""
    return {
        "orientation": "h",
        "title": {"text": unit, "side": "bottom"},
        "thickness": 10,
        "len": 0.8,
        "y": -0.02,
        "yanchor": "top",
        "outlinewidth": 0,
    }


def picture_trace(image: Image.Image, **arguments: Any) -> dict[str, Any]:
    """A trace that shows the picture as it is, without blur and without a hover."""
    return {
        "type": "image",
        "source": data_url(image),
        "zsmooth": False,
        "hoverinfo": "skip",
        **arguments,
    }


def data_url(image: Image.Image) -> str:
    """The picture in a URL, as a PNG that is made fast: it is sent once, and not kept."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(image, compress_level=1)).decode()


def _sheet_trace(
    images: np.ndarray, left: np.ndarray, top: np.ndarray, wide: int, tall: int
) -> dict[str, Any]:
    sheet = _empty_sheet(tall, wide, images)
    height, width = images.shape[1:3]
    for image, x, y in zip(images, left, top, strict=True):
        tile = sheet[y : y + height, x : x + width]
        tile[..., :-1] = image.reshape(height, width, -1)
        tile[..., -1] = 255
    return picture_trace(Image.fromarray(sheet))


def _empty_sheet(tall: int, wide: int, images: np.ndarray) -> np.ndarray:
    """A clear picture in grey or colours, as the images are, and transparency."""
    return np.zeros((tall, wide, 4 if images.ndim == 4 else 2), dtype=np.uint8)


def caption_trace(x: np.ndarray, y: np.ndarray, captions: Sequence[str]) -> dict[str, Any]:
    """A caption below each picture."""
    return {
        "type": "scatter",
        "x": x,
        "y": y + 0.5,  # a pixel below the picture, which ends at y - 0.5
        "mode": "text",
        "text": [str(caption) for caption in captions],
        "textposition": "bottom center",
        # Once a colour for chosen text is set, Plotly no longer fades what is not chosen.
        "selected": {"textfont": {"color": palette.VAL}},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def as_pixels(images: np.ndarray) -> np.ndarray:
    """Images uint8 [N, H, W] or [N, C, H, W] as a screen shows them: [N, H, W] or [N, H, W, 3].

    Of other numbers of channels than 3 the first is shown.
    """
    images = np.asarray(images, dtype=np.uint8)
    if images.ndim == 4:
        return np.moveaxis(images, 1, 3) if images.shape[1] == 3 else images[:, 0]
    return images


def as_grey(images: np.ndarray) -> np.ndarray:
    """Images uint8 [N, C, H, W] as grey ones, uint8 [N, H, W]: the mean of their channels."""
    images = np.asarray(images)
    return images[:, 0] if images.shape[1] == 1 else images.mean(axis=1).astype(np.uint8)
