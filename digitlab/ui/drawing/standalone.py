"""The pad and the answer of one run, for a link or another site."""

from __future__ import annotations

import streamlit as st

from digitlab.ui import page
from digitlab.ui.drawing.answer import show_drawing_and_answer
from digitlab.ui.drawing.reader import describe_doubts
from digitlab.ui.labels import run_title
from digitlab.ui.markdown import plain
from digitlab.ui.run_picker import linked_run


@st.fragment
@page.guard()
def show_standalone() -> None:
    """The pad, the answer below it, and which network reads."""
    run = linked_run()
    run.check_task("classify")
    st.title(plain(run_title(run.record)), anchor=False)
    if doubts := describe_doubts(run):
        st.caption(plain(doubts))
    show_drawing_and_answer(run.id, "alone", small=True)
