"""A run's life is a lease in the store: other homes see it there, and only one process has it."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import delete, literal, update

import digitlab as dl
from digitlab.errors import LeaseLostError
from digitlab.jobs import queue
from digitlab.runs import lease, run_folder, store
from digitlab.runs.schema import LeaseRow
from digitlab.runs.transaction import database_time, transact
from tests.conftest import wait_for

pytestmark = pytest.mark.stores


@pytest.fixture
def homes(home, tmp_path, monkeypatch, store_address):
    """A function that lets this process act in another home on the same store."""
    if not store_address:
        monkeypatch.setenv("DIGITLAB_DATABASE_URL", f"sqlite:///{tmp_path / 'shared.db'}")

    def act_in(name):
        monkeypatch.setenv("DIGITLAB_HOME", str(tmp_path / name))
        return tmp_path / name

    return act_in


@pytest.fixture(autouse=True)
def started_long_ago(monkeypatch):
    """The tests' server was started just now, after which it ends no lease for a while."""
    monkeypatch.setattr(lease, "_has_just_started", lambda _session: literal(False))


def long_ago(record):
    store.update_run(record.id, started=time.time() - 60)
    return record


def steal(run_id):
    """Give the lease of a run that this process carries out to another."""
    with transact(write=True) as session:
        lease.Lease(run_id).take(session)


def expire(run_id, seconds):
    with transact(write=True) as session:
        when = database_time(session) + seconds
        session.execute(update(LeaseRow).where(LeaseRow.run_id == run_id).values(expires=when))


def test_a_claimed_run_lives_for_another_home_until_its_lease_ends(homes, add_record):
    homes("first")
    add_record()
    record = long_ago(store.claim_next(1))
    homes("second")
    assert queue.mark_interrupted() == (1, 0)
    expire(record.id, -0.1)
    assert queue.mark_interrupted() == (0, 1)
    again = store.get_record(record.id)
    assert again.status == "queued", "another machine goes on with it"
    assert again.notices[0].startswith(queue.LOST)
    assert lease.list_held() == {}
    store.update_run(record.id, notices=again.notices * queue.MOST_LOST)
    homes("first")
    record = long_ago(store.claim_next(1))
    expire(record.id, -0.1)
    homes("second")
    assert queue.mark_interrupted() == (0, 1)
    ended = store.get_record(record.id)
    assert ended.status == "interrupted", "it may be the run that ends its machines"
    assert "Its process on " in ended.message


def test_where_it_was_claimed_the_lock_is_the_proof_whatever_the_lease_says(home, add_record):
    add_record()
    record = long_ago(store.claim_next(1))
    with lease.holding(record.id):
        expire(record.id, -3600)
        assert queue.mark_interrupted() == (1, 0)
    with transact(write=True) as session:
        lease.claim(session, record.id)  # as of a process that was killed: it holds no lock
    assert queue.mark_interrupted() == (0, 1)


def test_a_lease_of_a_clock_that_was_set_back_is_not_believed(homes, add_record):
    homes("first")
    add_record()
    record = long_ago(store.claim_next(1))
    homes("second")
    expire(record.id, 3600)
    assert queue.mark_interrupted() == (0, 1)


def test_a_process_that_lost_its_lease_writes_nothing_more(home, add_record):
    record = add_record(status="running", started=time.time())
    with lease.holding(record.id):
        store.update_run(record.id, message="mine")
        steal(record.id)
        for write in (
            lambda: store.update_run(record.id, message="stale"),
            lambda: store.append_history(record.id, [], [], step=7),
            lambda: store.cut_history(record.id, 0, 0),
            lambda: lease.check(record.id),
            lambda: lease.read_request(record.id),
        ):
            with pytest.raises(LeaseLostError, match="another process"):
                write()
    assert store.get_record(record.id).message == "mine"
    assert len(lease.list_held()) == 1, "the other one's lease is not this one's to give up"


def test_a_training_that_lost_its_lease_ends_and_leaves_the_run_as_it_is(train_tiny):
    taken = []

    def take(event):
        if not taken and type(event).__name__ == "EpochDone":
            (record,) = store.list_records(("running",))
            steal(record.id)
            files = sorted(p.name for p in run_folder.run_folder(record.id).rglob("*"))
            taken.append((record.id, files))

    with pytest.raises(LeaseLostError):
        train_tiny(epochs=50, on_event=take)
    run_id, files = taken[0]
    record = store.get_record(run_id)
    assert (record.status, record.epochs_done) == ("running", 1)
    after = {p.name for p in run_folder.run_folder(run_id).rglob("*")}
    assert after ^ set(files) <= {"live.safetensors"}  # comes and goes by the clock
    assert not (run_folder.run_folder(run_id) / run_folder.ERROR).exists()


def test_a_run_that_was_taken_for_dead_goes_on_where_nobody_took_it(home, add_record):
    record = add_record(status="running", started=time.time())
    with lease.holding(record.id):
        assert lease.end(record.id, lease.list_held()[record.id])
        assert store.get_record(record.id).status == "interrupted"
        store.append_history(record.id, [], [], step=7)
        again = store.get_record(record.id)
        assert (again.status, again.step) == ("running", 7)
        assert record.id in lease.list_held()
    assert lease.list_held() == {}


def test_one_that_renewed_its_lease_meanwhile_is_not_ended(home, add_record):
    add_record()
    record = store.claim_next(1)
    seen = lease.list_held()[record.id]
    expire(record.id, 60)
    assert not lease.end(record.id, seen)
    assert store.get_record(record.id).status == "running"


def test_a_lease_is_renewed_and_requests_of_another_home_come_with_it(
    homes, add_record, monkeypatch
):
    monkeypatch.setattr(lease, "BEAT_SECONDS", 0.05)
    homes("first")
    record = add_record(status="running", started=time.time())
    with lease.holding(record.id):
        first = lease.list_held()[record.id].expires
        homes("second")
        queue.stop(record.id)
        assert not run_folder.stop_file(record.id).exists()
        homes("first")
        wait_for(lambda: lease.read_request(record.id) == "stop")
        wait_for(lambda: lease.list_held()[record.id].expires > first)


TRAIN = """
import os, sys
os.environ["DIGITLAB_HOME"] = sys.argv[1]
import digitlab as dl
told = []
def tell(event):
    if not told and type(event).__name__ == "EpochDone":
        told.append(print("learning", flush=True))
config = dl.TrainConfig(epochs=1000, batch_size=4, learning_rate=0.01, device="cpu")
dl.train("logistic-regression", "optdigits", config, progress=False, on_event=tell)
"""


def test_a_killed_run_of_another_home_is_seen_when_its_lease_has_ended(homes, start_python):
    first = homes("first")
    process = start_python(TRAIN, first)
    assert process.stdout.readline() == "learning\n", process.stderr.read()
    homes("second")
    (run,) = dl.list_runs(bundled=False)
    process.kill()
    process.wait()
    assert queue.mark_interrupted() == (0, 0)
    expire(run.id, -0.1)
    assert queue.mark_interrupted() == (0, 1)
    assert store.get_record(run.id).status == "interrupted"


def test_a_finished_run_leaves_no_lease(tiny):
    assert lease.list_held() == {}


def test_a_run_that_went_on_meanwhile_is_not_ended(home, add_record):
    add_record()
    record = store.claim_next(1)
    assert not lease.end(record.id, None), "it had none when it gave way, and has one again"
    assert store.get_record(record.id).status == "running"
    with transact(write=True) as session:
        session.execute(delete(LeaseRow))
    assert lease.end(record.id, None)
