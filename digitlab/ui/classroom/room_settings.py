"""What a teacher sets in a room: pause, names, lessons and limits; and the end of the room."""

from __future__ import annotations

from functools import partial

import streamlit as st

from digitlab.classroom.archive import pack_room
from digitlab.classroom.members import clear_names
from digitlab.classroom.room import Room
from digitlab.classroom.teachers import change_room
from digitlab.errors import DigitlabError
from digitlab.jobs.compute import call
from digitlab.jobs.room_runs import end_room, pause_room, remove_members, resume_room
from digitlab.lessons.catalog import list_lessons
from digitlab.ui import page, url
from digitlab.ui.classroom.attempt import attempt
from digitlab.ui.classroom.room_bar import LEARNER, ROOM
from digitlab.ui.classroom.room_key import renew_key
from digitlab.ui.visitor import for_visitor


def show_switches(room: Room) -> None:
    """What is needed while a class works: pause, and who is shown and let in."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Let training go on" if room.paused else "Pause all training",
            icon=":material/play_arrow:" if room.paused else ":material/pause:",
            type="primary" if room.paused else "secondary",
            help="Runs of this room save their state and wait; they go on where they were.",
            on_click=attempt,
            args=(resume_room if room.paused else pause_room, room.code),
        )
        _show_switch(room, "anonymous", "Hide names", "Everybody is shown as Learner 1, 2, 3 …")
        _show_switch(room, "locked", "Closed to newcomers", "The code lets nobody in any more.")


def show_settings(room: Room) -> None:
    """What is set once: the lessons and limits that count; and what is done about names."""
    page.cell("Settings")
    with st.expander("Lessons and limits", icon=":material/tune:"):
        _show_lessons_and_limits(room)
    with st.expander("Key", icon=":material/key:"):
        st.markdown(
            "Whoever has the key teaches this room. If others may have seen it, or you have lost "
            "it, make another: the former one no longer works, nor do devices that came by it. The "
            "room's link changes with it: show newcomers the new one."
        )
        st.button(
            "Make another key", icon=":material/key:", on_click=attempt, args=(renew_key, room.code)
        )
    if room.members:
        with st.expander("Names", icon=":material/badge:"):
            _show_names(room)


def _show_switch(room: Room, name: str, label: str, says: str) -> None:
    key = f"room:{room.code}:{name}"
    st.session_state[key] = getattr(room, name)  # a second device may have changed it
    st.toggle(label, key=key, help=says, on_change=_store, args=(room.code, name, key))


def _store(code: str, name: str, key: str) -> None:
    attempt(change_room, code, **{name: st.session_state[key]})


def _show_lessons_and_limits(room: Room) -> None:
    titles = {lesson.id: lesson.title for lesson in list_lessons()}
    limits = room.limits
    with st.form("room-settings", border=False):
        lessons = st.multiselect(
            "Lessons that count (all where none is chosen)",
            list(titles),
            default=[name for name in room.lessons if name in titles],
            format_func=titles.get,
        )
        seconds = _number("Seconds that a run trains at most", limits.seconds, 3_600)
        parameters = _number("Parameters of a network at most", limits.parameters, None)
        waiting = _number("Runs of a learner that wait at most", limits.waiting, 100)
        if not st.form_submit_button("Save"):
            return
    allowed = {"seconds": seconds, "parameters": parameters, "waiting": waiting}
    try:
        change_room(room.code, lessons=tuple(lessons), limits=allowed)
    except DigitlabError as e:
        page.show_error(e)
    else:
        st.rerun()


def _number(label: str, value: int | None, most: int | None) -> int | None:
    return st.number_input(
        label, min_value=1, max_value=most, value=value, step=1, placeholder="not bounded"
    )


def _show_names(room: Room) -> None:
    names = {member.number: member.nickname or "no name" for member in room.members}
    chosen = st.multiselect(
        "Whose", list(names), format_func=lambda number: f"{number} · {names.get(number, '')}"
    )
    st.caption(
        "Whoever you send out can come back, also after another key: the code stays the same. "
        "Switch *Closed to newcomers* on to keep them out."
    )
    with st.container(horizontal=True):
        for label, icon, act, numbers in (
            ("Clear their names", ":material/backspace:", clear_names, chosen),
            ("Send them out", ":material/person_remove:", remove_members, chosen),
            ("Clear all names", ":material/layers_clear:", clear_names, list(names)),
        ):
            st.button(
                label,
                icon=icon,
                disabled=not numbers,
                on_click=attempt,
                args=(act, room.code, *numbers),
            )


def show_end(room: Room) -> None:
    """The button that ends the room, behind one that asks."""
    page.cell(
        "Download and end",
        "The ZIP has all that lies in the room: learners, their progress and runs, drawings and "
        "challenges. When the room ends, all of it is deleted.",
    )
    st.download_button(
        "Everything as a ZIP",
        for_visitor(partial(call, pack_room, room.code)),
        f"room-{room.code}.zip",
        "application/zip",
        icon=":material/folder_zip:",
        on_click="ignore",
    )
    with st.popover("End the room", icon=":material/delete_forever:"):
        st.markdown(
            "The code opens nothing any more, and you no longer see what learners made. They keep "
            "their runs, in their browsers. This cannot be undone: download the ZIP first."
        )
        st.button("End it for good", type="primary", on_click=_end, args=(room.code,))


def _end(code: str) -> None:
    attempt(end_room, code)
    url.drop(ROOM)
    url.drop(LEARNER)
