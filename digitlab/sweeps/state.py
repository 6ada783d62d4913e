"""`SweepState`: what the store holds of a sweep that its runs do not know, for all machines."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Engine, insert, select, update

from digitlab import files, owners, visitors
from digitlab.errors import ConfigError, DigitlabError, RunError, RunNotFoundError, StoreError
from digitlab.runs.database import connect
from digitlab.runs.record import check_run_id
from digitlab.runs.schema import SweepRow
from digitlab.runs.transaction import transact
from digitlab.settings import read_settings
from digitlab.sweeps.search import Search

_FOLDER = "sweeps"  # of their files
_LOST = "The run store was lost."  # why one that comes from its file does not go on
_GOES_ON = (SweepRow.stopped == "", SweepRow.ended.is_(False))


@dataclass(frozen=True)
class SweepState:
    """What is searched, and whether it goes on.

    `stopped` says why it does not, "" where it does; `ended` that all was done.
    """

    id: str
    search: Search
    stopped: str = ""
    ended: bool = False

    @property
    def is_open(self) -> bool:
        """Whether something of it is still to be done, and may be."""
        return not self.stopped and not self.ended


def add_state(sweep_id: str, search: Search) -> None:
    """Remember a new sweep, as one of whoever acts now."""
    owner = owners.new_owner()
    if owner is not None:
        visitors.note_things(owner)
    row = {"id": sweep_id, "created": time.time(), "search": search.model_dump()}
    with transact(write=True) as session:
        session.execute(insert(SweepRow).values(**row, owner=owner, stopped="", ended=False))
    _keep_copy(row)


def find_state(sweep_id: str) -> SweepState | None:
    """What is known of a sweep that may be looked at; None for runs that were queued together.

    ConfigError where its search is none that may be.
    """
    _take_in_files(read_settings().home, connect())
    with transact() as session:
        row = session.get(SweepRow, sweep_id)
        if row is None or not (row.owner is None or owners.may_change(row.owner)):
            return None
        try:
            return SweepState(row.id, Search(**row.search), row.stopped, row.ended)
        except (ConfigError, TypeError) as e:
            raise ConfigError(f"The sweep {row.id} is damaged: {e} Start it anew.") from e


def get_state(sweep_id: str) -> SweepState:
    """What is known of a sweep; RunNotFoundError where there is none of that id."""
    state = find_state(sweep_id)
    if state is None:
        raise RunNotFoundError(f"There is no sweep {sweep_id!r}, or it is not yours.")
    return state


def change_state(sweep_id: str, **values: object) -> None:
    """Change whether a sweep goes on; RunError where it is not yours."""
    with transact(write=True) as session:
        owner = session.scalar(select(SweepRow.owner).where(SweepRow.id == sweep_id))
        if not owners.may_change(owner):
            raise RunError(owners.not_yours(f"Sweep {sweep_id}"))
        session.execute(update(SweepRow).where(SweepRow.id == sweep_id).values(**values))


def list_open() -> list[tuple[str | None, str]]:
    """The owner and the id of each sweep that is to go on, whoever it belongs to; oldest first."""
    _take_in_files(read_settings().home, connect())
    query = select(SweepRow.owner, SweepRow.id).where(*_GOES_ON).order_by(SweepRow.created)
    with transact() as session:
        return [(owner, sweep_id) for owner, sweep_id in session.execute(query)]


# ---- files in the home --------------------------------------------------------------------------


def _keep_copy(row: dict[str, object]) -> None:
    """Write a new sweep to the home, too: its runs are there, should the store be lost."""
    with contextlib.suppress(StoreError):  # a full disk: the store has it
        place = visitors.find_new(_FOLDER, f"{row['id']}.json")
        files.write_json(place, {**row, "stopped": _LOST, "ended": False})


@lru_cache(maxsize=8)
def _take_in_files(home: Path, _engine: Engine) -> None:
    """Put sweeps into a store, once, that are only in the home's files: of a store that was lost,
    or of an earlier version, which kept sweeps nowhere else. Damaged ones stay where they are.
    """
    places = [(None, path) for path in (home / _FOLDER).glob("*.json")]
    places += [
        (path.parents[1].name, path)
        for path in (home / "visitors").glob(f"*/{_FOLDER}/*.json")
        if owners.OWNER_NAME.fullmatch(path.parents[1].name)
    ]
    with transact() as session:
        known = set(session.scalars(select(SweepRow.id))) if places else set()
    for owner, path in places:
        if path.stem not in known:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, DigitlabError):
                document = json.loads(path.read_bytes())
                sweep_id = check_run_id(path.stem)
                Search(**document["search"])
                row = {name: document[name] for name in ("created", "search", "stopped", "ended")}
                with transact(write=True) as session:
                    session.execute(insert(SweepRow).values(id=sweep_id, **row, owner=owner))
