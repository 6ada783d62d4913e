"""What an admin does with what visitors keep: sees it, deletes it, makes it everybody's.

For runs see `runs.edit`, whose functions let an admin change those of anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from digitlab import owners, visitors
from digitlab.data import collections, own
from digitlab.errors import DigitlabError
from digitlab.files import writing
from digitlab.models import library
from digitlab.settings import read_settings

KINDS = {
    own.FOLDER: "Dataset",
    collections.FOLDER: "Collection",
    library.KIND: "Architecture",
}
_DELETE: dict[str, Callable[[str], None]] = {
    own.FOLDER: own.delete_dataset,
    collections.FOLDER: collections.remove_collection,
    library.KIND: library.delete_saved,
}


class Thing(NamedTuple):
    """A dataset, collection or architecture (a key of `KINDS`) that a visitor keeps."""

    owner: str
    kind: str
    name: str
    bytes: int

    @property
    def path(self) -> Path:
        ending = ".yaml" * (self.kind == library.KIND)
        return visitors.root() / self.owner / self.kind / f"{self.name}{ending}"


def list_things() -> list[Thing]:
    """What all visitors keep beside their runs, the largest first."""
    _check_admin()
    things = []
    for owner in visitors.last_visits():
        for kind in KINDS:
            for path in (visitors.root() / owner / kind).glob("[!.]*"):
                size = visitors.bytes_in(path) if path.is_dir() else path.stat().st_size
                things.append(Thing(owner, kind, path.stem, size))
    return sorted(things, key=lambda thing: -thing.bytes)


def publish_thing(thing: Thing) -> None:
    """Make it everybody's: all may use it, and only an admin can change it.

    DigitlabError where everybody has one of that name.
    """
    _check_admin()
    target = read_settings().home / thing.kind / thing.path.name
    if target.exists():
        raise DigitlabError(
            f"There is {KINDS[thing.kind].lower()} {thing.name} for everybody already: delete or "
            "rename that one first."
        )
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        thing.path.rename(target)


def delete_thing(thing: Thing) -> None:
    """Delete it for good; raises as what deletes one of that kind does."""
    _check_admin()
    with owners.acting_for(thing.owner):
        _DELETE[thing.kind](thing.name)


def _check_admin() -> None:
    if not owners.may_change(None):
        raise DigitlabError("Only an admin looks at and changes what other visitors keep.")
