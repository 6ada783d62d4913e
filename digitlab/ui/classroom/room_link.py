"""The link to a room, as the devices of its learners open it."""

from __future__ import annotations

from urllib.parse import urlsplit

from streamlit.net_util import get_internal_ip

from digitlab.ui import share
from digitlab.ui.classroom.room_bar import ROOM


def room_link(code: str) -> str:
    """The room's link, also where the teacher's own computer has the app under localhost."""
    link = share.link_to(**{ROOM: code})
    host, own = urlsplit(link).hostname or "", get_internal_ip()
    is_local = host in ("localhost", "127.0.0.1", "::1")
    return link.replace(host, own, 1) if is_local and own else link


def room_address(code: str) -> str:
    """Where learners type the room's code: the link without what need not be typed."""
    parts = urlsplit(room_link(code))
    return f"{parts.netloc}{parts.path}"
