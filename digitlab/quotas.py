"""Quotas: how much a visitor may keep, and all of them together.

Who comes first today has nothing to lose, and may be one person with many cookies. All newcomers
together may so take an eighth of the disk for their runs and an eighth for the rest: others keep
what they have, and room for more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from digitlab.errors import DigitlabError
from digitlab.owners import acting, is_bounded
from digitlab.settings import read_settings
from digitlab.visitors import bytes_of, count_bytes, newcomers, note_things
from digitlab.words import counted, size

NEWCOMERS = 1 / 8  # of DIGITLAB_MAX_DISK
COUNTED_SECONDS = 20.0  # for which a sum over all files is taken to be true


def check_count(what: str, count: int, error: type[DigitlabError]) -> None:
    """`error` where a visitor has `count` things already: "datasets", "collections", … ."""
    most = getattr(read_settings(), f"visitor_{what}")
    if most is not None and is_bounded() and count >= most:
        raise error(
            f"You have {counted(count, what[:-1])}, and no more are allowed here "
            f"(DIGITLAB_VISITOR_{what.upper()}). Delete one first."
        )


def check_disk(runs: int, new: int, error: type[DigitlabError]) -> None:
    """`error` where `new` bytes more are too much for a visitor, or for all of them.

    `runs` are the bytes of the visitor's runs, where they are known.
    """
    if not is_bounded():
        return
    settings = read_settings()
    note_things(acting().owner)
    used = runs + bytes_of(acting().owner)
    if settings.visitor_disk is not None and used + new > settings.visitor_disk:
        raise error(
            f"You keep {size(used)} here, and {size(new)} more are over the "
            f"{size(settings.visitor_disk)} that are allowed (DIGITLAB_VISITOR_DISK). Delete "
            "something first."
        )
    if settings.max_disk is not None and _recent(count_bytes) + new > settings.max_disk:
        raise error(
            f"All visitors together keep {size(_recent(count_bytes))}, and no more than "
            f"{size(settings.max_disk)} are allowed (DIGITLAB_MAX_DISK). Try again tomorrow, or "
            "use digitlab on your own computer."
        )
    check_newcomers(_count_newcomers, new, error)


def check_newcomers(count: Callable[[], int], new: int, error: type[DigitlabError]) -> None:
    """`error` where who acts is new here, and `count` and `new` bytes are too much for all such."""
    most = read_settings().max_disk
    if most is None or acting().owner not in newcomers():
        return
    if _recent(count) + new > NEWCOMERS * most:
        raise error(
            f"All who came first today keep {size(_recent(count))} together, and no more than "
            f"{size(round(NEWCOMERS * most))} are allowed. Try again tomorrow, or use digitlab on "
            "your own computer."
        )


def _count_newcomers() -> int:
    return sum(map(bytes_of, newcomers()))


def _recent(count: Callable[[], int]) -> int:
    """What `count` gave within the last seconds."""
    return _counted(count, read_settings().home, int(time.monotonic() / COUNTED_SECONDS))


@lru_cache(maxsize=8)
def _counted(count: Callable[[], int], _home: Path, _moment: int) -> int:
    return count()
