"""Who looks at a room: a learner of it, or somebody who teaches it."""

from __future__ import annotations

from typing import NamedTuple

from digitlab.classroom.room import Member, Room


class Viewer(NamedTuple):
    """A room, and the learner who looks at it; None for a teacher."""

    room: Room
    member: Member | None

    @property
    def teaches(self) -> bool:
        return self.member is None
