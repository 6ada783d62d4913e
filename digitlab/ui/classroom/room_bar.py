"""What every page tells a learner of their room, and a teacher of the learner whose run it shows;
and where learners are, for their teacher.
"""

from __future__ import annotations

import time
from pathlib import Path

import streamlit as st

from digitlab import owners
from digitlab.ui import lesson_bar
from digitlab.ui.markdown import plain

ROOM, LEARNER = "room", "learner"  # in the URL: its code, and a learner's number
NOTE_SECONDS = 20.0  # how often a learner who stays where they are is noted again
_NOTED = "room:noted"


def show_room_bar(path: str, target: str) -> None:
    """In the sidebar the learner's room, a link to the page `target`; and whether it is paused."""
    if ROOM in st.query_params and path != target:  # of a link that was shortened by hand
        st.switch_page(target, query_params={ROOM: st.query_params[ROOM]})
    visitor = owners.acting()
    if visitor is None:
        return
    if run_id := st.query_params.get("run"):
        _show_learner(run_id, target)
    from digitlab.classroom.members import note_place, rooms_of

    of_visitor = rooms_of(visitor.owner)
    if not of_visitor:
        return
    room, lesson = of_visitor[0], lesson_bar.open_lesson()
    here, now = (Path(path).stem.lstrip("0123456789_"), lesson or ""), time.monotonic()
    before, when = st.session_state.get(_NOTED, (None, 0.0))
    if here != before or now - when > NOTE_SECONDS:
        st.session_state[_NOTED] = (here, now)
        note_place(*here)
    name = plain(room.find_member(visitor.owner).nickname or "You")
    with st.sidebar:
        st.page_link(
            target,
            label=f"{name} in room {room.code}",
            icon=":material/groups:",
            query_params={ROOM: room.code},
        )
    if paused := ", ".join(room.code for room in of_visitor if room.paused):
        st.info(
            f"Your teacher has paused training in room {paused}. What trains or waits goes on when "
            "the teacher says so, or when you leave that room; nothing is lost.",
            icon=":material/pause_circle:",
        )


def _show_learner(run_id: str, target: str) -> None:
    """Whose run a teacher looks at, and the way back to that learner's work."""
    from digitlab.classroom.learners import find_learner

    if (place := find_learner(run_id)) is None:
        return
    room, member = place
    with st.container(horizontal=True, vertical_alignment="center", key="room-bar"):
        st.page_link(
            target,
            label=f"{plain(room.name_of(member.number))} in room {room.code}",
            icon=":material/arrow_back:",
            query_params={ROOM: room.code, LEARNER: str(member.number)},
        )
        st.caption("You look at a learner's run; only they change it.")
