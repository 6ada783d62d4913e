"""The room in the URL, or the ways into one: join it, open it, come back with its key."""

from __future__ import annotations

import streamlit as st

from digitlab import owners
from digitlab.classroom import members, teachers
from digitlab.classroom.room import Room, RoomError, find_room, list_rooms
from digitlab.errors import DigitlabError
from digitlab.settings import read_settings
from digitlab.ui import page, url
from digitlab.ui.classroom.room_bar import LEARNER, ROOM
from digitlab.ui.classroom.room_key import remember_key
from digitlab.ui.classroom.sections import show_sections
from digitlab.ui.classroom.viewer import Viewer
from digitlab.ui.markdown import plain

_SHOWN = "room:shown"  # in the session: the room that the page showed last
_TYPED = 20  # characters of a code: four letters or twelve, and spaces
_START = "DIGITLAB_HOSTED=class streamlit run Home.py"


def show_class() -> None:
    """The room that was chosen, as a teacher, a learner or a newcomer sees it."""
    if not read_settings().hosted:
        _explain_start()
        return
    room = _find_chosen()
    if room is None:
        _show_ways_in()
        return
    st.button("All rooms", icon=":material/arrow_back:", type="tertiary", on_click=_leave_page)
    member = room.find_member(owners.new_owner())
    if teachers.is_teacher(room.code):
        show_sections(Viewer(room, None))
    elif member:
        show_sections(Viewer(room, member))
    else:
        _show_joining(room)


def _explain_start() -> None:
    page.cell(
        "Start a server for a class",
        "This app takes everybody who opens it for the same person. On a computer that the class "
        "can reach, such as yours in the school's network, start it so that it tells visitors "
        "apart by their browsers; this page then opens rooms:",
    )
    st.code(_START, language=None, wrap_lines=True)
    st.caption("In PowerShell: $env:DIGITLAB_HOSTED = 'class'; streamlit run Home.py")


def _find_chosen() -> Room | None:
    code = url.get(ROOM)
    if code != st.session_state.get(_SHOWN):  # a link from the page to itself, see `learn`
        st.query_params.from_dict(st.query_params.to_dict())
    st.session_state[_SHOWN] = code
    if code is None:
        return None
    try:
        room = find_room(code)
    except RoomError as e:
        url.drop(ROOM)
        page.show_error(e)
        return None
    url.put(ROOM, room.invitation)  # so that who shares the address invites others
    return room


def _leave_page() -> None:
    url.drop(ROOM)
    url.drop(LEARNER)


def _show_ways_in() -> None:
    _show_own_rooms()
    page.cell("Join a room", "Your teacher shows its code of four letters.")
    with st.form("join", width=480):
        code = st.text_input("Code", max_chars=_TYPED, placeholder="BCDF")
        if st.form_submit_button("Next", icon=":material/arrow_forward:", type="primary"):
            _choose(code)
    page.cell("Teach", "Open a room for your class, or come back to one on another device.")
    with st.expander("Open a room", icon=":material/meeting_room:"), st.form("open", border=False):
        title = st.text_input("Title", max_chars=teachers.TITLE, placeholder="Class 5b, Monday")
        if st.form_submit_button("Open the room"):
            _open(title)
    with st.expander("I have a key", icon=":material/key:"):
        _ask_for_key("")


def _show_own_rooms() -> None:
    own = list_rooms()
    if not own:
        return
    page.cell("Your rooms")
    for room in own:
        role = "you teach" if teachers.is_teacher(room.code) else "you learn"
        st.page_link(
            page.CLASS,
            label=f"{plain(room.title)} · {room.code} · {role}",
            icon=page.ICONS[page.CLASS],
            query_params={ROOM: room.code},
        )


def _choose(code: str) -> None:
    """Go to the room of a code that was typed; say where there is none."""
    try:
        url.put(ROOM, find_room(code).invitation)
    except RoomError as e:
        page.show_error(e)
    else:
        st.rerun()


def _open(title: str) -> None:
    try:
        room, key = teachers.open_room(title)
    except DigitlabError as e:
        page.show_error(e)
    else:
        remember_key(room.code, key)
        url.put(ROOM, room.code)
        st.rerun()


def _ask_for_key(code: str) -> None:
    """A form for the key, and the code where it is not known yet."""
    with st.form("teach", border=False):
        code = code or st.text_input("Code of the room", max_chars=_TYPED)
        key = st.text_input("Key", max_chars=80, type="password")
        if not st.form_submit_button("Teach this room"):
            return
    try:
        url.put(ROOM, teachers.teach(code, key).invitation)
    except DigitlabError as e:
        page.show_error(e)
    else:
        st.rerun()


def _show_joining(room: Room) -> None:
    """Where a newcomer types a nickname, or a teacher the key."""
    page.cell(
        f"Join {plain(room.title)}",
        "The teacher of this room then sees your nickname, your runs and how far you are in the "
        "lessons, and changes none of it. Choose a nickname, not your full name.",
    )
    with st.form("nickname", width=480):
        nickname = st.text_input("Nickname", max_chars=members.NICKNAME)
        if st.form_submit_button("Join", icon=":material/login:", type="primary"):
            try:
                members.join_room(room.invitation, nickname)
            except DigitlabError as e:
                page.show_error(e)
            else:
                st.rerun()
    with st.expander("I teach this room", icon=":material/key:"):
        _ask_for_key(room.invitation)
