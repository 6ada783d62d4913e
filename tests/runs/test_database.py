"""Run stores of every released form are brought up to date; lost ones are made from the folders."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

import digitlab as dl
from digitlab.cli import main
from digitlab.errors import StoreError
from digitlab.runs import store
from digitlab.runs.database import NEWEST, _engine, condition, connect, rescan
from digitlab.runs.schema import Base
from tests.conftest import PATIENCE
from tests.runs.earlier_forms import FORMS, upgrade_to

pytestmark = pytest.mark.sqlite

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


@pytest.mark.parametrize("form", FORMS)
def test_a_store_of_every_earlier_form_gets_that_of_a_new_one(database, tmp_path, form):
    add_first_run(database)
    upgrade_to(f"sqlite:///{database}", form)
    assert store.get_record("old-1").name == "Old"
    assert len(store.read_history("old-1")[1]) == 2
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


def test_a_damaged_store_is_set_aside_and_made_anew_from_the_folders(database, train_tiny):
    runs = [train_tiny(name=name, epochs=2) for name in ("one", "first")]
    runs[1] = dl.label_run(runs[1].id, name="two", note="keep this", tags=["best"])
    history = runs[0].history
    database.write_bytes(b"not a database at all")
    for other in database.parent.glob("digitlab.db-*"):
        other.unlink()
    _engine.cache_clear()
    back = {run.record.name: run for run in dl.list_runs(bundled=False)}
    assert [path.read_bytes() for path in database.parent.glob("digitlab.db.damaged-*")] == [
        b"not a database at all"
    ]
    assert set(back) == {"one", "two"}
    assert back["one"].history == history
    assert [back[run.record.name].record for run in runs] == [run.record for run in runs]
    assert back["one"].evaluate("test").accuracy == runs[0].record.test_accuracy


def change_json(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_what_cannot_be_restored_is_named_and_costs_no_other_run(database, train_tiny, capsys):
    runs = [train_tiny(name=name, epochs=2) for name in ("one", "two", "three")]
    change_json(runs[0].folder / "history.json", lambda h: h["epochs"][1].update(train_loss=None))
    change_json(runs[1].folder / "record.json", lambda record: record.update(created="once"))
    for file in database.parent.glob("digitlab.db*"):
        file.unlink()
    _engine.cache_clear()
    assert {run.record.name for run in dl.list_runs(bundled=False)} == {"one", "three"}
    assert [epoch["epoch"] for epoch in dl.open_run(runs[0].id).history.epochs] == [1]

    with pytest.raises(SystemExit, match="0"):
        main(["runs", "--rescan", "--json"])
    assert (
        f"{runs[1].id} could not be taken in: created: Input should be a valid number"
        in capsys.readouterr().err
    )
    change_json(runs[1].folder / "record.json", lambda record: record.update(created=1.5))
    assert rescan() == {}
    assert dl.open_run(runs[1].id).record.name == "two"


def test_a_number_that_no_database_holds_keeps_only_its_run_away(database, train_tiny):
    runs = [train_tiny(name=name) for name in ("one", "two")]
    change_json(runs[0].folder / "history.json", lambda h: h["epochs"][0].update(step=2**70))
    for file in database.parent.glob("digitlab.db*"):
        file.unlink()
    _engine.cache_clear()
    assert [run.id for run in dl.list_runs(bundled=False)] == [runs[1].id]


def test_a_row_that_cannot_be_read_spoils_no_listing(database, train_tiny):
    runs = [train_tiny(name=name) for name in ("one", "two")]
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE runs SET tags = '{' WHERE id = ?", (runs[0].id,))
    connection.close()
    assert [run.id for run in dl.list_runs(bundled=False)] == [runs[1].id]


def test_a_home_that_is_deleted_while_it_is_open_is_made_anew(database, train_tiny):
    run = train_tiny()
    assert condition() == ""
    database.unlink()
    assert [found.id for found in dl.list_runs(bundled=False)] == [run.id]
    shutil.rmtree(database.parent)
    assert dl.list_runs(bundled=False) == []
    assert "was deleted" in condition()
    assert train_tiny().record.status == "finished"


FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # not a byte can be written
import digitlab as dl
from digitlab.runs.database import condition
run = dl.open_run(sys.argv[1])
print(condition()[:33], run.evaluate("test").accuracy == run.record.test_accuracy)
print(len(dl.list_runs()) - len(dl.list_runs(bundled=False)) > 5)
try:
    dl.train("logistic-regression", "optdigits", progress=False)
except dl.DigitlabError as e:
    print("could not be written" in str(e))
"""


def test_where_nothing_can_be_written_runs_are_shown_all_the_same(run_id, start_python):
    out, err = start_python(FULL, run_id).communicate(timeout=PATIENCE)
    assert out == "The home folder cannot be written True\nTrue\nTrue\n", err


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
