"""A run's lease: the process that carries it out renews it in the store for as long as it lives.

A lease ends by the database's clock. On the machine and in the runs' folder where it was taken, the
run's lock tells sooner, and whatever the clock says, whether its process lives; from elsewhere the
lease is all there is to see. A process whose lease went to another writes nothing more.
"""

from __future__ import annotations

import contextlib
import os
import platform
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from sqlalchemy import ColumnElement, Float, cast, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from digitlab.errors import LeaseLostError, StoreError
from digitlab.runs import run_folder, storage
from digitlab.runs.schema import LeaseRow, RunRow
from digitlab.runs.transaction import database_time, transact
from digitlab.settings import read_settings

SECONDS = 30.0  # for which a lease is good
BEAT_SECONDS = 2.0  # how often it is renewed, and requests from other machines are seen
Request = Literal["stop", "pause"]
_claimed: dict[str, Lease] = {}  # by run id: what this process is about to carry out
_held: dict[str, Lease] = {}  # what it carries out


class Lease:
    """The lease of a run that this process carries out, or is about to."""

    def __init__(self, run_id: str, *, new: bool = False) -> None:
        """Of a run that begins, if it is `new`, or goes on."""
        self.run_id, self.new = run_id, new
        self.holder = secrets.token_hex(8)
        self.request: str | None = None  # what another machine asks of the run
        self.lost = self.given_up = False
        self.known = time.monotonic()  # when the store said last that it is this process's
        self._ended = threading.Event()

    def take(self, session: Session) -> None:
        """Take the lease, whoever had it: the caller knows that the run is this process's."""
        with contextlib.suppress(OSError):  # so that the place is known from now on
            read_settings().runs.mkdir(parents=True, exist_ok=True)
        session.execute(delete(LeaseRow).where(LeaseRow.run_id == self.run_id))
        session.execute(
            insert(LeaseRow).values(
                run_id=self.run_id,
                holder=self.holder,
                host=platform.node()[:200],
                process=os.getpid(),
                place=_place(),
                expires=database_time(session) + SECONDS,
            )
        )

    def check(self, session: Session) -> None:
        """LeaseLostError where another process has the lease, or the run was ended.

        One that nobody has is taken again: the store was made anew, or the run was taken for dead.
        """
        now = time.monotonic()
        columns = (LeaseRow.holder, LeaseRow.request)
        query = select(*columns).where(LeaseRow.run_id == self.run_id).with_for_update()
        row = session.execute(query).first()
        if row and row.holder == self.holder:
            self.request, self.known = row.request, now
            return
        status = session.scalar(select(RunRow.status).where(RunRow.id == self.run_id))
        if status is None:  # a store that lost the run: whoever carries it out puts it there again
            return
        if row or status not in ("running", "interrupted"):
            self.lost = True
            self.fail_if_lost()
        back = {"status": "running", "ended": None, "message": ""}
        session.execute(update(RunRow).where(RunRow.id == self.run_id).values(**back))
        self.take(session)

    def renew(self) -> None:
        """Let the lease last from now on; raises as `check` does, and StoreError."""
        with transact(write=True) as session:
            self.check(session)
            session.execute(
                update(LeaseRow)
                .where(LeaseRow.run_id == self.run_id, LeaseRow.holder == self.holder)
                .values(expires=database_time(session) + SECONDS)
            )

    def fail_if_lost(self) -> None:
        """LeaseLostError where it is known that another process has the lease."""
        if self.lost:
            raise LeaseLostError(
                f"Run {self.run_id} was ended, or is carried out by another process by now: this "
                "one writes nothing more.",
                run_id=self.run_id,
            )

    def _beat(self) -> None:
        while not self.lost and not self._ended.wait(BEAT_SECONDS) and not self.given_up:
            with contextlib.suppress(StoreError, LeaseLostError):
                self.renew()

    def give_up(self, session: Session) -> None:
        """Let nobody have the lease."""
        mine = (LeaseRow.run_id == self.run_id, LeaseRow.holder == self.holder)
        session.execute(delete(LeaseRow).where(*mine))
        self.given_up = True

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """While this lasts, the lease is renewed and the run's lock is held."""
        _held[self.run_id] = self
        beat = threading.Thread(target=self._beat, name=f"lease {self.run_id}", daemon=True)
        beat.start()
        try:
            with run_folder.run_lock(self.run_id):
                folder = read_settings().runs / self.run_id
                storage.begin(self.run_id, folder, new=self.new)
                yield
        finally:
            storage.finish(self.run_id)
            self._ended.set()
            beat.join()
            del _held[self.run_id]
            if not self.given_up:
                with contextlib.suppress(StoreError), transact(write=True) as session:
                    self.give_up(session)


def claim(session: Session, run_id: str, *, new: bool = False) -> None:
    """Take the lease of a run that this process claimed or made, in the same transaction."""
    _claimed[run_id] = Lease(run_id, new=new)
    _claimed[run_id].take(session)


@contextlib.contextmanager
def holding(run_id: str) -> Iterator[None]:
    """Hold the lease and the lock of a run that this process claimed or made, while this lasts.

    StorageError where the run's files are in a bucket that cannot be read.
    """
    if run_id not in _claimed:
        with transact(write=True) as session:
            claim(session, run_id)
    with _claimed.pop(run_id).hold():
        yield


def guard(session: Session, run_id: str) -> None:
    """LeaseLostError where this process carried the run out, and another has its lease by now.

    Asked in the transaction that writes: a machine that slept through its lease writes nothing.
    """
    lease = _held.get(run_id)
    if lease and not lease.given_up:
        lease.fail_if_lost()
        lease.check(session)


def give_up(session: Session, run_id: str) -> None:
    """Let nobody have the lease of a run that this process has ended, in the same transaction."""
    lease = _held.get(run_id)
    if lease is None:
        return
    holder = session.scalar(select(LeaseRow.holder).where(LeaseRow.run_id == run_id))
    if holder or not lease.given_up:  # else it is asked again, as the answer was lost
        lease.check(session)
        lease.give_up(session)


def check(run_id: str) -> None:
    """LeaseLostError where another process has the run by now, before its files are written.

    StoreError where the store is away, and has been for so long that the lease may have ended.
    """
    if run_id not in _held:
        return
    try:
        with transact(write=True) as session:
            _held[run_id].check(session)
    except StoreError:
        if time.monotonic() - _held[run_id].known > SECONDS:
            raise


def read_request(run_id: str) -> str | None:
    """What another machine asks of a run that this process carries out; LeaseLostError if lost."""
    lease = _held.get(run_id)
    if lease is None:
        return None
    lease.fail_if_lost()
    return lease.request


@dataclass(frozen=True)
class Held:
    """A lease as others see it: by which process of which host, and whether it is good still.

    `here`: it was taken on this machine and in these runs' folder, so that the lock is the proof.
    """

    holder: str
    host: str
    process: int
    expires: float
    here: bool
    good: bool


def list_held() -> dict[str, Held]:
    """The leases of all runs, by the runs' ids."""
    place = _place()
    columns = (LeaseRow.holder, LeaseRow.host, LeaseRow.process, LeaseRow.expires)
    with transact() as session:
        now = database_time(session)
        # A clock that was set back makes no lease last longer than one that is renewed now.
        good = (LeaseRow.expires > now) & (LeaseRow.expires < now + 2 * SECONDS)
        proven = (LeaseRow.place == place, good | _has_just_started(session))
        rows = session.execute(select(LeaseRow.run_id, *columns, *proven))
        return {run_id: Held(*values) for run_id, *values in rows}


def _has_just_started(session: Session) -> ColumnElement[bool]:
    """Whether nobody could renew a lease until a moment ago, as the server was not there."""
    if session.get_bind().dialect.name != "postgresql":
        return literal(False)
    age = func.clock_timestamp() - func.pg_postmaster_start_time()
    return cast(func.extract("epoch", age), Float) < SECONDS


def is_held(run_id: str) -> bool:
    """Whether some process carries out the run now, or still has to do with it."""
    if run_folder.is_alive(run_id):
        return True
    held = list_held().get(run_id)
    return held is not None and not held.here and held.good


def end(run_id: str, seen: Held | None, **values: object) -> bool:
    """Mark a run as interrupted, or as the `values` say, if its lease is still the one that was
    seen, or it has none as before; whether it was."""
    with transact(write=True) as session:
        if seen:
            same = (LeaseRow.holder == seen.holder, LeaseRow.expires <= seen.expires)
            gone = session.execute(delete(LeaseRow).where(LeaseRow.run_id == run_id, *same))
            if not gone.rowcount:
                return False
        # It may have waited for a moment, without a lease, and go on by now.
        taken = select(LeaseRow).where(LeaseRow.run_id == run_id).exists()
        running = (RunRow.id == run_id, RunRow.status == "running", ~taken)
        changed = session.execute(
            update(RunRow).where(*running).values(**{"status": "interrupted", **values})
        )
        return changed.rowcount == 1


def ask(run_id: str, request: Request) -> None:
    """Ask the process that carries out the run, wherever it is, to stop or to pause."""
    held = list_held().get(run_id)
    if held is None or held.here:
        (run_folder.request_stop if request == "stop" else run_folder.request_pause)(run_id)
        return
    with transact(write=True) as session:
        session.execute(update(LeaseRow).where(LeaseRow.run_id == run_id).values(request=request))


def _place() -> str:
    """This machine, as long as it is not started anew, and its runs' folder."""
    folder = read_settings().runs
    try:
        about = folder.stat()
    except OSError:
        return f"{_machine()}:{folder}"
    return f"{_machine()}:{about.st_dev}:{about.st_ino}"


@lru_cache(maxsize=1)
def _machine() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return platform.node()
