"""All lessons in their order, with what is done marked."""

from __future__ import annotations

import streamlit as st

from digitlab import owners
from digitlab.classroom.members import rooms_of
from digitlab.lessons.catalog import find_lesson, list_damaged, list_lessons
from digitlab.lessons.lesson import Lesson, LessonError
from digitlab.lessons.progress import read_progress
from digitlab.lessons.summary import write_summary
from digitlab.ui import lesson_bar, page, url
from digitlab.ui.learn.glossary import show_glossary
from digitlab.ui.markdown import plain
from digitlab.ui.visitor import for_visitor

_SHOWN = "learn:shown"  # in the session: the lesson that the page showed last


def find_chosen() -> Lesson | None:
    """The lesson in the URL, which is then the one that the other pages lead back to."""
    name = url.get(lesson_bar.PARAM)
    if name != st.session_state.get(_SHOWN):
        # A link from a page to itself leaves the browser's address as it was: the next click would
        # show what was there before.
        st.query_params.from_dict(st.query_params.to_dict())
    st.session_state[_SHOWN] = name
    if name is None:
        return None
    try:
        lesson = find_lesson(name)
    except LessonError as e:
        page.show_error(e)
        return None
    lesson_bar.begin(lesson.id)
    return lesson


def show_lessons() -> None:
    """A card for each lesson, what is wrong with files that are none, and all words.

    Those that count in the learner's room come first.
    """
    lessons = list_lessons()
    numbered = list(enumerate(lessons, start=1))
    room = next(iter(rooms_of(owners.new_owner())), None)
    if room and room.lessons:
        page.cell(f"Lessons of {plain(room.title)}")
        _show_cards([each for each in numbered if each[1].id in room.lessons], "room-lessons")
        numbered = [each for each in numbered if each[1].id not in room.lessons]
        page.cell("More lessons")
    _show_cards(numbered, "lessons")
    if any(read_progress(lesson).reached for lesson in lessons):
        st.download_button(
            "What I reached",
            for_visitor(write_summary),
            "lessons.html",
            "text/html",
            icon=":material/workspace_premium:",
            help="All goals that you reached, with what reached them, to keep, print or hand in.",
            on_click="ignore",
        )
    for reason in list_damaged():
        page.show_error(reason, st.warning, ":material/warning:")
    show_glossary()


def _show_cards(numbered: list[tuple[int, Lesson]], key: str) -> None:
    grid = st.grid(3, min_column_width=280, border=True, key=key)
    for number, lesson in numbered:
        with grid.cell():
            _show_card(number, lesson)


def _show_card(number: int, lesson: Lesson) -> None:
    progress = read_progress(lesson)
    reached = sum(goal.says in progress.reached for goal in lesson.goals)
    done = progress.is_done(lesson)
    st.page_link(
        page.LEARN,
        label=f"**{number}. {plain(lesson.title)}**" + " (done)" * done,
        icon=":material/check_circle:" if done else ":material/school:",
        query_params={lesson_bar.PARAM: lesson.id},
    )
    st.caption(plain(lesson.about))
    goals = f" · {reached} of {len(lesson.goals)} goals" if reached else ""
    st.caption(f"{lesson.minutes} minutes{goals}")
