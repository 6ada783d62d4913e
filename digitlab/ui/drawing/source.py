"""The source of a drawing: the canvas, a photograph or the camera, all read the same way."""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.drawing.handwriting import write
from digitlab.drawing.source import read_pixels
from digitlab.errors import DrawingError
from digitlab.ui import page, url
from digitlab.ui.drawing import canvas
from digitlab.ui.drawing.canvas import CanvasContent, drawing_canvas

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
EXAMPLES = ("7", "3", "58", "2026")


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


def canvas_size(*, small: bool = False) -> tuple[int, int]:
    """Width and height of the canvas that the visitor draws on, in pixels of the drawing."""
    wide = not small and url.get("wide") == "1" and url.get("source") in (None, CANVAS)
    return canvas.WIDE if wide else (canvas.SIDE, canvas.SIDE)


def clear_drawing(key: str) -> None:
    """Clear the canvas or the photograph; made for a button's `on_click`."""
    st.session_state[_count_key(key)] = st.session_state.get(_count_key(key), 0) + 1


def start_drawing(key: str, strokes: Sequence[np.ndarray]) -> None:
    """Put strokes [n, 2] on the small canvas in the place of what is there."""
    _start_over(key, (canvas.SIDE, canvas.SIDE), canvas.make_paths(strokes, canvas.BRUSH))


def _pick_from_canvas(key: str, *, small: bool) -> Drawing | None:
    size = canvas_size(small=small)
    _restore_drawing(key, size)
    count = st.session_state.setdefault(_count_key(key), 0)  # a new widget starts anew
    begun, begun_size, paths = st.session_state.get(_start_key(key), (None, None, ()))
    content = drawing_canvas(
        _widget_key(key, size),
        brush=st.session_state.get(_brush_key(key), canvas.BRUSH),
        size=size,
        paths=paths if (begun, begun_size) == (count, size) else (),
    )
    st.session_state[_kept_key(key)] = (_widget_key(key, size), content.paths if content else ())
    _show_tools(key, content, size, small=small)
    if content is None:
        return None
    return Drawing(content.pixels, content.strokes, _digest(content.pixels))


def _restore_drawing(key: str, size: tuple[int, int]) -> None:
    """Begin with what was drawn before another page was opened: Streamlit forgot that."""
    drawn_on, paths = st.session_state.get(_kept_key(key), (None, ()))
    if paths and drawn_on == _widget_key(key, size) and drawn_on not in st.session_state:
        _start_over(key, size, paths)


def _show_tools(
    key: str, content: CanvasContent | None, size: tuple[int, int], *, small: bool
) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        st.button(
            "Undo",
            key=f"{key}:undo",
            icon=":material/undo:",
            on_click=_start_over,
            args=(key, size, content.paths[:-1] if content else ()),
            disabled=content is None,
        )
        _show_clear_button(key, disabled=content is None)
        if not small:
            with st.popover("More", icon=":material/tune:"):
                _show_options(key, size)


def _show_options(key: str, size: tuple[int, int]) -> None:
    """Writing without a pen, the brush, and the canvas's shape."""
    st.text_input(
        "Write digits for me",
        key=f"{key}:typed",
        placeholder="2026",
        help="Typed digits are written on the canvas by an unsteady hand.",
        on_change=_write_typed,
        args=(key, size),
    )
    if problem := st.session_state.pop(f"{key}:problem", None):
        page.show_error(problem, st.warning, ":material/draw:")
    st.slider(
        "Brush width",
        4,
        36,
        canvas.BRUSH,
        key=_brush_key(key),
        persist_state="session",
        format="%d px",
    )
    url.switch("Wide canvas", param="wide", help="Room for several digits.")


def show_example_button(key: str, size: tuple[int, int]) -> None:
    """A button that writes a number on the canvas, for a visitor who cannot or will not draw."""
    st.button(
        "Show me an example",
        key=f"{key}:example",
        icon=":material/gesture:",
        on_click=lambda: _write(key, size, random.choice(EXAMPLES)),
    )


def _write_typed(key: str, size: tuple[int, int]) -> None:
    typed = st.session_state[f"{key}:typed"]
    if not typed.strip():
        return
    try:
        _write(key, size, typed)
    except DrawingError as e:
        st.session_state[f"{key}:problem"] = str(e)


def _write(key: str, size: tuple[int, int], text: str) -> None:
    """Write digits on the canvas, each time a little differently."""
    brush = st.session_state.get(_brush_key(key), canvas.BRUSH)
    strokes, brush = write(text, size, brush=brush, seed=random.randrange(1_000_000))
    _start_over(key, size, canvas.make_paths(strokes, brush))


def _start_over(key: str, size: tuple[int, int], paths: Sequence[dict[str, Any]]) -> None:
    """A new canvas that begins with these paths."""
    clear_drawing(key)
    st.session_state[_start_key(key)] = (st.session_state[_count_key(key)], size, list(paths))


def _pick_photo(key: str, source: str) -> Drawing | None:
    count = st.session_state.setdefault(_count_key(key), 0)
    if source == CAMERA:
        file = st.camera_input(
            "Hold a written number up to the camera", key=f"{key}:{count}:camera"
        )
    else:
        file = st.file_uploader(
            "A photograph or scan of digits on paper", type=TYPES, key=f"{key}:{count}:photo"
        )
    if file is None:
        return None
    pixels = read_pixels(file.getvalue())
    if source == PHOTO:
        st.image(pixels, width=PHOTO_WIDTH, alt="The photo")
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


def _widget_key(key: str, size: tuple[int, int]) -> str:
    return f"{key}:{st.session_state.get(_count_key(key), 0)}:{size[0]}"


def _kept_key(key: str) -> str:
    """The session key of the last canvas, by its widget's key, and the paths on it."""
    return f"{key}:kept"


def _start_key(key: str) -> str:
    """The session key of what the canvas begins with: that count, its size, and paths."""
    return f"{key}:start"


def _brush_key(key: str) -> str:
    return f"{key}:brush"
