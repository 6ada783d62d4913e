"""This page as a notebook: the lines in the folds of its cells, as they are set now.

Each fold says what it shows when the page, or a part of it, is made; the file is written when it is
downloaded.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

from digitlab.ui.visitor import for_visitor

if TYPE_CHECKING:
    import numpy as np

_CELLS = "notebook:cells"
_HEADING = "notebook:heading"
_DRAWING = "notebook:drawing"
_WIDEST = 640  # pixels of the drawing in the file


class _Cell(NamedTuple):
    """The code of a fold with its heading in Markdown, and the fragment that shows it, at a place
    that counts from the page's top.
    """

    heading: str
    code: str
    fragment: str
    place: tuple[int, ...]


def offer_notebook(title: str, intro: str) -> None:
    """Forget the cells of the page before, and show the button in the sidebar."""
    context = get_script_run_ctx()
    if context is None:  # the page is run as a script, as a process does that is forked from tests
        return
    cells: dict[str, _Cell] = {}
    drawing: dict[str, np.ndarray | None] = {}
    st.session_state[_CELLS], st.session_state[_DRAWING] = cells, drawing
    st.session_state[_HEADING] = ""
    is_shown = context.fragment_storage.contains
    head = f"# {title}\n\n{intro}".strip()
    st.sidebar.download_button(
        "Page as a notebook",
        for_visitor(lambda: _write(head, cells, drawing, is_shown)),
        f"{title.lower()}.ipynb",
        "application/x-ipynb+json",
        key="notebook",
        icon=":material/note:",
        type="tertiary",
        help="The lines of Python of the cells that the page shows, as they are set now. The "
        "notebook runs outside the app, where digitlab is installed.",
        on_click="ignore",
    )


def note_heading(heading: str, sentence: str) -> None:
    """A cell begins: the next fold belongs to it."""
    st.session_state[_HEADING] = f"## {heading}\n\n{sentence}".strip()


def note_code(key: str, code: str, title: str) -> None:
    """The fold `key` shows these lines; to be called in the fragment that shows it.

    The second fold of a cell stands below its own `title`.
    """
    cells, state = st.session_state.get(_CELLS), ThreadState.get()
    if cells is None or state.fragment_id is None:  # a view that stands alone
        return
    heading, st.session_state[_HEADING] = st.session_state[_HEADING], ""
    if key in cells:  # only the fold, or a part of the page around it, is made again
        heading = cells[key].heading
    cells[key] = _Cell(
        heading or (title and f"### {title}"), code, state.fragment_id, state.delta_path or ()
    )


def note_drawing(pixels: np.ndarray | None) -> None:
    """What is drawn on the page, uint8 [H, W] or [H, W, 3 or 4]: cells read it from a file."""
    st.session_state.get(_DRAWING, {})["pixels"] = pixels


def _write(
    head: str,
    cells: Mapping[str, _Cell],
    drawing: Mapping[str, Any],
    is_shown: Callable[[str], bool],
) -> str:
    from digitlab.exports.notebook import write_page

    shown = sorted((cell for cell in cells.values() if is_shown(cell.fragment)), key=_place)
    pixels = drawing.get("pixels")
    png = None if pixels is None else _png(pixels)
    return write_page(head, [(cell.heading, cell.code) for cell in shown], png)


def _place(cell: _Cell) -> tuple[int, ...]:
    return cell.place


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    image, file = Image.fromarray(pixels), io.BytesIO()
    image.thumbnail((_WIDEST, _WIDEST))
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
