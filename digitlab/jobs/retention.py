"""What visitors left behind goes: what nobody touched for long, and before the disk is full.

A visitor's things are touched by each visit. Who was not here for DIGITLAB_KEEP_DAYS loses them.
Where all visitors together come near DIGITLAB_MAX_DISK, first those go whose owner never came back
on another day, of whom was here longest ago; then the rooms that nobody used within a day; then
what belongs to whoever came back, of whom came first most recently. Data, drawings and
architectures go first, runs last.

So whoever came back loses nothing to what others make who came later, with however many cookies.
Those who first came within a day keep everything; `quotas` bounds what they take together. What is
everybody's stays.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping

from digitlab import owners, visitors
from digitlab.classroom.room import Room, RoomError, list_rooms, remove_leftovers
from digitlab.classroom.teachers import teachers_of
from digitlab.errors import DigitlabError
from digitlab.jobs.room_runs import end_room
from digitlab.runs import store
from digitlab.runs.edit import delete_run
from digitlab.settings import read_settings
from digitlab.visitors import DAY

FULL = 0.9  # of DIGITLAB_MAX_DISK
_log = logging.getLogger(__name__)


def clear_rooms() -> None:
    """End the rooms whose learners and teachers were not here for `DIGITLAB_KEEP_DAYS`."""
    remove_leftovers()
    days = read_settings().keep_days
    with owners.acting_for(None):
        for code in _idle_rooms(days) if days is not None else ():
            _end(code)


def _idle_rooms(days: float) -> list[str]:
    """The codes of the rooms that nobody used for so many days, that of longest ago first."""
    last = {room.code: _last_use(room) for room in list_rooms()}
    return [code for code in sorted(last, key=last.get) if time.time() - last[code] > days * DAY]


def _last_use(room: Room) -> float:
    """When a learner was in a room last or a teacher of it was here, seconds since 1970."""
    learners = (member.seen for member in room.members)
    return max([room.opened, *learners, *map(visitors.last_visit, teachers_of(room.code))])


def _end(code: str) -> None:
    with contextlib.suppress(RoomError):  # its teacher has just ended it
        end_room(code)


@owners.acting_for(None)
def clear() -> list[str]:
    """Delete what is to go now; the names of owners who lost everything.

    No run that waits or trains goes.
    """
    clear_rooms()
    settings, now = read_settings(), time.time()
    visits = visitors.last_visits()
    days = math.inf if settings.keep_days is None else settings.keep_days
    gone = [owner for owner, when in visits.items() if now - when > days * DAY]
    for owner in gone:
        _delete_runs(owner)
        visitors.remove_folder(owner)
        del visits[owner]
    others, *returned = map(_deletions, _order(visits))
    rooms = ((_end, code) for code in _idle_rooms(1))
    for delete, name in itertools.chain(others, rooms, *returned):
        if not is_filling_up():
            return gone
        delete(name)
    return gone


def _deletions(group: list[str]) -> Iterable[tuple[Callable[[str], None], str]]:
    """What deletes all things of these owners, then their runs."""
    return itertools.product((visitors.remove_things, _delete_runs), group)


def _order(visits: Mapping[str, float]) -> list[list[str]]:
    """Whose things go first where the disk fills up, without those who first came within a day.

    Of a group all things go before the first run.
    """
    firsts = {owner: visitors.first_visit(owner) for owner in visits}
    returned = [owner for owner, when in visits.items() if when - firsts[owner] > DAY]
    newcomers = visitors.newcomers()
    others = [owner for owner in visits if owner not in returned and owner not in newcomers]
    return [others, *([owner] for owner in sorted(returned, key=lambda owner: -firsts[owner]))]


def is_filling_up() -> bool:
    """Whether the disk is so full that what visitors made goes."""
    most = read_settings().max_disk
    return most is not None and visitors.count_bytes() >= FULL * most


def _delete_runs(owner: str) -> None:
    store.remove_sweeps(owner)  # one that went on would train anew what is deleted
    with owners.acting_for(owner):
        for record in store.list_records():
            if record.changeable and not record.active:
                try:
                    delete_run(record.id)
                except DigitlabError as e:
                    _log.warning("Run %s could not be deleted: %s", record.id, e)
