"""The drawing canvas: the one place that knows streamlit-drawable-canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    import numpy as np

SIDE = 280  # pixels; fits a phone of 360 and is ten times a digit's 28
INK = "#ffffff"
PAPER = "#000000"


def drawing_canvas(key: str, *, brush: int = 18, side: int = SIDE) -> np.ndarray | None:
    """A square canvas to draw on with mouse, pen or finger.

    Returns the drawing as RGBA uint8 [side, side, 4] after the pen is lifted, or None while
    nothing has been drawn since the page opened. The toolbar under it undoes and clears.
    """
    from streamlit_drawable_canvas import st_canvas

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
    strokes = (result.json_data or {}).get("objects", [])
    return result.image_data if strokes else None


def brush_slider(key: str) -> int:
    """The brush's width in pixels, remembered while the visitor stays."""
    return st.slider("Brush width", 8, 36, 18, key=key, persist_state="session", format="%d px")
