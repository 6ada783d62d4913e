"""The frame of every page: title, icon, introduction, and a readable message when it fails."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.ui import url

HOME = "Home.py"
DATA = "pages/1_Data.py"
ARCHITECTURE = "pages/2_Architecture.py"
TRAIN = "pages/3_Train.py"
RESULTS = "pages/4_Results.py"
COMPARE = "pages/5_Compare.py"
DRAW = "pages/6_Draw.py"

ICONS = {
    HOME: ":material/home:",
    DATA: ":material/grid_on:",
    ARCHITECTURE: ":material/layers:",
    TRAIN: ":material/model_training:",
    RESULTS: ":material/insights:",
    COMPARE: ":material/compare_arrows:",
    DRAW: ":material/draw:",
}

_logger = logging.getLogger("digitlab")


@contextmanager
def page(path: str, title: str, intro: str) -> Iterator[None]:
    """The page's frame. An error inside is shown as a message, never as a bare traceback."""
    name = title if path == HOME else f"{title} · digitlab"
    # A Material icon of a tab would be fetched from Google: pages ask no other server.
    st.set_page_config(page_title=name, page_icon="✍️", layout="wide")
    st.title(title, anchor=False)
    st.markdown(intro)
    with guard():
        yield


@contextmanager
def guard() -> Iterator[None]:
    """Show an error inside as a message. Fragments need a guard of their own: they rerun alone."""
    try:
        yield
    except DigitlabError as e:
        st.error(str(e), icon=":material/error:")
    except Exception as e:  # the page must show something; the log has the traceback
        _logger.exception("a page failed")
        show_failure(e)


def show_failure(e: Exception) -> None:
    """A message for everybody, and a fold with the traceback for a bug report."""
    st.error(
        "Something went wrong on this page. Your runs and data are safe: reload the page, or go "
        "back to the previous one.",
        icon=":material/error:",
    )
    with st.expander("Details for a bug report"):
        st.code("".join(traceback.format_exception(e)), language="text")


def cell(heading: str, sentence: str = "") -> None:
    """The head of a cell: its title and the sentence that it teaches."""
    st.subheader(heading, anchor=False)
    if sentence:
        st.markdown(sentence)


def code_fold(code: str, title: str = "The same in Python") -> None:
    """The few lines of digitlab that give the same result outside the app."""
    with st.expander(title, icon=":material/code:"):
        st.code(code, language="python")


def missing(sentence: str, target: str, label: str) -> None:
    """Say what the page needs, with a link to where it can be made."""
    st.info(sentence, icon=":material/info:")
    st.page_link(target, label=label, icon=":material/arrow_forward:")


# Plotly's mode bar with a few buttons: on a phone, all of them would cover the title.
FEW_BUTTONS = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "autoScale2d"],
}


def store_click(key: str, *params: str) -> None:
    """Store the index of the image clicked in the grid `key` in the URL, under each of `params`."""
    points = st.session_state[key].selection.points
    if points:
        data = points[0]["customdata"]
        index = int(next(iter(data.values())) if isinstance(data, dict) else data[0])
        for param in params:
            url.put(param, index)
