"""The drawing canvas: the one place that knows streamlit-drawable-canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

if TYPE_CHECKING:
    import numpy as np

SIDE = 280  # pixels; fits a phone of 360 and is ten times a digit's 28
WIDE = (600, 240)  # for several digits, where the screen has the room
INK = "#ffffff"
PAPER = "#000000"

# The canvas draws its own outline in the theme's border colour, which is lost between black paper
# and a dark page.
_FRAME = (
    "<style>.st-key-{key} [data-testid^='stBidiComponent'] {{--st-border-color: #8b93a1; "
    "max-width: 100%}}</style>"
)


class Drawn(NamedTuple):
    """What is on a canvas: `pixels` RGBA uint8 [H, W, 4], and the `strokes` [n, 2] in it."""

    pixels: np.ndarray
    strokes: list[np.ndarray]


def drawing_canvas(
    key: str,
    *,
    brush: int = 18,
    size: tuple[int, int] = (SIDE, SIDE),
) -> Drawn | None:
    """A canvas of `size` (width, height) to draw on with mouse, pen or finger.

    Returns the drawing after the pen is lifted, or None while there is nothing on it. The toolbar
    that floats over it undoes strokes and clears them.
    """
    from streamlit_drawable_canvas import st_canvas

    from digitlab.drawing.strokes import read_paths

    name = "canvas-frame"
    st.html(_FRAME.format(key=name))
    with st.container(key=name):
        result = st_canvas(
            stroke_width=brush,
            stroke_color=INK,
            background_color=PAPER,
            width=size[0],
            height=size[1],
            drawing_mode="freedraw",
            return_image_data=True,
            key=key,
        )
    paths = (result.json_data or {}).get("objects", [])
    pixels = result.image_data if paths else None
    return None if pixels is None else Drawn(pixels, read_paths(paths))


def brush_slider(key: str) -> int:
    """The brush's width in pixels, remembered while the visitor stays."""
    return st.slider("Brush width", 4, 36, 18, key=key, persist_state="session", format="%d px")
