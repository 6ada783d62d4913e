"""The store holds what happened, for several processes at once, and says so when it cannot."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing

import pytest
from sqlalchemy import event, text

from digitlab.errors import RunNotFoundError, StoreError
from digitlab.runs import store
from digitlab.runs.database import connect
from digitlab.training.events import EpochDone, StepsDone
from tests.conftest import PATIENCE


def window(step, loss=0.5):
    return StepsDone(step, step / 10, loss, loss - 0.1, loss + 0.1, 0.01, None, 1000.0)


def epoch(number, **values):
    return EpochDone(
        **{
            "epoch": number,
            "step": number * 10,
            "train_loss": 0.5,
            "train_accuracy": 0.9,
            "val_loss": 0.6,
            "val_accuracy": 0.8,
            "learning_rate": 0.01,
            "seconds": 1.0,
            "best": True,
            **values,
        }
    )


@pytest.mark.sqlite
def test_sqlite_writes_ahead_and_to_the_disk(home):
    with connect().connect() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragma["journal_mode"] == "wal"
    assert pragma["synchronous"] == 2  # FULL: a committed epoch survives a power cut
    assert pragma["foreign_keys"] == 1
    assert pragma["busy_timeout"] >= 10_000
    assert (home / "digitlab.db").is_file()


@pytest.mark.stores
def test_runs_are_listed_newest_first_by_status_and_limit(add_record):
    ids = [
        add_record(created=float(i), status=status).id
        for i, status in enumerate(["finished", "queued", "running", "finished"])
    ]
    assert [record.id for record in store.list_records()] == ids[::-1]
    assert [record.id for record in store.list_records(("finished",))] == [ids[3], ids[0]]
    assert [record.id for record in store.list_records(limit=2)] == [ids[3], ids[2]]
    assert store.list_records(()) == []


def test_an_unknown_run_is_named(home):
    with pytest.raises(RunNotFoundError, match="no run 'nobody'") as caught:
        store.get_record("nobody")
    assert caught.value.run_id == "nobody"


@pytest.mark.stores
def test_ids_are_found_by_their_beginning_to_the_letter(add_record):
    add_record(id="cnn-small-1", created=1.0)
    add_record(id="cnn-small-2", created=2.0)
    add_record(id="cnnxsmall", created=3.0)
    assert store.find_ids("cnn-") == ["cnn-small-2", "cnn-small-1"]
    assert store.find_ids("cnn_") == []  # no wildcard
    assert store.find_ids("%") == []


@pytest.mark.stores
def test_a_search_takes_its_words_to_the_letter(add_record):
    add_record(name="100 % dropout")
    add_record(name="lr_3")
    add_record(name="lr 3")
    assert [record.name for record in store.list_records(search="%")] == ["100 % dropout"]
    assert [record.name for record in store.list_records(search="_")] == ["lr_3"]
    assert [record.name for record in store.list_records(search="LR 3")] == ["lr 3", "lr_3"]
    assert store.list_records(search="1%d") == []


@pytest.mark.stores
def test_a_status_changes_only_from_what_was_expected(add_record):
    run_id = add_record(status="queued").id
    assert not store.change_status(run_id, "running", "finished")
    assert store.get_record(run_id).status == "queued"
    assert store.change_status(run_id, "queued", "stopped", message="before it began")
    record = store.get_record(run_id)
    assert (record.status, record.message) == ("stopped", "before it began")
    assert not store.change_status("nobody", "queued", "stopped")


@pytest.mark.stores
def test_history_comes_back_in_order_with_all_it_holds(add_record):
    run_id = add_record().id
    store.append_history(run_id, [window(20), window(10)], [epoch(1)], step=20, epochs_done=1)
    store.append_history(run_id, [window(30, loss=float("nan"))], [epoch(2, val_loss=None)])
    steps, epochs = store.read_history(run_id)
    assert [step["step"] for step in steps] == [10, 20, 30]
    assert steps[0] == {
        "step": 10,
        "epoch": 1.0,
        "loss": 0.5,
        "loss_min": 0.4,
        "loss_max": 0.6,
        "learning_rate": 0.01,
        "grad_norm": None,
        "images_per_second": 1000.0,
    }
    assert steps[2]["loss"] is None  # not a number
    assert [(e["epoch"], e["val_loss"], e["best"]) for e in epochs] == [
        (1, 0.6, True),
        (2, None, True),
    ]
    record = store.get_record(run_id)
    assert (record.step, record.epochs_done) == (20, 1)


@pytest.mark.stores
def test_history_is_written_all_or_nothing(add_record):
    run_id = add_record().id
    store.append_history(run_id, [window(10)], [])
    with pytest.raises(StoreError):
        store.append_history(run_id, [window(20), window(10)], [epoch(1)], step=20)
    steps, epochs = store.read_history(run_id)
    assert [step["step"] for step in steps] == [10]
    assert epochs == []
    assert store.get_record(run_id).step == 0


@pytest.mark.stores
def test_a_removed_run_takes_its_history_along(add_record):
    run_id, other = add_record().id, add_record().id
    for each in (run_id, other):
        store.append_history(each, [window(10)], [epoch(1)])
    store.remove_run(run_id)
    with pytest.raises(RunNotFoundError):
        store.get_record(run_id)
    with connect().connect() as database:
        assert database.execute(text("SELECT run_id FROM steps")).fetchall() == [(other,)]
        assert database.execute(text("SELECT run_id FROM epochs")).fetchall() == [(other,)]


@pytest.mark.stores
def test_the_oldest_waiting_run_is_claimed_first_and_within_the_limit(add_record):
    second, first, third = (add_record(created=created).id for created in (2.0, 1.0, 3.0))
    add_record(status="running", executor="foreground", created=0.0)  # does not count
    claimed = store.claim_next(max_jobs=2)
    assert claimed.id == first
    assert claimed.status == store.get_record(first).status == "running"
    assert claimed.started == pytest.approx(time.time(), abs=60)
    assert store.claim_next(max_jobs=1) is None
    assert store.claim_next(max_jobs=2).id == second
    assert store.claim_next(max_jobs=2) is None
    store.update_run(first, status="finished")
    assert store.claim_next(max_jobs=2).id == third
    store.update_run(second, status="finished")
    assert store.claim_next(max_jobs=2) is None


@pytest.mark.sqlite
def test_nobody_writes_between_the_count_and_the_claim(add_record, home):
    run_id = add_record().id
    looks = []

    def write_meanwhile(_connection, _cursor, statement, *_):
        if statement.startswith("SELECT"):
            looks.append(statement)
            other = sqlite3.connect(home / "digitlab.db", timeout=0)
            with closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("UPDATE runs SET status = 'running'")

    event.listen(connect(), "after_cursor_execute", write_meanwhile)
    assert store.claim_next(max_jobs=1).id == run_id
    assert len(looks) >= 2  # how many are running, which one is next


CLAIM = """
import json, sys, time
from digitlab.runs import store
limit = int(sys.argv[1])
mine, most = [], 0
ready()
while store.list_records(("queued",), limit=1):
    record = store.claim_next(limit)
    if record is None:
        time.sleep(0.001)
        continue
    mine.append(record.id)
    most = max(most, len(store.list_records(("running",))))
    store.update_run(record.id, status="finished")
    if len(mine) == 1:
        ready()  # for the rest, once every process has had one
print(json.dumps({"mine": mine, "most": most}))
"""


@pytest.mark.stores
@pytest.mark.parametrize(("processes", "limit"), [(6, 3), (2, 1)])
def test_many_processes_claim_each_run_once_and_never_too_many(
    add_record, start_together, let_go, processes, limit
):
    ids = sorted(add_record(created=float(i)).id for i in range(60))
    found = []
    workers = start_together(CLAIM, [[limit]] * processes)
    let_go(workers)
    for worker in workers:
        out, err = worker.communicate(timeout=PATIENCE)
        assert worker.returncode == 0, err
        found.append(json.loads(out))
    assert sorted(run_id for one in found for run_id in one["mine"]) == ids
    assert max(one["most"] for one in found) <= limit


WRITE = """
import sys, time
from digitlab.runs import store
from digitlab.training.events import StepsDone
run_id = sys.argv[1]
ready()
for step in range(1, 51):
    window = StepsDone(step, step / 10, 0.5, 0.4, 0.6, 0.01, None, 1000.0)
    store.append_history(run_id, [window], [], step=step)
"""


def test_many_processes_write_their_histories_while_another_reads(add_record, start_together):
    ids = [add_record(status="running").id for _ in range(4)]
    writers = start_together(WRITE, [[run_id] for run_id in ids])
    while any(writer.poll() is None for writer in writers):
        for run_id in ids:
            assert len(store.read_history(run_id)[0]) <= 50
        time.sleep(0.02)
    for writer in writers:
        assert writer.wait() == 0, writer.stderr.read()
    for run_id in ids:
        assert [step["step"] for step in store.read_history(run_id)[0]] == list(range(1, 51))
        assert store.get_record(run_id).step == 50


OPEN = """
from digitlab.runs import store
ready()
print(len(store.list_records()))
"""


@pytest.mark.stores
def test_processes_that_start_together_on_a_new_home_do_not_collide(start_together):
    for process in start_together(OPEN, [[]] * 6):
        out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out) == (0, "0\n"), err


@pytest.mark.sqlite
def test_a_folder_that_cannot_be_written_is_one_clear_error(home):
    home.parent.mkdir(exist_ok=True)
    home.write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot be opened .*DIGITLAB_HOME"):
        store.list_records()


@pytest.mark.sqlite
def test_a_database_damaged_later_is_one_clear_error(add_record, home):
    add_record()
    connect().dispose()
    for suffix in ("-wal", "-shm"):
        (home / f"digitlab.db{suffix}").unlink(missing_ok=True)
    whole = (home / "digitlab.db").read_bytes()
    (home / "digitlab.db").write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(StoreError, match=r"did not answer|cannot be opened"):
        store.list_records()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nonsense", "not a database address.*sqlite:////"),
        ("nosuchdatabase://host/x", "nosuchdatabase"),
        ("postgresql+nosuchdriver://u:secret@localhost/x", "nosuchdriver"),
    ],
)
def test_a_wrong_address_is_one_clear_error_without_its_password(monkeypatch, url, reason):
    monkeypatch.setenv("DIGITLAB_DATABASE_URL", url)
    with pytest.raises(StoreError, match=reason) as caught:
        store.list_records()
    assert "secret" not in str(caught.value)


@pytest.mark.sqlite
def test_another_address_holds_the_runs(monkeypatch, tmp_path, add_record):
    monkeypatch.setenv("DIGITLAB_DATABASE_URL", f"sqlite:///{tmp_path / 'else' / 'where.db'}")
    record = add_record()
    assert (tmp_path / "else" / "where.db").is_file()
    monkeypatch.delenv("DIGITLAB_DATABASE_URL")
    with pytest.raises(RunNotFoundError):
        store.get_record(record.id)


def test_history_is_cut_where_a_run_goes_on(train_tiny):
    run = train_tiny(epochs=3)
    per_epoch = run.record.total_steps // 3
    store.cut_history(run.id, per_epoch + 2, 1)
    steps, epochs = store.read_history(run.id)
    assert [row["epoch"] for row in epochs] == [1]
    assert steps[-1]["step"] == per_epoch + 2
