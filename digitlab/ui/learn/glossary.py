"""The words of the lessons: each opens as its definition, with a picture from a run."""

from __future__ import annotations

import streamlit as st

from digitlab.lessons.glossary import Term, list_terms, terms_of
from digitlab.lessons.lesson import Lesson
from digitlab.ui import page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.learn.links import show_link
from digitlab.ui.learn.pictures import find_picture
from digitlab.ui.markdown import plain

_HEIGHT = 330  # pixels of a figure at most
_PARAM = "word"


@st.fragment
def show_words(lesson: Lesson) -> None:
    """The terms that the lesson uses; what one means is made when it is opened, as a picture may
    have to be computed.
    """
    with page.guard(), st.container(horizontal=True, gap="small", key="lesson-words"):
        for term in terms_of(lesson):
            key = f"word:{term.name}"
            word = st.popover(plain(term.name), type="tertiary", key=key, on_change="rerun")
            if word.open:
                with word, page.guard():
                    _explain(term, lesson.id)


def show_glossary() -> None:
    """All words: one is searched for by typing, and the URL says which."""
    page.cell(
        "Glossary",
        "The words of the lessons. Choose one, or type a part of it; many have a picture from your "
        "newest run.",
    )
    terms = {term.name: term for term in list_terms()}
    names = {"": "Choose a word", **{name: name for name in terms}}
    narrow, _ = st.columns([1, 2])
    with narrow:
        name = url.choose("Word", names, param=_PARAM, default="", label_visibility="collapsed")
    if name:
        with st.container(border=True, key="glossary-word"):
            st.subheader(plain(name), anchor=False)
            _explain(terms[name])
    with st.expander(f"All {len(terms)} words", icon=":material/dictionary:"):
        st.markdown("\n".join(f"- **{plain(term.name)}**: {term.says}" for term in terms.values()))


def _explain(term: Term, lesson: str = "") -> None:
    st.markdown(plain(term.says))
    if term.picture:
        _show_picture(term)
    if term.link:
        show_link(term.link, lesson)


def _show_picture(term: Term) -> None:
    with st.spinner("Drawing a picture of a run …"):
        picture = find_picture(term.picture)
    if picture is None:
        return
    figure, run = picture.figure, picture.run
    height = min(figure.layout.height or _HEIGHT, _HEIGHT)
    show_chart(figure.update_layout(height=height), f"picture:{term.name}", picture.alt, bar=False)
    whose = "a run that comes with digitlab" if run.record.bundled else "your run"
    st.caption(f"{plain(picture.alt)} From {whose}, “{plain(run.record.name)}”.")
