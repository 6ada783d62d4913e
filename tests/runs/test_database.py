"""Run stores of every released form are brought up to date; lost ones are made from the folders."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

import digitlab as dl
from digitlab.errors import StoreError
from digitlab.runs import store
from digitlab.runs.database import NEWEST, _engine, connect
from digitlab.runs.schema import Base

FIRST = (Path(__file__).parent / "first_tables.sql").read_text()


@pytest.fixture
def database(home):
    """The path of this home's store, which is not there yet."""
    home.mkdir(parents=True, exist_ok=True)
    _engine.cache_clear()
    yield home / "digitlab.db"
    _engine.cache_clear()


def shape(path):
    """Every table's columns: name, type, whether it must not be null, default."""
    with sqlite3.connect(path) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
        tables = [name for name in names if name in Base.metadata.tables]
        return {
            table: sorted(row[1:] for row in connection.execute(f"PRAGMA table_info({table})"))
            for table in tables
        }


def add_first_run(path):
    with sqlite3.connect(path) as connection:
        connection.executescript(FIRST)
        connection.execute(
            "INSERT INTO runs (id, name, model, dataset, status, executor, spec, config, data, "
            "environment, normalization, parameters, seed, created, epochs, epochs_done, step, "
            "total_steps, message) VALUES ('old-1', 'Old', 'm', 'optdigits', 'finished', "
            "'foreground', '{}', '{}', '{}', '{}', '{}', 1, 0, 1.5, 2, 2, 8, 8, '')"
        )
        for epoch in (1, 2):
            connection.execute(
                "INSERT INTO epochs VALUES ('old-1', ?, 4, 0.5, 0.9, 0.4, 0.9, 0.001, 1.0, 1)",
                (epoch,),
            )
    connection.close()


def test_a_store_of_the_first_release_keeps_its_runs_and_gets_the_new_columns(database):
    add_first_run(database)
    record = store.get_record("old-1")
    assert (record.name, record.note, record.tags, record.parent) == ("Old", "", [], None)
    _, epochs = store.read_history("old-1")
    assert [(row["epoch"], row["test_accuracy"]) for row in epochs] == [(1, None), (2, None)]
    store.update_run("old-1", note="kept")
    assert store.get_record("old-1").note == "kept"


def test_an_upgraded_store_has_the_form_of_a_new_one(database, tmp_path):
    add_first_run(database)
    connect()
    upgraded = shape(database)
    database.unlink()
    for other in database.parent.glob("digitlab.db-*"):
        other.unlink()
    _engine.cache_clear()
    connect()
    new = shape(database)
    assert {t: [c[0] for c in columns] for t, columns in upgraded.items()} == {
        t: [c[0] for c in columns] for t, columns in new.items()
    }
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            (NEWEST,)
        ]


def test_a_store_of_a_later_version_is_refused_and_left_alone(database):
    add_first_run(database)
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    before = shape(database)
    with pytest.raises(StoreError, match=r"later version of digitlab.*Upgrade"):
        store.list_records()
    assert shape(database) == before


def test_processes_that_start_together_upgrade_once(database, start_together):
    add_first_run(database)
    code = (
        "from digitlab.runs import store\nready()\n"
        "print(store.get_record('old-1').note == '', flush=True)\n"
    )
    for process in start_together(code, [()] * 3):
        assert process.stdout.readline() == "True\n", process.stderr.read()


def test_a_lost_store_is_made_anew_from_the_folders(database, train_tiny):
    runs = [train_tiny(name=name, epochs=2) for name in ("one", "two")]
    history = runs[0].history
    database.write_bytes(b"not a database at all")
    for other in database.parent.glob("digitlab.db-*"):
        other.unlink()
    _engine.cache_clear()
    with pytest.raises(StoreError, match="moved away"):
        store.list_records()
    database.rename(database.with_suffix(".broken"))
    back = {run.record.name: run for run in dl.list_runs(bundled=False)}
    assert set(back) == {"one", "two"}
    assert back["one"].history == history
    assert back["one"].record == runs[0].record
    assert back["one"].evaluate("test").accuracy == runs[0].record.test_accuracy


def test_folders_that_hold_something_else_are_left_alone(database, train_tiny, home):
    run = train_tiny()
    (home / "runs" / "stranger").mkdir()
    (home / "runs" / "stranger" / "record.json").write_text('{"id": "other"}')
    (home / "runs" / "broken").mkdir()
    (home / "runs" / "broken" / "record.json").write_text("{")
    for file in database.parent.glob("digitlab.db*"):
        file.unlink()
    _engine.cache_clear()
    assert [run.id for run in dl.list_runs(bundled=False)] == [run.id]
