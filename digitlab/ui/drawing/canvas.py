"""The drawing canvas: the only file that knows streamlit-drawable-canvas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

if TYPE_CHECKING:
    import numpy as np

SIDE = 280  # pixels of the drawing, ten times a digit's 28; style.css says how large it is shown
WIDE = (600, 240)  # for several digits
BRUSH = 18  # pixels
INK = "#ffffff"
PAPER = "#000000"

_pen = st.components.v2.component(
    "digitlab_pen",
    html='<div class="pen-status" role="status"></div>',
    js=(Path(__file__).parent / "canvas.js").read_text("utf-8"),
    isolate_styles=False,
)


class CanvasContent(NamedTuple):
    """What is on a canvas: `pixels` RGBA uint8 [H, W, 4], and the `strokes` [n, 2] in it.

    `paths` are the same strokes as the canvas stores them, for another canvas to begin with.
    """

    pixels: np.ndarray
    strokes: list[np.ndarray]
    paths: Sequence[dict[str, Any]] = ()


def drawing_canvas(
    key: str,
    *,
    brush: int = BRUSH,
    size: tuple[int, int] = (SIDE, SIDE),
    paths: Sequence[dict[str, Any]] = (),
) -> CanvasContent | None:
    """A canvas of `size` (width, height) to draw on with mouse, pen, finger or keyboard.

    It begins with `paths`. Returns the drawing after the pen is lifted; None while the canvas is
    empty.
    """
    from streamlit_drawable_canvas import st_canvas

    from digitlab.drawing.strokes import read_paths

    with st.container(key="canvas-frame", gap=None):
        _pen(height="content", key=f"{key}:pen")
        result = st_canvas(
            stroke_width=brush,
            stroke_color=INK,
            background_color=PAPER,
            width=size[0],
            height=size[1],
            drawing_mode="freedraw",
            initial_drawing={"objects": list(paths)} if paths else None,
            return_image_data=True,
            key=key,
        )
    drawn = (result.json_data or {}).get("objects", [])
    if not drawn:
        return None
    strokes, pixels = read_paths(drawn), result.image_data
    if pixels is None:  # the browser sends pixels with the first stroke that is drawn there
        pixels = _paint(strokes, drawn, size)
    return CanvasContent(pixels, strokes, drawn)


def make_paths(strokes: Sequence[np.ndarray], brush: float) -> list[dict[str, Any]]:
    """Strokes [n, 2] in the canvas's pixels as paths to begin a canvas with."""
    look = {"fill": None, "stroke": INK, "strokeWidth": brush}
    ends = {"strokeLineCap": "round", "strokeLineJoin": "round"}
    return [
        {
            "type": "Path",
            "path": [["L" if i else "M", float(x), float(y)] for i, (x, y) in enumerate(stroke)],
            **look,
            **ends,
        }
        for stroke in strokes
    ]


def _paint(
    strokes: Sequence[np.ndarray], paths: Sequence[dict[str, Any]], size: tuple[int, int]
) -> np.ndarray:
    """What the canvas shows: white strokes on black paper, uint8 [H, W, 4]."""
    import numpy as np

    from digitlab.drawing.strokes import rasterise

    pixels = np.zeros((size[1], size[0], 4), np.uint8)
    for stroke, path in zip(strokes, paths, strict=True):
        ink = rasterise([stroke], size, path["strokeWidth"])[..., 3:]
        pixels[..., :3] = np.maximum(pixels[..., :3], ink)
    pixels[..., 3] = 255
    return pixels
