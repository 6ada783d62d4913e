"""The source of a drawing: the canvas, a photograph or the camera, all read the same way."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.ui import url
from digitlab.ui.drawing import canvas
from digitlab.ui.drawing.canvas import brush_slider, drawing_canvas

if TYPE_CHECKING:
    import numpy as np

CANVAS, PHOTO, CAMERA = "canvas", "photo", "camera"
SOURCES = {
    CANVAS: ":material/draw: Canvas",
    PHOTO: ":material/image: Photo",
    CAMERA: ":material/photo_camera: Camera",
}
TYPES = ["png", "jpg", "jpeg", "webp", "bmp"]
PHOTO_WIDTH = 320  # pixels of a photograph on the page


@dataclass(frozen=True, eq=False)
class Drawing:
    """What a visitor drew or photographed: pixels uint8 [H, W] or [H, W, 3 or 4], strokes or None.

    Drawings with equal digests are equal.
    """

    pixels: np.ndarray
    strokes: list[np.ndarray] | None
    digest: int


def pick_drawing(key: str, *, small: bool = False) -> Drawing | None:
    """The drawing from the chosen source; None while there is none.

    `small` is a canvas alone. Raises DrawingError if a photograph cannot be opened.
    """
    source = CANVAS
    if not small:
        source = url.choose(
            "Draw with",
            SOURCES,
            param="source",
            default=CANVAS,
            widget=st.segmented_control,
            label_visibility="collapsed",
        )
    if source == CANVAS:
        return _pick_from_canvas(key, small=small)
    return _pick_photo(key, source)


def is_wide() -> bool:
    """Whether the visitor draws on the wide canvas."""
    return url.get("wide") == "1" and url.get("source") in (None, CANVAS)


def clear_drawing(key: str) -> None:
    """Clear the canvas or the photograph; made for a button's `on_click`."""
    st.session_state[_count_key(key)] = st.session_state.get(_count_key(key), 0) + 1


def _pick_from_canvas(key: str, *, small: bool) -> Drawing | None:
    brush, size = 18, (canvas.SIDE, canvas.SIDE)
    if not small:
        with st.container(horizontal=True, vertical_alignment="center"):
            brush = brush_slider(f"{key}:brush")
            url.switch("Wide canvas", param="wide", help="Room for several digits.")
        size = canvas.WIDE if is_wide() else size
    st.space("small")  # the canvas's toolbar floats above its corner
    count = st.session_state.setdefault(_count_key(key), 0)  # a new widget starts empty
    content = drawing_canvas(f"{key}:{count}:{size[0]}", brush=brush, size=size)
    _show_clear_button(key, disabled=content is None)
    if content is None:
        return None
    return Drawing(content.pixels, content.strokes, _digest(content.pixels))


def _pick_photo(key: str, source: str) -> Drawing | None:
    from digitlab.drawing.source import read_pixels

    count = st.session_state.setdefault(_count_key(key), 0)
    if source == CAMERA:
        file = st.camera_input(
            "Hold a written number up to the camera", key=f"{key}:{count}:camera"
        )
    else:
        file = st.file_uploader(
            "A photograph or scan of digits on plain paper", type=TYPES, key=f"{key}:{count}:photo"
        )
    if file is None:
        return None
    pixels = read_pixels(file.getvalue())
    if source == PHOTO:
        st.image(pixels, width=PHOTO_WIDTH, caption=file.name)
    _show_clear_button(key, disabled=False)
    return Drawing(pixels, None, _digest(pixels))


def _show_clear_button(key: str, *, disabled: bool) -> None:
    st.button(
        "Clear",
        key=f"{key}:clear",
        icon=":material/delete:",
        on_click=clear_drawing,
        args=(key,),
        disabled=disabled,
    )


def _digest(pixels: np.ndarray) -> int:
    return zlib.crc32(pixels.tobytes())


def _count_key(key: str) -> str:
    """The session key that counts how often the drawing was cleared."""
    return f"{key}:cleared"
