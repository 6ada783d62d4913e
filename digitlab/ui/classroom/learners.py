"""Who is where in the lessons, and the work of one learner, which a teacher looks at."""

from __future__ import annotations

from typing import Any

import streamlit as st

from digitlab.classroom.learners import Learner, lessons_of, list_learners, look_at
from digitlab.classroom.room import Room, find_room
from digitlab.lessons.catalog import list_lessons
from digitlab.lessons.lesson import Lesson
from digitlab.lessons.progress import Progress
from digitlab.ui import page, url
from digitlab.ui.classroom.room_bar import LEARNER
from digitlab.ui.markdown import plain
from digitlab.ui.run_picker import show_result_link
from digitlab.words import ago, counted

REFRESH_SECONDS = 5.0
_NAME_WIDTH, _GOALS_WIDTH = 150, 40  # pixels of the names' column, and of a lesson's


def show_learners(room: Room) -> None:
    """The table, which keeps up with the class, and the work of the learner who is chosen."""
    page.cell("Learners", "Where each is now, and the goals that they have reached.")
    st.fragment(_show_table, run_every=REFRESH_SECONDS)(room.code, _numbers(room))
    if room.members:
        _show_work(room)


def _numbers(room: Room) -> list[int]:
    return [member.number for member in room.members]


@page.guard()
def _show_table(code: str, shown: list[int]) -> None:
    room, learners = find_room(code), list_learners(code)
    if _numbers(room) != shown:
        st.rerun()  # whose work can be looked at, and whose name be cleared
    if not learners:
        st.info("Nobody has joined yet.", icon=":material/groups:")
        return
    lessons = number_lessons(room)
    training, waiting = (sum(getattr(each, what) for each in learners) for what in _ACTIVE)
    st.caption(
        f"{counted(len(learners), 'learner')} · {counted(training, 'run')} training · "
        f"{waiting:,} waiting"
    )
    columns = {
        str(number): st.column_config.TextColumn(help=lesson.title, width=_GOALS_WIDTH)
        for number, lesson in lessons.items()
    }
    st.dataframe(
        [_row(each, lessons) for each in learners],
        hide_index=True,
        height="content",
        column_config={
            "Learner": st.column_config.TextColumn(width=_NAME_WIDTH, pinned=True),
            **columns,
        },
    )
    numbers = (f"{number} {plain(each.title)}" for number, each in lessons.items())
    st.caption(f"Goals reached in each lesson: {' · '.join(numbers)}")


_ACTIVE = ("training", "waiting")


def number_lessons(room: Room) -> dict[int, Lesson]:
    """The lessons that count, by the numbers that they have on the page Learn."""
    counting = {lesson.id for lesson in lessons_of(room)}
    numbered = enumerate(list_lessons(), start=1)
    return {number: lesson for number, lesson in numbered if lesson.id in counting}


def _row(learner: Learner, lessons: dict[int, Lesson]) -> dict[str, Any]:
    titles = {lesson.id: lesson.title for lesson in lessons.values()}
    where = filter(None, (learner.page, titles.get(learner.lesson, learner.lesson)))
    goals = {
        str(number): f"{reached}/{len(lesson.goals)}" if reached else ""
        for number, lesson in lessons.items()
        for reached in (learner.reached[lesson.id],)
    }
    return {
        "Learner": learner.name,
        "Now": " · ".join(where) or "joined",
        "Seen": ago(learner.seen),
        "Runs": _runs(learner),
        **goals,
    }


def _runs(learner: Learner) -> str:
    active = {"training": learner.training, "waiting": learner.waiting}
    more = ", ".join(f"{count} {what}" for what, count in active.items() if count)
    return f"{learner.runs}, {more}" if more else str(learner.runs)


def _show_work(room: Room) -> None:
    names = {str(member.number): room.name_of(member.number) for member in room.members}
    page.cell("A learner's work", "You look at it; only the learner changes it.")
    with st.container(width=480):
        number = url.choose("Learner", {"": "Choose a learner", **names}, param=LEARNER, default="")
    if not number:
        return
    work = look_at(room.code, int(number))
    if not work.runs:
        st.caption("No run yet.")
    for record in work.runs[:_SHOWN]:
        show_result_link(record)
    if len(work.runs) > _SHOWN:
        st.caption(f"And {counted(len(work.runs) - _SHOWN, 'earlier run')}.")
    for lesson in lessons_of(room):
        _show_lesson(lesson, work.progress[lesson.id])


_SHOWN = 20  # runs of a learner


def _show_lesson(lesson: Lesson, progress: Progress) -> None:
    """What was reached in a lesson, and answered; nothing where it was not begun."""
    if not (progress.reached or progress.answers):
        return
    st.markdown(f"**{plain(lesson.title)}**")
    for goal in lesson.goals:
        sentence, when = progress.reached.get(goal.says, ("", None))
        icon = ":material/check_circle:" if sentence else ":material/radio_button_unchecked:"
        st.markdown(f"{icon} {plain(goal.says)}")
        if sentence:
            st.caption(f"{plain(sentence)} Reached {ago(when)}.")
    for question in lesson.questions:
        if choice := progress.answers.get(question.ask):
            right = "right" if choice == question.answer else f"it is {plain(question.answer)}"
            st.caption(f"Predicted: {plain(question.ask)} {plain(choice)} ({right})")
