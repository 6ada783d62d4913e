"""The drawing canvas: the one place that knows streamlit-drawable-canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

if TYPE_CHECKING:
    import numpy as np

SIDE = 280  # pixels; fits a phone of 360 and is ten times a digit's 28
INK = "#ffffff"
PAPER = "#000000"


class Drawn(NamedTuple):
    """What is on a canvas: `pixels` RGBA uint8 [side, side, 4], and the `strokes` [n, 2] in it."""

    pixels: np.ndarray
    strokes: list[np.ndarray]


def drawing_canvas(key: str, *, brush: int = 18, side: int = SIDE) -> Drawn | None:
    """A square canvas to draw on with mouse, pen or finger.

    Returns the drawing after the pen is lifted, or None while nothing has been drawn since the
    page opened. The toolbar under it undoes and clears.
    """
    from streamlit_drawable_canvas import st_canvas

    from digitlab.drawing.strokes import read_paths

    result = st_canvas(
        stroke_width=brush,
        stroke_color=INK,
        background_color=PAPER,
        height=side,
        width=side,
        drawing_mode="freedraw",
        return_image_data=True,
        key=key,
    )
    paths = (result.json_data or {}).get("objects", [])
    pixels = result.image_data if paths else None
    return None if pixels is None else Drawn(pixels, read_paths(paths))


def brush_slider(key: str) -> int:
    """The brush's width in pixels, remembered while the visitor stays."""
    return st.slider("Brush width", 8, 36, 18, key=key, persist_state="session", format="%d px")
