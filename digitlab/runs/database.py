"""Bringing a run store's tables to their present form, whichever version of digitlab made them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.schema import CreateIndex, CreateTable, MetaData

from digitlab.errors import StoreError

NEWEST = "0002"
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
            f"The run store is of a later version of digitlab (form {version}; this one knows up "
            f"to {NEWEST}). Upgrade digitlab, or set DIGITLAB_HOME to another folder."
        )
    if version == _FIRST:
        _stamp(connection, _FIRST)
    config.attributes["connection"] = connection
    command.upgrade(config, NEWEST)
