"""The key of a room: shown once when it was made, and made anew."""

from __future__ import annotations

import streamlit as st

from digitlab.classroom.room import Room
from digitlab.classroom.teachers import new_key

_KEY = "room:key"  # in the session: a room whose key was made just now, and the key


def remember_key(code: str, key: str) -> None:
    """Show a key that was made just now, until the teacher has noted it."""
    st.session_state[_KEY] = (code, key)


def renew_key(code: str) -> None:
    """Make another key, which is then shown."""
    remember_key(code, new_key(code))


def show_key(room: Room) -> None:
    """The room's key, where it was made just now."""
    code, key = st.session_state.get(_KEY, (None, None))
    if code != room.code:
        return
    with st.container(border=True, key="room-key"):
        st.markdown(
            "**The key of this room is shown only now.** Note it: with it you teach the room on "
            "another device, or when this browser has forgotten you. Do not show it to learners."
        )
        st.code(key, language=None, wrap_lines=True)
        st.button(
            "I have noted it", icon=":material/check:", on_click=st.session_state.pop, args=(_KEY,)
        )
