"""Connecting to the run store's database, and upgrading tables of an older version."""

from __future__ import annotations

import errno
import logging
import math
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    event,
    inspect,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import QueuePool
from sqlalchemy.schema import CreateIndex, CreateTable, MetaData

from digitlab.errors import StoreError
from digitlab.runs import postgres
from digitlab.runs.restore import restore_runs
from digitlab.runs.schema import Base
from digitlab.settings import read_settings

NEWEST = "0007"
_VERSIONS = "alembic_version"
_FIRST = "0001"  # what a store without a version is
_FOLDER = Path(__file__).parent / "migrations"


def bring_up_to_date(
    engine: Engine, tables: MetaData, fill: Callable[[Connection], object]
) -> None:
    """Make or change the tables where needed; `fill` a store that was empty before.

    Processes that start together do not collide, and one that is ended meanwhile leaves nothing
    half done: all is one transaction that begins by taking the lock. Raises StoreError for a store
    of a later version of digitlab.
    """
    with engine.connect() as connection:
        if _version(connection) == NEWEST:
            return
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif engine.dialect.name == "postgresql":
            postgres.lock(connection, postgres.TABLES)
        version = _version(connection)  # another process may have been first
        if version is None:
            _make(connection, tables)
            fill(connection)
        elif version != NEWEST:
            _upgrade(connection, version)
        connection.commit()


def _version(connection: Connection) -> str | None:
    """The store's version; None for an empty one."""
    names = inspect(connection).get_table_names()
    if _VERSIONS in names:
        return connection.execute(text(f"SELECT version_num FROM {_VERSIONS}")).scalar()
    return _FIRST if "runs" in names else None


def _make(connection: Connection, tables: MetaData) -> None:
    for table in tables.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))
        for index in table.indexes:
            connection.execute(CreateIndex(index, if_not_exists=True))
    _stamp(connection, NEWEST)


def _stamp(connection: Connection, version: str) -> None:
    from alembic.migration import MigrationContext

    context = MigrationContext.configure(connection)
    context._ensure_version_table()
    connection.execute(text(f"DELETE FROM {_VERSIONS}"))
    connection.execute(text(f"INSERT INTO {_VERSIONS} VALUES ('{version}')"))


def _upgrade(connection: Connection, version: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version not in known:
        raise StoreError(
            f"The run store is of a later version of digitlab (store version {version}; "
            f"this one reads up to {NEWEST}). Upgrade digitlab, or set DIGITLAB_HOME to another "
            "folder."
        )
    if version == _FIRST:
        _stamp(connection, _FIRST)
    config.attributes["connection"] = connection
    command.upgrade(config, NEWEST)


BUSY_SECONDS = 15
_DAMAGED = ("not a database", "malformed")  # what SQLite says of a file that it cannot read
_UNWRITABLE = ("readonly database", "disk is full", "disk I/O", "unable to open database file")
_DENIED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT)
_RETRY_SECONDS = 15.0  # until a home that could not be written is tried again
_TOLD_SECONDS = 600.0  # for which a loss is told on the pages
_log = logging.getLogger(__name__)


class _Store(NamedTuple):
    """An open store. `file` are device and inode of SQLite's: one that was deleted is noticed."""

    engine: Engine
    path: Path | None = None
    file: tuple[int, int] | None = None
    in_memory: bool = False
    opened: float = -math.inf


_lock = threading.Lock()
_lost: dict[str, float] = {}  # address of a store that was deleted → when, monotonic


def connect() -> Engine:
    """The engine of the store that the environment names, its tables in their present form.

    A store that is not there is made, with the runs whose folders are; so is one that was deleted
    while it was open. Where the home cannot be written, the store is one in memory, filled from
    the folders: runs can be looked at, and what would be kept ends in a StoreError.

    Raises StoreError where the address is wrong or the database cannot be opened.
    """
    url = read_settings().database_url
    store = _engine(url)
    return store.engine if _holds(store) else _reopen(url, store).engine


def condition() -> str:
    """What visitors should know of the store, in a sentence; "" where all is well."""
    connect()
    url = read_settings().database_url
    if _engine(url).in_memory:
        return (
            "The home folder cannot be written: its disk is full or read-only. Drawings are read "
            "and runs are shown, but nothing new can be kept."
        )
    if time.monotonic() - _lost.get(url, -math.inf) < _TOLD_SECONDS:
        return (
            "The home folder or its run store was deleted while digitlab was running. A new one "
            "was made, with the runs whose folders are left."
        )
    return ""


def _holds(store: _Store) -> bool:
    """Whether the store is still the one that was opened."""
    if store.in_memory:
        return time.monotonic() - store.opened < _RETRY_SECONDS
    return store.path is None or _identify(store.path) == store.file


def _reopen(url: str, store: _Store) -> _Store:
    with _lock:
        if _engine(url) is store:
            store.engine.dispose()
            _engine.cache_clear()
            if not store.in_memory:
                _lost[url] = time.monotonic()
                _log.warning("The run store %s was deleted; it is made anew.", store.path)
        return _engine(url)


def _identify(path: Path) -> tuple[int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino


def rescan() -> dict[str, str]:
    """Take runs into the store whose folders are in the home; those that could not be, and why."""
    with connect().begin() as connection:
        return restore_runs(connection)


@lru_cache(maxsize=8)
def _engine(url: str) -> _Store:
    try:
        try:
            return _open(url)
        except DatabaseError as e:
            if _is_unwritable(e, url):
                return _open_in_memory()
            if not _set_aside(url, reason_of(e)):
                raise
            return _open(url)
        except OSError as e:
            if _is_unwritable(e, url):
                return _open_in_memory()
            raise
    except ArgumentError as e:
        raise StoreError(
            f"DIGITLAB_DATABASE_URL is not a database address: {e}. "
            "An example is sqlite:////data/digitlab.db."
        ) from e
    except (SQLAlchemyError, OSError, ImportError) as e:
        raise StoreError(_explain_opening(url, e)) from e


def _explain_opening(url: str, e: Exception) -> str:
    parsed = postgres.read_address(url)
    if postgres.is_postgres(parsed):
        if isinstance(e, ImportError | NoSuchModuleError):
            return postgres.explain_driver(parsed)
        return postgres.explain(parsed, reason_of(e))
    return (
        f"The run store {parsed.render_as_string(hide_password=True)} cannot be opened "
        f"({reason_of(e)}). Check that the folder is writable, or set DIGITLAB_HOME to one that is."
    )


def explain(e: Exception) -> str:
    """Why the open store did not answer, and what to do."""
    parsed = postgres.read_address(read_settings().database_url)
    if postgres.is_postgres(parsed):
        return postgres.explain(parsed, reason_of(e))
    return (
        f"The run store did not answer ({reason_of(e)}). If it is locked, another program uses "
        "it; if the disk is full, free some space; if it is damaged, move the file away: "
        "digitlab rebuilds it from the runs' folders."
    )


def _is_unwritable(e: Exception, url: str) -> bool:
    """Whether a store in the home could not be opened for its disk is full or read-only."""
    if url != f"sqlite:///{read_settings().home / 'digitlab.db'}":
        return False
    if isinstance(e, OSError):
        return e.errno in _DENIED
    return any(words in reason_of(e) for words in _UNWRITABLE)


def _open_in_memory() -> _Store:
    """A store of this process alone, with the runs whose folders are in the home."""
    name = f"file:digitlab-{time.monotonic_ns()}?mode=memory&cache=shared"

    def open_shared() -> sqlite3.Connection:
        connection = sqlite3.connect(name, uri=True, check_same_thread=False)
        connection.execute("PRAGMA read_uncommitted=ON")  # readers do not wait for a writer
        return connection

    engine = create_engine("sqlite://", creator=open_shared, poolclass=QueuePool)
    bring_up_to_date(engine, Base.metadata, restore_runs)
    _log.warning("The home %s cannot be written: its runs are held in memory", read_settings().home)
    return _Store(engine, in_memory=True, opened=time.monotonic())


def _open(url: str) -> _Store:
    parsed = postgres.read_address(url)
    if postgres.is_postgres(parsed):
        engine = create_engine(parsed, **postgres.engine_options(parsed))
        bring_up_to_date(engine, Base.metadata, restore_runs)
        return _Store(engine)
    sqlite = parsed.get_backend_name() == "sqlite"
    if sqlite and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS} if sqlite else {})
    if sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
    bring_up_to_date(engine, Base.metadata, restore_runs)
    if not sqlite or parsed.database in (None, "", ":memory:"):
        return _Store(engine)
    path = Path(parsed.database)
    return _Store(engine, path, _identify(path))


def _set_aside(url: str, reason: str) -> bool:
    """Rename a damaged file, so that the store is made anew from the runs' folders.

    Whether there is none in the way any more: of two processes one renames it.
    """
    from filelock import FileLock

    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not any(word in reason for word in _DAMAGED):
        return False
    path = Path(parsed.database)
    with FileLock(f"{path}.lock"):
        if _is_damaged(path):
            aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
            path.rename(aside)
            log = path.with_name(f"{path.name}-wal")  # holds what was committed last
            if log.is_file():
                log.rename(f"{aside}-wal")
            path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
            _log.warning("The run store was damaged (%s); it is kept as %s.", reason, aside.name)
    return True


def _is_damaged(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA schema_version").fetchone()
            return connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",)
    except sqlite3.DatabaseError as e:
        return any(word in str(e) for word in _DAMAGED)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """WAL lets pages read while a run writes; FULL keeps a committed epoch through power loss."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _use_wal(cursor: Any) -> None:
    """Turn the write-ahead log on. SQLite does not wait here where another process does the same:
    it says at once that the database is locked."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as e:
            if "locked" not in str(e) or time.monotonic() > end:
                raise
            time.sleep(0.02)


def reason_of(e: Exception) -> str:
    """What the database said, in one line."""
    return " ".join(str(getattr(e, "orig", None) or e).split())[:200]
