"""The drawing canvas: the only file that knows streamlit-drawable-canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

if TYPE_CHECKING:
    import numpy as np

SIDE = 280  # pixels; fits a phone of 360 and is ten times a digit's 28
WIDE = (600, 240)  # for several digits, where the screen has the room
INK = "#ffffff"
PAPER = "#000000"

_FRAME = "canvas-frame"
# The canvas draws its outline in the theme's border colour, which cannot be seen between a black
# canvas and a dark page.
_STYLE = """
.st-key-FRAME [data-testid^='stBidiComponent'] {
  --st-border-color: #8b93a1;
  max-width: 100%;
}
""".replace("FRAME", _FRAME)
# The canvas sends a drawing 0.2 s after the pen is lifted, in case more strokes follow. A button of
# its toolbar sends it at once: this script clicks it when the pen is lifted. Without that button
# the drawing still arrives, 0.2 s later.
_SEND_AT_ONCE = """
export default function ({ parentElement }) {
  const frame = parentElement.closest(".st-key-FRAME");
  let drawing = false;
  const begin = (event) => {
    drawing = event.composedPath().some((node) => node.tagName === "CANVAS");
  };
  const send = () => {
    if (!drawing) return;
    drawing = false;
    for (const { shadowRoot } of frame.querySelectorAll("[data-testid=stBidiComponentIsolated]")) {
      shadowRoot?.querySelector("button[title^='Update the app']")?.click();
    }
  };
  // Listen on the window, which gets the event after the canvas has finished the stroke.
  for (const kind of ["mousedown", "touchstart"]) frame.addEventListener(kind, begin, true);
  for (const kind of ["mouseup", "touchend"]) window.addEventListener(kind, send);
  return () => {
    for (const kind of ["mousedown", "touchstart"]) frame.removeEventListener(kind, begin, true);
    for (const kind of ["mouseup", "touchend"]) window.removeEventListener(kind, send);
  };
}
""".replace("FRAME", _FRAME)
_send_at_once = st.components.v2.component(
    "digitlab_send_at_once", css=_STYLE, js=_SEND_AT_ONCE, isolate_styles=False
)


class CanvasContent(NamedTuple):
    """What is on a canvas: `pixels` RGBA uint8 [H, W, 4], and the `strokes` [n, 2] in it."""

    pixels: np.ndarray
    strokes: list[np.ndarray]


def drawing_canvas(
    key: str,
    *,
    brush: int = 18,
    size: tuple[int, int] = (SIDE, SIDE),
) -> CanvasContent | None:
    """A canvas of `size` (width, height) to draw on with mouse, pen or finger.

    Returns the drawing after the pen is lifted; None while the canvas is empty. The toolbar above
    it can undo strokes and clear them.
    """
    from streamlit_drawable_canvas import st_canvas

    from digitlab.drawing.strokes import read_paths

    with st.container(key=_FRAME, gap=None):
        _send_at_once(height="content", key=f"{key}:pen")
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
    return None if pixels is None else CanvasContent(pixels, read_paths(paths))


def brush_slider(key: str) -> int:
    """A slider for the width of the brush in pixels; kept for the visit."""
    return st.slider("Brush width", 4, 36, 18, key=key, persist_state="session", format="%d px")
