"""Connecting to the run store's database, and upgrading tables of an older version."""

from __future__ import annotations

import sqlite3
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    event,
    inspect,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable, MetaData

from digitlab.errors import StoreError
from digitlab.runs.schema import Base
from digitlab.settings import read_settings

NEWEST = "0003"
_VERSIONS = "alembic_version"
_FIRST = "0001"  # what a store without a version is
_FOLDER = Path(__file__).parent / "migrations"


def bring_up_to_date(engine: Engine, tables: MetaData) -> bool:
    """Make or change the tables where needed; whether the store was empty before.

    Processes that start together do not collide: all is one transaction that begins by taking the
    lock. Raises StoreError for a store of a later version of digitlab.
    """
    with engine.connect() as connection:
        if _version(connection) == NEWEST:
            return False
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        version = _version(connection)  # another process may have been first
        if version is None:
            _make(connection, tables)
        elif version != NEWEST:
            _upgrade(connection, version)
        connection.commit()
    return version is None


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


def connect() -> Engine:
    """The engine of the store that the environment names, its tables in their present form.

    A store that is not there is made, with the runs whose folders are.

    Raises StoreError where the address is wrong or the database cannot be opened.
    """
    return _engine(read_settings().database_url)


@lru_cache(maxsize=8)
def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        sqlite = parsed.get_backend_name() == "sqlite"
        if sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS} if sqlite else {})
        if sqlite:
            event.listen(engine, "connect", _prepare_sqlite)
        if bring_up_to_date(engine, Base.metadata):
            from digitlab.runs.restore import restore_runs

            restore_runs(engine)
    except ArgumentError as e:
        raise StoreError(
            f"DIGITLAB_DATABASE_URL is not a database address: {e}. "
            "An example is sqlite:////data/digitlab.db."
        ) from e
    except (SQLAlchemyError, OSError, ImportError) as e:
        raise StoreError(
            f"The run store {_without_password(url)} cannot be opened ({reason_of(e)}). Check that "
            "the folder is writable, or set DIGITLAB_HOME to one that is; a damaged file can be "
            "moved away, and digitlab makes a new one from the runs' folders."
        ) from e
    return engine


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


def _without_password(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "(unreadable address)"


def reason_of(e: Exception) -> str:
    """What the database said, in one line."""
    return " ".join(str(getattr(e, "orig", None) or e).split())[:200]
