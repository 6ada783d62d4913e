"""What is drawn on: a canvas, a photograph or the camera, all read the same way."""

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
SHOWN = 320  # pixels of a photograph on the page


@dataclass(frozen=True, eq=False)
class Drawing:
    """What a visitor drew or photographed: pixels uint8 [H, W] or [H, W, 3 or 4], strokes or None.

    Equal digests, equal drawings.
    """

    pixels: np.ndarray
    strokes: list[np.ndarray] | None
    digest: int


def choose_drawing(key: str, *, small: bool = False) -> Drawing | None:
    """The drawing on the chosen source; None while there is none.

    `small` is a canvas alone. Raises DrawingError where a photograph cannot be opened.
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
        return _on_canvas(key, small=small)
    return _photographed(key, source)


def is_wide() -> bool:
    """Whether the visitor draws on the wide paper."""
    return url.get("wide") == "1" and url.get("source") in (None, CANVAS)


def new_sheet(key: str) -> None:
    """Clear what is drawn or photographed; made for a button's `on_click`."""
    st.session_state[_sheet(key)] = st.session_state.get(_sheet(key), 0) + 1


def _on_canvas(key: str, *, small: bool) -> Drawing | None:
    brush, size = 18, (canvas.SIDE, canvas.SIDE)
    if not small:
        with st.container(horizontal=True, vertical_alignment="center"):
            brush = brush_slider(f"{key}:brush")
            url.switch("Wide paper", param="wide", help="Room for several digits.")
        size = canvas.WIDE if is_wide() else size
    st.space("small")  # the canvas's toolbar floats above its corner
    sheet = st.session_state.setdefault(_sheet(key), 0)  # a new number, a new sheet of paper
    drawn = drawing_canvas(
        f"{key}:{sheet}:{size[0]}",
        brush=brush,
        size=size,
    )
    _clear_button(key, drawn is None)
    if drawn is None:
        return None
    return Drawing(drawn.pixels, drawn.strokes, _digest(drawn.pixels))


def _photographed(key: str, source: str) -> Drawing | None:
    from digitlab.drawing.source import read_pixels

    sheet = st.session_state.setdefault(_sheet(key), 0)
    if source == CAMERA:
        file = st.camera_input("Hold a written number to the camera", key=f"{key}:{sheet}:camera")
    else:
        file = st.file_uploader(
            "A photograph or scan of digits on plain paper", type=TYPES, key=f"{key}:{sheet}:photo"
        )
    if file is None:
        return None
    pixels = read_pixels(file.getvalue())
    if source == PHOTO:
        st.image(pixels, width=SHOWN, caption=file.name)
    _clear_button(key, disabled=False)
    return Drawing(pixels, None, _digest(pixels))


def _clear_button(key: str, disabled: bool) -> None:
    st.button(
        "Clear",
        key=f"{key}:clear",
        icon=":material/delete:",
        on_click=new_sheet,
        args=(key,),
        disabled=disabled,
    )


def _digest(pixels: np.ndarray) -> int:
    return zlib.crc32(pixels.tobytes())


def _sheet(key: str) -> str:
    return f"{key}:sheet"
