"""The bar on every page that leads back to the lesson that is open, and shows its next goal."""

from __future__ import annotations

import streamlit as st

from digitlab.ui.markdown import plain

PARAM = "lesson"
_OPEN = "lesson:open"


def begin(name: str) -> None:
    """The lesson that the pages lead back to, from now on."""
    st.session_state[_OPEN] = name


def open_lesson() -> str | None:
    """The name of the lesson that the pages lead back to."""
    return st.query_params.get(PARAM) or st.session_state.get(_OPEN)


def show_lesson_bar(target: str) -> None:
    """The bar, where a lesson is open; its link leads to the page `target`.

    A link from the lesson has it in the URL, so that it is there after a reload.
    """
    if PARAM in st.query_params:
        begin(st.query_params[PARAM])
    name = st.session_state.get(_OPEN)
    if name is None:
        return
    from digitlab.lessons.catalog import find_lesson
    from digitlab.lessons.lesson import LessonError
    from digitlab.lessons.progress import read_progress

    try:
        lesson = find_lesson(name)
    except LessonError:  # of a link that was changed, or removed since
        st.session_state.pop(_OPEN, None)
        return
    reached = read_progress(lesson).reached
    goal = next((goal.says for goal in lesson.goals if goal.says not in reached), "all reached")
    with st.container(horizontal=True, vertical_alignment="center", key="lesson-bar"):
        st.page_link(
            target,
            label=f"Lesson: {plain(lesson.title)}",
            icon=":material/arrow_back:",
            query_params={PARAM: lesson.id},
        )
        st.caption(f"Goal: {plain(goal)}")
        st.button(
            "Leave the lesson",
            icon=":material/close:",
            type="tertiary",
            on_click=_leave,
            key="leave",
        )


def _leave() -> None:
    st.session_state.pop(_OPEN, None)
    st.query_params.pop(PARAM, None)
