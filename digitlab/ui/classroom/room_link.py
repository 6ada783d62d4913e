"""The link to a room, as the devices of its learners open it, and the letters that they type."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st
from streamlit.net_util import get_internal_ip

from digitlab.classroom.room import Room
from digitlab.ui import share
from digitlab.ui.classroom.room_bar import ROOM


def room_link(room: Room) -> str:
    """The room's link, also where the teacher's own computer has the app under localhost."""
    link = share.link_to(**{ROOM: room.invitation})
    host, own = urlsplit(link).hostname or "", get_internal_ip()
    is_local = host in ("localhost", "127.0.0.1", "::1")
    return link.replace(host, own, 1) if is_local and own else link


def room_address(room: Room) -> str:
    """Where learners type the room's code: the link without what need not be typed."""
    parts = urlsplit(room_link(room))
    return f"{parts.netloc}{parts.path}"


def show_letters(room: Room) -> None:
    """The room's code, and the letters of its link that follow where four are not enough."""
    letters = room.invitation
    st.markdown(f"**:material/login: {' '.join(room.code)}**", width="content")
    if letters != room.code:  # which is all that a learner knows who came by it
        more = f"{letters[:4]} {letters[4:8]} {letters[8:]}"
        st.caption(f"{more} if more is asked for", width="content")
