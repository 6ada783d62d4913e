"""Whose a thing is, and for whom this process acts: a visitor, or the person whose machine it is.

Where visitors are strangers, each has things of their own: runs, architectures, collections and
datasets. What belongs to nobody is everybody's: all may look at it, none of them changes it. A
process that acts for no visitor, such as one started on a terminal, may do everything, and finds
what is everybody's; so it is on a person's own machine.

An owner is named by a digest of what proves who they are: whoever reads the name in the store, or
in a run's files, does not become them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from digitlab.errors import DigitlabError
from digitlab.settings import read_settings

OWNER_NAME = re.compile(r"[0-9a-f]{32}")
TEACHERS, MEMBERS = "teachers", "members"  # in a room's folder: a file for each owner


@dataclass(frozen=True)
class Visitor:
    """Somebody who looks at and changes what is `owner`'s; an `admin` also what is anybody's.

    `keys` are those of links that they were sent: each shows a run of another visitor.
    """

    owner: str
    admin: bool = False
    keys: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not isinstance(self.owner, str) or not OWNER_NAME.fullmatch(self.owner):
            raise DigitlabError(
                f"An owner is named by 32 digits and letters from a to f; not {self.owner!r}."
            )


def owner_of(proof: str) -> str:
    """The name of the owner who knows `proof`, a secret, or has it, a verified address."""
    return hashlib.sha256(proof.encode()).hexdigest()[:32]


_visitor: ContextVar[tuple[Visitor | None] | None] = ContextVar("visitor", default=None)
_find_visitor: Callable[[], Visitor | None] = lambda: None  # noqa: E731


def acting() -> Visitor | None:
    """The visitor for whom this process acts now; None where it may do everything."""
    stated = _visitor.get()
    return stated[0] if stated else _find_visitor()


@contextmanager
def acting_for(visitor: Visitor | str | None) -> Iterator[None]:
    """While this lasts, what is done in this thread is done for a visitor, or an owner's name."""
    token = _visitor.set((Visitor(visitor) if isinstance(visitor, str) else visitor,))
    try:
        yield
    finally:
        _visitor.reset(token)


def acting_in(owner: str | None) -> AbstractContextManager[None]:
    """`acting_for` a process that may do everything, and finds what the owner keeps by its name."""
    return acting_for(Visitor(owner, admin=True) if owner else None)


def ask_for_visitors(find: Callable[[], Visitor | None]) -> None:
    """Let `find` say for whom this process acts, wherever `acting_for` does not."""
    global _find_visitor
    _find_visitor = find


def new_owner() -> str | None:
    """Whose it is what is made now."""
    visitor = acting()
    return visitor.owner if visitor else None


def may_change(owner: str | None) -> bool:
    """Whether what is `owner`'s may be changed now."""
    visitor = acting()
    return visitor is None or visitor.admin or visitor.owner == owner


def may_see(owner: str | None, key: str | None = None) -> bool:
    """Whether what is `owner`'s, and is shared by the `key`, may be looked at now."""
    if owner is None or may_change(owner) or (key is not None and key in acting().keys):
        return True
    return bool(OWNER_NAME.fullmatch(owner)) and teaches(acting().owner, owner)


def rooms() -> Path:
    """The folder of all rooms, in which `classroom` keeps one for each."""
    return read_settings().home / "rooms"


def teaches(teacher: str, learner: str) -> bool:
    """Whether a room has this owner among its teachers and that one among its learners."""
    marks = rooms().glob(f"*/{TEACHERS}/{teacher}")
    return any((mark.parents[1] / MEMBERS / learner).is_file() for mark in marks)


def not_yours(what: str) -> str:
    """What a visitor is told who wants to look at, or change, what is another's."""
    return (
        f"{what} is not yours: only its owner may change it, and only a link that its owner shares "
        "shows it."
    )


def is_bounded() -> bool:
    """Whether quotas bind whoever acts now: a visitor who is no admin."""
    visitor = acting()
    return visitor is not None and not visitor.admin
