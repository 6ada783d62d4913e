"""A room as its teacher sees it: how to join it, who is where, what is allowed, how it ends."""

from __future__ import annotations

import streamlit as st

from digitlab.classroom.room import Room
from digitlab.snippets import classroom as snippets
from digitlab.ui import page, share
from digitlab.ui.classroom.learners import show_learners
from digitlab.ui.classroom.room_key import show_key
from digitlab.ui.classroom.room_link import room_link, show_letters
from digitlab.ui.classroom.room_settings import show_end, show_settings, show_switches
from digitlab.ui.display import is_presenting
from digitlab.ui.markdown import plain


def show_teacher(room: Room) -> None:
    """The cells of the room, for a teacher."""
    page.cell(plain(room.title), "Learners open the link, or type the code on this page.")
    show_key(room)
    _show_link(room)
    show_switches(room)
    show_learners(room)
    page.code_fold(snippets.room(room.code))
    show_settings(room)
    show_end(room)


def _show_link(room: Room) -> None:
    link = room_link(room)
    width = 2 * share.QR_WIDTH if is_presenting() else share.QR_WIDTH
    with st.container(horizontal=True, vertical_alignment="center", key="room-code"):
        st.image(share.qr_code(link), width=width, alt="QR code of the link")
        with st.container(width="content"):
            show_letters(room)
            st.code(link, language=None, wrap_lines=True)
    if warning := share.who_can_open(link):
        st.caption(f"{warning} Where they cannot, your computer's firewall may keep them out.")
