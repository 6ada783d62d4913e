"""The frame of every page: title, icon, first words, and a friendly sentence when it fails."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DigitlabError

if TYPE_CHECKING:
    pass

HOME = "Home.py"
DATA = "pages/1_Data.py"
ARCHITECTURE = "pages/2_Architecture.py"
TRAIN = "pages/3_Train.py"
RESULTS = "pages/4_Results.py"
COMPARE = "pages/5_Compare.py"
DRAW = "pages/6_Draw.py"

ICONS = {
    HOME: "✍️",
    DATA: "🔢",
    ARCHITECTURE: "🧱",
    TRAIN: "🏃",
    RESULTS: "🎯",
    COMPARE: "⚖️",
    DRAW: "🖌️",
}

_logger = logging.getLogger("digitlab")


@contextmanager
def page(path: str, title: str, intro: str) -> Iterator[None]:
    """The page's frame; what fails inside ends as a sentence, never as a bare traceback."""
    name = title if path == HOME else f"{title} · digitlab"
    st.set_page_config(page_title=name, page_icon=ICONS[path], layout="wide")
    st.title(title, anchor=False)
    st.markdown(intro)
    with guard():
        yield


@contextmanager
def guard() -> Iterator[None]:
    """What fails inside ends as a sentence. Fragments, which run again alone, need their own."""
    try:
        yield
    except DigitlabError as e:
        st.error(str(e), icon=":material/error:")
    except Exception as e:  # a page must answer, whatever happened: the log keeps the whole story
        _logger.exception("a page failed")
        show_failure(e)


def show_failure(e: Exception) -> None:
    """One sentence for everybody and a fold with the details for whoever mends it."""
    st.error(
        "Something went wrong on this page. Your runs and data are safe; reload the page or go "
        "back to where you came from.",
        icon=":material/error:",
    )
    with st.expander("Details for a bug report"):
        st.code("".join(traceback.format_exception(e)), language="text")


def cell(heading: str, sentence: str = "") -> None:
    """The head of a cell: what it is and what it teaches."""
    st.subheader(heading, anchor=False)
    if sentence:
        st.markdown(sentence)


def code_fold(code: str, title: str = "The same in Python") -> None:
    """The few lines of digitlab that give the same result outside the app."""
    with st.expander(title, icon=":material/code:"):
        st.code(code, language="python")


def missing(sentence: str, target: str, label: str) -> None:
    """What the page lacks, and the way to it."""
    st.info(sentence, icon=":material/info:")
    st.page_link(target, label=label, icon=":material/arrow_forward:")


# On a phone all of Plotly's buttons would cover a figure's title.
FEW_BUTTONS = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "autoScale2d"],
}


def clicked_index(point: dict) -> int:
    """The image's index that a clicked point of an image grid carries."""
    data = point["customdata"]
    return int(next(iter(data.values())) if isinstance(data, dict) else data[0])
