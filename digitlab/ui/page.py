"""The frame of every page: looks, title, introduction, and a readable message when it fails."""

from __future__ import annotations

import logging
import os
import secrets
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import streamlit as st
from streamlit import error_util

from digitlab.errors import DigitlabError
from digitlab.runs.database import condition
from digitlab.settings import read_settings
from digitlab.ui import notebook, url, visit
from digitlab.ui.board import clicked
from digitlab.ui.classroom.room_bar import show_room_bar
from digitlab.ui.component_data import examine_no_plain_values
from digitlab.ui.display import is_presenting, show_display_menu
from digitlab.ui.lesson_bar import show_lesson_bar
from digitlab.ui.markdown import plain
from digitlab.ui.nested_fragments import drop_with_their_parents
from digitlab.ui.preload import preload
from digitlab.ui.uploads import bound_uploads
from digitlab.ui.visitor import note_visitor, show_visitor, warn_of_loss

HOME = "Home.py"
DATA = "pages/1_Data.py"
ARCHITECTURE = "pages/2_Architecture.py"
TRAIN = "pages/3_Train.py"
RESULTS = "pages/4_Results.py"
COMPARE = "pages/5_Compare.py"
DRAW = "pages/6_Draw.py"
LEARN = "pages/7_Learn.py"
CLASS = "pages/8_Class.py"

ICONS = {
    HOME: ":material/home:",
    DATA: ":material/grid_on:",
    ARCHITECTURE: ":material/layers:",
    TRAIN: ":material/model_training:",
    RESULTS: ":material/insights:",
    COMPARE: ":material/compare_arrows:",
    DRAW: ":material/draw:",
    LEARN: ":material/school:",
    CLASS: ":material/groups:",
}

# Pages with a view that stands alone, for a link or another site's frame: its `view` in the URL.
VIEWS = {DRAW: "draw", RESULTS: "results", CLASS: "wall"}

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]

_logger = logging.getLogger("digitlab")
drop_with_their_parents()
examine_no_plain_values()
bound_uploads()


@contextmanager
def page(path: str, title: str, intro: str) -> Iterator[None]:
    """The page's frame. An error inside is shown as a message, never as a bare traceback.

    A view that stands alone has neither the sidebar nor the page's title and introduction.
    """
    name = title if path == HOME else f"{title} · digitlab"
    # A Material icon of a tab would be fetched from Google: pages ask no other server.
    st.set_page_config(page_title=name, page_icon=str(_HERE / "icon.svg"), layout="wide")
    st.html(_HERE / "style.css")
    alone = stands_alone(path)
    if alone:
        note_visitor()
    else:
        show_display_menu()
        show_visitor()
        if path not in (LEARN, CLASS):  # lessons have their own, rooms stay here
            notebook.offer_notebook(title, intro)
        st.title(title, anchor=False)
        if intro:
            st.markdown(_shorten(intro))
        if path not in (LEARN, CLASS):
            show_lesson_bar(LEARN)
        show_room_bar(path, CLASS)
    try:
        with st.container(key="alone") if alone else nullcontext(), guard():
            _tell_trouble()
            if not alone:
                warn_of_loss()
            yield
    finally:
        visit.note_page(path)
        preload()


def stands_alone(path: str) -> bool:
    """Whether the link asks for the page's view that stands alone."""
    return st.query_params.get("view") == VIEWS.get(path, "")


def _tell_trouble() -> None:
    """Say where nothing can be kept, or where what was kept is gone."""
    if trouble := condition():
        st.warning(trouble, icon=":material/hard_drive:")


@contextmanager
def guard() -> Iterator[None]:
    """Show an error inside as a message. Fragments need a guard of their own: they rerun alone."""
    try:
        yield
    except DigitlabError as e:
        show_error(e)
    except Exception as e:  # the page must show something
        show_failure(e)


def show_failure(e: Exception) -> None:
    """A message with a code, by which the traceback is found in the server's log.

    On a person's own machine a fold has the traceback for a bug report; strangers are not told how
    the server is made.
    """
    code = secrets.token_hex(3)
    _logger.error("A page failed, code %s", code, exc_info=e)
    st.error(
        f"Something went wrong on this page (code {code}). Your runs and data are safe: reload the "
        "page, or go back to the previous one.",
        icon=":material/error:",
    )
    if read_settings().hosted:
        return
    with st.expander("Details for a bug report"):
        st.code(without_folders("".join(traceback.format_exception(e))), language="text")


def _show_uncaught(e: Exception) -> None:
    """The same to strangers for what fails outside a guard, such as a button's callback."""
    (show_failure if read_settings().hosted else _show_as_streamlit_does)(e)


_show_as_streamlit_does = error_util.show_uncaught_app_exception
error_util.show_uncaught_app_exception = _show_uncaught


def show_error(
    error: object, show: Callable[..., object] = st.error, icon: str = ":material/error:"
) -> None:
    """Show an error, or a sentence that quotes one, with `st.error` or another of that form."""
    show(message(error), icon=icon)


def message(error: object) -> str:
    """What an error says, as Markdown: as it was written, and without this server's folders."""
    return plain(without_folders(str(error)))


def without_folders(text: str) -> str:
    """A message without where this server keeps its files: visitors need not know."""
    settings = read_settings()
    for folder, name in ((settings.data, "data"), (settings.home, "home"), (_ROOT, "digitlab")):
        text = text.replace(f"{folder}{os.sep}", f"{name}{os.sep}").replace(str(folder), name)
    return text.replace(sys.prefix, "python")


def cell(heading: str, sentence: str = "") -> None:
    """The head of a cell: its title and the sentence that it teaches."""
    notebook.note_heading(heading, sentence)
    st.header(heading, anchor=False)
    if sentence:
        st.markdown(_shorten(sentence))


def _shorten(text: str) -> str:
    """The first sentence while somebody presents, who says the rest."""
    return f"{text.split('. ')[0].rstrip('.')}." if is_presenting() else text


def code_fold(code: str, title: str = "") -> None:
    """The few lines of digitlab that give the same result outside the app.

    They are sent when the fold is opened: for code that nobody sees, a browser that comes for the
    first time would load 1.6 MB of a highlighter on every page.
    """
    caller = sys._getframe(1)  # no two calls stand in the same line, which so is the fold's name
    place = f"{caller.f_globals['__name__']}.{caller.f_code.co_qualname}:{caller.f_lineno}"
    _show_fold(title, code, f"{CODE}{place}")


CODE = "code:"  # begins the keys of folds with code


@st.fragment
def _show_fold(title: str, code: str, key: str) -> None:
    notebook.note_code(key, code, title)
    fold = st.expander(
        title or "The same in Python", key=key, icon=":material/code:", on_change="rerun"
    )
    if fold.open:
        fold.code(code, language="python", wrap_lines=True)


def missing(sentence: str, target: str, label: str, **params: str) -> None:
    """Say what the page needs, with a link to where it can be made, with these `params`."""
    st.info(sentence, icon=":material/info:")
    st.page_link(target, label=label, icon=":material/arrow_forward:", query_params=params)


def clicked_index(key: str) -> int | None:
    """The index of the image clicked in the grid `key`; None if the click chose none."""
    data = clicked(key)
    return int(data[0]) if data else None


def store_click(key: str, *params: str) -> None:
    """Store the index of the image clicked in the grid `key` in the URL, under each of `params`."""
    index = clicked_index(key)
    if index is not None:
        for param in params:
            url.put(param, index)
