"""The sections of a room: itself, the class's drawings, the challenge and the wall."""

from __future__ import annotations

from digitlab.ui.classroom import challenge, class_set, wall
from digitlab.ui.classroom.learner import show_learner
from digitlab.ui.classroom.teacher import show_teacher
from digitlab.ui.classroom.viewer import Viewer
from digitlab.ui.sections import Section, show_open


def show_sections(viewer: Viewer) -> None:
    """The tabs, of which the URL says which one is open, and what is in it."""
    show_open(SECTIONS, viewer)


def _show_room(viewer: Viewer) -> None:
    if viewer.member:
        show_learner(viewer.room, viewer.member)
    else:
        show_teacher(viewer.room)


SECTIONS: tuple[Section, ...] = (
    Section("room", "Room", _show_room, params=("learner",)),
    Section("drawings", "Class set", class_set.show, params=("drawing", "writers")),
    Section("challenge", "Challenge", challenge.show),
    Section("wall", "Wall", wall.show),
)
