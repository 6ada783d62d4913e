"""The wall: what the class does now, at a projector's size; it keeps up by itself."""

from __future__ import annotations

import numpy as np
import streamlit as st

from digitlab.classroom import room as rooms
from digitlab.classroom.wall import Best, Wall, look_at_class
from digitlab.settings import read_settings
from digitlab.snippets import classroom as snippets
from digitlab.ui import page
from digitlab.ui.chart import show_chart
from digitlab.ui.classroom.challenge import show_ranks
from digitlab.ui.classroom.room_bar import ROOM
from digitlab.ui.classroom.room_link import room_address, show_letters
from digitlab.ui.classroom.viewer import Viewer
from digitlab.ui.display import STEADY
from digitlab.ui.markdown import plain
from digitlab.words import counted, interval, percent

BUSY_SECONDS, QUIET_SECONDS = 2.0, 20.0
PLACES = 10  # of the leaderboard


def show(viewer: Viewer) -> None:
    """The wall among the sections of a room, and a link that shows it alone."""
    page.cell("Wall", "What the class does now, for all to see; it keeps up by itself.")
    st.page_link(
        page.CLASS,
        label="Show it alone, for a projector",
        icon=":material/cast:",
        query_params={ROOM: viewer.room.code, "view": page.VIEWS[page.CLASS], "present": "1"},
    )
    show_wall(viewer.room.code)
    page.code_fold(snippets.wall(viewer.room.code))


def show_standalone() -> None:
    """The wall of the room in the URL without the rest of the page, for whoever is in the room."""
    room = rooms.find_room(st.query_params.get(ROOM, ""))
    rooms.check_inside(room.code)
    with st.container(key="wall-alone", horizontal=True, vertical_alignment="center"):
        st.title(plain(room.title), anchor=False)
        if not room.locked:
            with st.container(horizontal=True, vertical_alignment="center", width="content"):
                st.markdown(plain(room_address(room)), width="content")
                show_letters(room)
    show_wall(room.code)


def show_wall(code: str) -> None:
    """The wall, which is refreshed more often while somebody is here."""
    busy = _look(code).is_busy
    st.html(STEADY)
    with st.container(key="wall"):
        seconds = BUSY_SECONDS if busy else QUIET_SECONDS
        st.fragment(_show, run_every=seconds)(code, busy)


@page.guard()
def _show(code: str, was_busy: bool) -> None:
    wall = _look(code)
    if wall.is_busy != was_busy:
        st.rerun()
    _show_figures(wall)
    if wall.challenge is None:
        _show_drawings(wall)
        return
    left, right = st.columns(2)
    with left:
        _show_drawings(wall)
    with right:
        _show_challenge(wall)


def _look(code: str) -> Wall:
    """The wall, read once for all who look at it, as long as they are in the room."""
    rooms.check_inside(code)
    return _look_once(str(read_settings().home), code)


@st.cache_resource(ttl=1.5, max_entries=64, show_spinner=False)
def _look_once(_home: str, code: str) -> Wall:
    return look_at_class(code)


def _show_figures(wall: Wall) -> None:
    active = [
        f"{count:,} {what}"
        for count, what in ((wall.training, "training"), (wall.waiting, "waiting"))
        if count
    ]
    figures = {
        "Learners here": f"{wall.here} of {len(wall.room.members)}",
        "Drawings": f"{wall.drawings:,}",
        "Runs": f"{wall.runs:,}",
        "Best so far": percent(wall.best.accuracy, 1) if wall.best else "–",
    }
    more = ["", "", ", ".join(active), _tell_best(wall, wall.best)]
    columns = st.grid(4, min_column_width=160, key="wall-figures")
    for (label, value), below in zip(figures.items(), more, strict=True):
        with columns.cell(), st.container(gap=None):
            st.metric(label, value)
            st.caption(below or "\u00a0")


def _tell_best(wall: Wall, best: Best | None) -> str:
    if best is None:
        return "No run has finished yet"
    name = plain(wall.room.name_of(best.member))
    bounds = f", {interval(best.interval, 1)}" if best.interval else ""
    of = f"the best of {counted(best.count, 'run')} on the test images of {plain(best.dataset)}"
    return f"{name}{bounds}: {of}"


def _show_drawings(wall: Wall) -> None:
    from digitlab.figures.images import describe_grid

    st.markdown("**Drawings, the newest first**")
    newest = wall.newest
    if not newest:
        st.caption("None yet.")
        return
    show_chart(
        describe_grid(
            np.stack([drawing.image for drawing in newest]),
            columns=8 if wall.challenge else 16,
            tile=64,
        ),
        key="wall:drawings",
        bar=False,
        alt=f"The newest {len(newest)} of {wall.drawings:,} drawings.",
    )


def _show_challenge(wall: Wall) -> None:
    ended = wall.challenge.ended is not None
    st.markdown("**Final leaderboard**" if ended else "**Leaderboard of the challenge**")
    if not wall.ranks:
        st.caption("Nobody has handed in a run yet.")
        return
    show_ranks(wall.room, wall.ranks[:PLACES], key="wall:ranks")
    if len(wall.ranks) > PLACES:
        st.caption(f"The first {PLACES} of {len(wall.ranks)}.")
