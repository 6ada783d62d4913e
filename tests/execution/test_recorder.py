"""The recorder writes down what a run yields, seldom, and without losing anything."""

from __future__ import annotations

import sqlite3
import threading
import time

from digitlab.errors import StoreError
from digitlab.execution import control, recorder
from digitlab.runs import run_folder, store
from digitlab.training.events import EpochDone
from tests.conftest import PATIENCE
from tests.execution.test_execute import at, only_run


def test_a_run_in_progress_can_be_watched_and_lives(train_tiny, monkeypatch):
    monkeypatch.setattr(recorder, "WRITE_SECONDS", 0.0)
    seen = {}

    def look():
        run = only_run()
        seen.update(
            status=run.record.status,
            alive=run_folder.is_alive(run.id),
            step=run.record.step,
            steps=[step["step"] for step in run.history.steps],
            epochs=len(run.history.epochs),
            total=run.record.total_steps,
            accuracy=run.evaluate("test").accuracy,  # from the last checkpoint
        )

    run = train_tiny(on_event=at(25, look))
    assert seen["status"] == "running"
    assert seen["alive"]
    assert seen["step"] == 25
    assert seen["steps"] == list(range(1, 26))
    assert seen["epochs"] == 2
    assert seen["total"] == 33
    assert seen["accuracy"] > 0.5
    assert not run_folder.is_alive(run.id)
    assert [step["step"] for step in run.history.steps] == list(range(1, 34))


def test_few_writes_lose_nothing(train_tiny, monkeypatch):
    monkeypatch.setattr(recorder, "WRITE_SECONDS", 3600.0)
    monkeypatch.setattr(control, "SAVING_SHARE", 1e-6)
    write, writes = store.append_history, []
    monkeypatch.setattr(
        store,
        "append_history",
        lambda *all_, **columns: writes.append(1) or write(*all_, **columns),
    )
    run = train_tiny()
    assert len(writes) <= 3, "the first step, the first checkpoint and the end"
    assert [step["step"] for step in run.history.steps] == list(range(1, 34))
    assert [epoch["epoch"] for epoch in run.history.epochs] == [1, 2, 3]


def test_an_epoch_that_took_a_while_is_written_at_once(train_tiny, monkeypatch):
    monkeypatch.setattr(recorder, "WRITE_SECONDS", 0.2)
    monkeypatch.setattr(control, "SAVING_SHARE", 1e-6)
    written = []

    def look(event):
        if isinstance(event, EpochDone):
            written.append(only_run().record.epochs_done)
            time.sleep(0.3)

    train_tiny(on_event=look)
    assert written == [1, 2, 3]


def test_a_store_that_is_busy_for_a_moment_costs_nothing(train_tiny, monkeypatch):
    monkeypatch.setattr(recorder, "WRITE_SECONDS", 0.0)
    answer, refusals = store.append_history, iter(range(5))

    def busy(*args, **columns):
        if next(refusals, None) is not None:
            raise StoreError("The run store did not answer (database is locked).")
        answer(*args, **columns)

    monkeypatch.setattr(store, "append_history", busy)
    run = train_tiny()
    assert run.record.status == "finished"
    assert [step["step"] for step in run.history.steps] == list(range(1, 34))


def test_a_store_that_is_locked_for_a_while_misses_nothing(train_tiny, monkeypatch, home):
    monkeypatch.setattr(recorder, "WRITE_SECONDS", 0.0)
    monkeypatch.setattr("digitlab.runs.database.BUSY_SECONDS", 0.2)
    told, held = [], threading.Event()

    def hold():
        with sqlite3.connect(home / "digitlab.db", timeout=PATIENCE) as connection:
            connection.execute("BEGIN IMMEDIATE")
            held.set()
            time.sleep(1.0)
            connection.rollback()

    def lock_at_step_20(event):
        told.append(event)
        if len(told) == 20:
            threading.Thread(target=hold).start()
            assert held.wait(PATIENCE)

    run = train_tiny(epochs=4, on_event=lock_at_step_20)
    assert run.record.status == "finished"
    assert [row["epoch"] for row in run.history.epochs] == [1, 2, 3, 4]
    steps = [row["step"] for row in run.history.steps]
    assert steps == list(range(1, run.record.total_steps + 1))
