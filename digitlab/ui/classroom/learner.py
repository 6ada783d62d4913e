"""A room as a learner sees it: the lessons that count, what is allowed, and how to leave."""

from __future__ import annotations

import streamlit as st

from digitlab.classroom.room import Limits, Member, Room
from digitlab.jobs.room_runs import leave_room
from digitlab.lessons.progress import read_all
from digitlab.ui import lesson_bar, page
from digitlab.ui.classroom.learners import number_lessons
from digitlab.ui.markdown import plain
from digitlab.words import counted


def show_learner(room: Room, member: Member) -> None:
    """The cells of the room, for the learner `member`."""
    name = f"{plain(member.nickname)}, learner {member.number}" if member.nickname else ""
    page.cell(
        plain(room.title),
        f"You are {name or f'learner {member.number}'} in room {room.code}. Your teacher sees your "
        "runs and how far you are.",
    )
    if says := describe_limits(room.limits):
        st.info(says, icon=":material/timer:")
    _show_lessons(room)
    st.button(
        "Leave the room",
        icon=":material/logout:",
        help="Your teacher no longer sees what you make. What you made stays yours.",
        on_click=leave_room,
        args=(room.code,),
    )


def _show_lessons(room: Room) -> None:
    lessons = number_lessons(room)
    page.cell("Lessons of this room", "They open on the page Learn.")
    progress = read_all(list(lessons.values()))
    for number, lesson in lessons.items():
        reached = sum(goal.says in progress[lesson.id].reached for goal in lesson.goals)
        done = progress[lesson.id].is_done(lesson)
        goals = f"{reached} of {counted(len(lesson.goals), 'goal')}"
        st.page_link(
            page.LEARN,
            label=f"{number}. {plain(lesson.title)} · {goals}",
            icon=":material/check_circle:" if done else ":material/school:",
            query_params={lesson_bar.PARAM: lesson.id},
        )


def describe_limits(limits: Limits) -> str:
    """What a room allows, in a sentence; empty where it adds nothing to the server's limits."""
    parts = []
    if limits.seconds:
        parts.append(f"a run trains for at most {counted(limits.seconds, 'second')}")
    if limits.parameters:
        parts.append(f"a network has at most {limits.parameters:,} parameters")
    if limits.waiting:
        parts.append(f"at most {counted(limits.waiting, 'run')} of yours may wait")
    return f"In this room {', '.join(parts)}." if parts else ""
