"""Postgres as the run store: its address, its errors, its migrations, and several homes on it."""

from __future__ import annotations

import itertools
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

import digitlab as dl
from digitlab import owners
from digitlab.errors import RunError, StoreError
from digitlab.jobs import queue
from digitlab.runs import postgres as server
from digitlab.runs import store, transaction
from digitlab.runs.database import NEWEST, connect
from digitlab.runs.schema import Base
from digitlab.runs.transaction import alone, patient
from digitlab.training.events import StepsDone
from tests.runs.earlier_forms import FORMS, upgrade_to

FIRST = (Path(__file__).parent / "first_tables.sql").read_text()


@pytest.fixture
def database(postgres, monkeypatch):
    """The address of a new database, which this test's runs are in."""
    address = postgres.new_database()
    monkeypatch.setenv("DIGITLAB_DATABASE_URL", address)
    yield address
    connect().dispose()
    postgres.drop(address)


def test_an_address_of_any_usual_form_is_taken(database, add_record, monkeypatch):
    run_id = add_record().id
    for form in ("postgres://", "postgresql+psycopg://"):
        other = database.replace("postgresql://", form)
        monkeypatch.setenv("DIGITLAB_DATABASE_URL", other)
        assert store.get_record(run_id).id == run_id
        connect().dispose()
    monkeypatch.setenv("DIGITLAB_DATABASE_URL", database)


@pytest.mark.parametrize(
    ("part", "value", "meaning"),
    [
        ("password", "wrong", "refuses the user or the password"),
        ("database", "nosuch", "no database of this name: `createdb`"),
        ("port", 1, "nothing listens there"),
        ("host", "nosuch.invalid", "no such host"),
    ],
)
def test_a_server_that_cannot_be_used_is_one_clear_error(
    postgres, monkeypatch, part, value, meaning
):
    url = make_url(postgres.address("postgres")).set(**{part: value})
    monkeypatch.setenv("DIGITLAB_DATABASE_URL", url.render_as_string(hide_password=False))
    with pytest.raises(StoreError, match=rf"The Postgres server .*{meaning}.*Nothing is lost") as e:
        store.list_records()
    assert url.password not in str(e.value)


def test_a_user_without_rights_is_told_which_to_ask_for(postgres, database, monkeypatch):
    postgres.execute("CREATE ROLE guest LOGIN PASSWORD 'of guests'")
    name = database.rsplit("/", 1)[1]
    theirs = postgres.address(name, "guest", "of guests")
    for asked in ("schema public", "table"):
        monkeypatch.setenv("DIGITLAB_DATABASE_URL", theirs)
        with pytest.raises(StoreError, match=rf"permission denied for {asked}.*") as e:
            store.list_records()
        assert "GRANT ALL ON SCHEMA public, and on ALL TABLES" in str(e.value)
        monkeypatch.setenv("DIGITLAB_DATABASE_URL", database)
        assert store.list_records() == []  # the tables are made, by their owner
    postgres.execute("DROP ROLE guest")


def test_a_missing_driver_is_named(monkeypatch):
    monkeypatch.setenv("DIGITLAB_DATABASE_URL", "postgresql://u:secret@localhost/x")
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as where it is not installed
    with pytest.raises(StoreError, match=r"psycopg.*not installed.*pip install 'psycopg\[") as e:
        store.list_records()
    assert "secret" not in str(e.value)


@pytest.mark.parametrize("form", FORMS)
def test_a_store_of_every_earlier_form_keeps_its_runs(postgres, database, form):
    import psycopg

    with psycopg.connect(database) as connection:
        connection.execute(FIRST.replace("DOUBLE", "DOUBLE PRECISION"))
        connection.execute(
            "INSERT INTO runs (id, name, model, dataset, status, executor, spec, config, data, "
            "environment, normalization, parameters, seed, created, epochs, epochs_done, step, "
            "total_steps, message) VALUES ('old-1', 'Old', 'm', 'optdigits', 'finished', "
            "'foreground', '{}', '{}', '{}', '{}', '{}', 1, 0, 1.5, 2, 2, 8, 8, '')"
        )
    upgrade_to(database, form)
    record = store.get_record("old-1")
    assert (record.name, record.note, record.tags) == ("Old", "", [])
    store.update_run("old-1", parameters=2**40, step=2**40)
    store.append_history("old-1", [StepsDone(2**40, 1.0, 0.5, 0.4, 0.6, 0.01, None, 1e3)], [])
    assert store.get_record("old-1").parameters == 2**40
    assert store.read_history("old-1")[0][0]["step"] == 2**40
    upgraded = shape(database)
    connect().dispose()
    other = postgres.new_database()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITLAB_DATABASE_URL", other)
        connect().dispose()
        assert shape(other) == upgraded
    postgres.drop(other)


def shape(address):
    """Every table's columns and indices, and the version."""
    import psycopg

    with psycopg.connect(address) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable FROM "
            "information_schema.columns WHERE table_schema = 'public'"
        ).fetchall()
        indices = connection.execute(
            "SELECT tablename, indexname FROM pg_indexes WHERE schemaname = 'public'"
        ).fetchall()
        version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert version == (NEWEST,)
    assert {table for table, *_ in columns} >= set(Base.metadata.tables)
    return sorted(columns), sorted(indices)


def test_a_lost_connection_is_made_anew_and_a_server_that_starts_is_waited_for(
    postgres, database, add_record
):
    run_id = add_record(status="running").id
    postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'runs%'"
    )
    assert store.get_record(run_id).status == "running"
    postgres.stop()
    try:
        began = time.monotonic()
        with pytest.raises(StoreError, match="Nothing is lost"):
            store.get_record(run_id)
        with patient(0.7), pytest.raises(StoreError):
            store.get_record(run_id)
        assert time.monotonic() - began >= 0.7
    finally:
        postgres.start()
    with patient():
        store.update_run(run_id, step=5)
    assert store.get_record(run_id).step == 5


def test_what_is_done_alone_may_take_longer_than_others_may_idle(postgres, database, monkeypatch):
    limits, try_lock = [], server.try_lock

    def look(connection, name):
        limits.append(connection.scalar(text("SHOW idle_in_transaction_session_timeout")))
        return try_lock(connection, name)

    monkeypatch.setattr(server, "try_lock", look)
    with alone("sweep-1"), transaction.transact() as session:
        limits.append(session.scalar(text("SHOW idle_in_transaction_session_timeout")))
    assert limits == ["15min", "1min"]


TRAIN = """
import os, sys
os.environ["DIGITLAB_HOME"] = sys.argv[1]
import digitlab as dl
from digitlab.execution.recorder import Recorder
def first(event):
    if type(event).__name__ == "EpochDone" and event.epoch == 2:
        print("learning", flush=True)
        sys.stdin.readline()
config = dl.TrainConfig(epochs=6, batch_size=32, learning_rate=0.01, device="cpu")
run = dl.train("logistic-regression", "optdigits", config, progress=False, on_event=first)
print(run.id, run.record.status, flush=True)
"""


def test_a_run_goes_on_while_the_server_is_started_again(postgres, database, home, start_python):
    process = start_python(TRAIN, home)
    assert process.stdout.readline() == "learning\n", process.stderr.read()
    postgres.stop()
    process.stdin.write("\n")
    process.stdin.flush()
    time.sleep(1)  # it meets a server that is away
    postgres.start()
    run_id, status = process.stdout.readline().split()
    assert status == "finished", process.stderr.read()
    run = dl.open_run(run_id)
    assert [epoch["epoch"] for epoch in run.history.epochs] == list(range(1, 7))
    steps = [row["step"] for row in run.history.steps]
    assert steps == sorted(set(steps))
    assert steps[-1] == run.record.step == run.record.total_steps


@pytest.mark.parametrize("written", [False, True], ids=["before it is written", "after that"])
def test_a_run_is_written_whole_whose_connections_are_lost_as_it_writes(
    written, postgres, database, optdigits, monkeypatch
):
    commit, commits = transaction.Session.commit, itertools.count(1)

    def lose_every_third(session):
        lost = next(commits) % 3 == 0
        if lost and written:
            commit(session)
            raise OperationalError("COMMIT", {}, Exception("the connection was lost"))
        if lost:
            postgres.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'runs%'"
            )
        commit(session)

    def begin(_event):
        monkeypatch.setattr(transaction.Session, "commit", lose_every_third)

    monkeypatch.setattr(transaction, "RETRY_SECONDS", 0.0)
    config = dl.TrainConfig(epochs=3, batch_size=32, learning_rate=0.01, device="cpu")
    run = dl.train("logistic-regression", optdigits, config, progress=False, on_event=begin)
    monkeypatch.setattr(transaction.Session, "commit", commit)
    assert next(commits) > 3
    assert store.get_record(run.id).status == "finished"
    assert [epoch["epoch"] for epoch in run.history.epochs] == [1, 2, 3]
    steps = [row["step"] for row in run.history.steps]
    assert steps == sorted(set(steps))
    assert steps[-1] == run.record.step == run.record.total_steps


def test_a_visitors_share_is_kept_by_who_adds_at_the_same_time(database, add_record, monkeypatch):
    monkeypatch.setenv("DIGITLAB_VISITOR_QUEUED", "3")
    monkeypatch.setattr(queue, "launch_worker", lambda: None)
    ann = owners.owner_of("ann")
    made = add_record(status="finished", owner=ann)

    def add(number: int) -> str:
        with owners.acting_for(ann):
            try:
                queue.add_waiting(made.changed(id=f"new-{number}", status="queued"))
            except RunError as e:
                return str(e)
        return ""

    many = 24  # more than the connections that a process may have
    with ThreadPoolExecutor(many) as pool:
        refused = [reason for reason in pool.map(add, range(many)) if reason]
    assert len(store.list_records(("queued",))) == 3
    assert len(refused) == many - 3
    assert all("DIGITLAB_VISITOR_QUEUED" in reason for reason in refused)


def test_what_is_no_number_is_stored_as_nothing(database, add_record):
    run_id = add_record(data={"classes": ["0"], "measured": float("nan")}).id
    store.update_run(run_id, train_loss=float("nan"))
    assert store.get_record(run_id).train_loss is None
    with connect().connect() as connection:
        assert (
            connection.execute(text("SELECT count(*) FROM runs WHERE data IS NULL")).scalar() == 0
        )
