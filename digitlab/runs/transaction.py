"""Transactions of the run store, and the locks by which processes count and add one by one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from filelock import FileLock
from sqlalchemy import ColumnElement, Float, cast, func, literal
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from digitlab.errors import StoreError
from digitlab.files import writing
from digitlab.runs import postgres
from digitlab.runs.database import connect, explain
from digitlab.settings import read_settings

PATIENCE_SECONDS = 60.0
RETRY_SECONDS = 0.5
WAIT_SECONDS = 0.05  # until a lock that another holds is tried again


@contextmanager
def transact(*, write: bool = False, counts: bool = False) -> Iterator[Session]:
    """A transaction; while one that `counts` the runs lasts, no other one takes or adds any.

    SQLite lets one process write at a time: a writing transaction takes its lock at once, so that
    reads in it stay true. Elsewhere rows are locked as they are changed.
    """
    try:
        with _connected() as session:
            database = session.get_bind().dialect.name
            if database == "sqlite" and (write or counts):
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            elif database == "postgresql" and counts:
                postgres.lock(session.connection(), postgres.QUEUE)
            yield session
            session.commit()
    except SQLAlchemyError as e:
        raise StoreError(explain(e)) from e


_patience: ContextVar[float] = ContextVar("patience", default=0.0)


@contextmanager
def patient(seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """While this lasts, a Postgres server that is away is waited for, for so many seconds.

    For what a run must write: it goes on when the server was started again.
    """
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


P = ParamSpec("P")
T = TypeVar("T")


def repeatable(access: Callable[P, T]) -> Callable[P, T]:
    """An access that may be made twice: in `patient`, it is made again if its connection is lost.

    Of a write that was lost nobody knows whether the store has it.
    """

    @wraps(access)
    def insist(*arguments: P.args, **settings: P.kwargs) -> T:
        end = time.monotonic() + _patience.get()
        while True:
            try:
                return access(*arguments, **settings)
            except StoreError:
                if time.monotonic() >= end or not postgres.is_chosen():
                    raise
                time.sleep(RETRY_SECONDS)

    return insist


def _connected() -> Session:
    """A session that has its connection, so that nothing of it was done where that fails."""
    end = time.monotonic() + _patience.get()
    while True:
        session = None
        try:
            session = Session(connect())
            session.connection()
            return session
        except (StoreError, SQLAlchemyError):
            if session:
                session.close()
            if time.monotonic() >= end or not postgres.is_chosen():
                raise
            time.sleep(RETRY_SECONDS)


def database_time(session: Session) -> ColumnElement[float]:
    """Seconds since 1970 by the clock of the database, which is one for all its machines."""
    if session.get_bind().dialect.name == "postgresql":
        return cast(func.extract("epoch", func.clock_timestamp()), Float)
    return literal(time.time(), Float)


_alone: dict[str, threading.Lock] = {}  # threads that wait here take no connection meanwhile


@contextmanager
def adding() -> Iterator[None]:
    """While this lasts, nobody else who shares the store adds to what waits."""
    with alone("queue"):
        yield


@contextmanager
def alone(name: str) -> Iterator[None]:
    """While this lasts, nobody else who shares the store does what has this name."""
    engine = connect()
    if engine.dialect.name == "postgresql":
        with _alone.setdefault(name, threading.Lock()), transact() as session:
            postgres.allow_idling(session.connection())
            while not postgres.try_lock(session.connection(), name):
                time.sleep(WAIT_SECONDS)
            yield
        return
    file = engine.url.database  # SQLite's, which several homes may share
    folder = Path(file).parent if file else read_settings().home
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{name}.lock")
    with lock:
        yield
