"""Learners take turns, and wait while their room is paused; a run that waited is the same."""

from __future__ import annotations

import itertools
from functools import partial

import pytest

import digitlab as dl
from digitlab import owners
from digitlab.classroom import members, teachers
from digitlab.classroom import room as rooms
from digitlab.execution import control
from digitlab.jobs import queue, resume, room_runs, turns, worker
from digitlab.jobs.worker import work
from digitlab.runs import run_folder, store

ANN, BOB, TEACHER = (owners.owner_of(name) for name in ("ann", "bob", "teacher"))
TINY = dl.TrainConfig(epochs=3, learning_rate=0.01, batch_size=128, device="cpu")


@pytest.fixture(autouse=True)
def started(monkeypatch):
    """Which workers were to be started: none is. Each step asks whether the turn is over."""
    monkeypatch.setattr(control, "TURN_LOOK_SECONDS", 0.0)
    started = []
    for place in (queue, resume, room_runs):
        monkeypatch.setattr(place, "launch_worker", lambda: started.append(1))
    return started


@pytest.fixture
def code():
    """A room that Ann and Bob are in."""
    with owners.acting_for(TEACHER):
        code = teachers.open_room("Class 5b")[0].code
    for owner, name in ((ANN, "Ann"), (BOB, "Bob")):
        with owners.acting_for(owner):
            members.join_room(code, name)
    return code


def submit(owner, model="logistic-regression", **recipe):
    with owners.acting_for(owner):
        return dl.submit(model, "optdigits", TINY.changed(**recipe))


def after_steps(turn_of, record):
    """A turn of a few steps."""
    asked, is_over = itertools.count(), turn_of(record)
    return lambda _seconds: next(asked) > 3 and is_over(turns.TURN_SECONDS)


def test_two_learners_take_turns_and_a_run_that_gave_way_is_the_same_bit_for_bit(
    capsys, monkeypatch
):
    monkeypatch.setattr(worker.turns, "turn_of", partial(after_steps, turns.turn_of))
    first, second = submit(ANN), submit(BOB, epochs=1)
    work()
    log = capsys.readouterr().out
    assert log.index(f"{first} gave way") < log.index(f"{second} starts")
    records = [store.get_record(run_id) for run_id in (first, second)]
    assert [record.status for record in records] == ["finished"] * 2
    alone = dl.train("logistic-regression", "optdigits", TINY, progress=False)
    in_turns = dl.open_run(first)
    assert in_turns.history.steps[-1]["step"] == alone.history.steps[-1]["step"]
    for name, weights in alone.model.state_dict().items():
        assert (in_turns.model.state_dict()[name] == weights).all()


def test_a_run_gives_way_after_its_turn_where_somebody_else_waits():
    mine = submit(ANN)
    is_over = turns.turn_of(store.get_record(mine))
    submit(ANN)
    assert not is_over(1e9), "only its owner's other run waits"
    submit(BOB)
    assert is_over(turns.TURN_SECONDS)
    assert not is_over(turns.TURN_SECONDS / 2)
    fit = turns.turn_of(store.get_record(submit(ANN, model="naive-bayes")))
    assert not fit(1e9), "it has no state to go on from"


def test_a_room_that_is_paused_waits_and_goes_on(code, started, monkeypatch):
    run_id = submit(ANN)
    pause = []

    def pause_once(held=members.held_owners):
        if store.get_record(run_id).step and not pause:
            pause.append(dl.pause_room(code))
        return held()

    monkeypatch.setattr(turns, "held_owners", pause_once)
    monkeypatch.setattr("digitlab.execution.recorder.WRITE_SECONDS", 0.0)
    work()
    record = store.get_record(run_id)
    assert pause
    assert record.status == "queued"
    assert 0 < record.step < record.total_steps
    assert turns.is_held(record)
    assert work() == 0
    started.clear()
    queue.reconcile()
    with owners.acting_for(BOB), pytest.raises(rooms.RoomError):
        dl.resume_room(code)
    assert not started, "nothing is started for runs that are held"
    with owners.acting_for(TEACHER):
        dl.resume_room(code)
    assert started
    work()
    assert store.get_record(run_id).status == "finished"


def test_runs_go_on_where_their_room_no_longer_holds_them(code, started):
    dl.pause_room(code)
    for owner in (ANN, BOB):
        submit(owner)
    number = rooms.read_room(code).find_member(ANN).number
    for owner, let_go in (
        (ANN, room_runs.leave_room),
        (TEACHER, lambda code: room_runs.remove_members(code, number)),
        (TEACHER, dl.end_room),
    ):
        started.clear()
        with owners.acting_for(owner):
            let_go(code)
        assert started
        if owner == ANN:
            with owners.acting_for(ANN):
                assert members.join_room(code, "Ann").number == number


@pytest.fixture
def waiting():
    """A run of Ann's that gave way after four steps, and waits for its next turn."""
    run_id, asked = submit(ANN), itertools.count()

    def wait_for_next(record, wait=turns.wait_for_next):
        assert run_folder.is_alive(record.id), "or it would be taken for dead"
        wait(record)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turns, "wait_for_next", wait_for_next)
        patch.setattr(worker.turns, "turn_of", lambda _: lambda _seconds: next(asked) > 3)
        claims = iter([store.claim_next(1)])
        patch.setattr(store, "claim_next", lambda *_: next(claims, None))
        work()
    record = store.get_record(run_id)
    assert (record.status, record.step > 0) == ("queued", True)
    return run_id


def test_a_run_that_is_stopped_as_it_waits_says_how_far_it_was(waiting):
    with owners.acting_for(ANN):
        for request, status in ((dl.pause, "paused"), (dl.stop, "stopped")):
            request(waiting)
            record = store.get_record(waiting)
            assert record.status == status
            assert f"{status.capitalize()} at step {record.step}, as it" in record.message
            dl.resume(waiting)


def test_a_run_that_is_stopped_as_it_begins_to_go_on_is_evaluated(waiting):
    run_folder.request_stop(waiting)
    work()
    record = store.get_record(waiting)
    assert record.status == "stopped"
    assert record.test_accuracy is not None


def test_a_finished_run_is_not_trained_for_longer_than_it_may(code):
    teachers.change_room(code, limits={"seconds": 60})
    run_id = submit(ANN)
    work()
    store.update_run(run_id, train_seconds=58.0)
    with owners.acting_for(ANN):
        with pytest.raises(dl.DigitlabError, match="1 min 0 s, the most that"):
            dl.train_longer(run_id, 1)
        assert store.get_record(run_id).status == "finished"


def test_a_rooms_limits_bind_its_learners_alone(code):
    limits = {"seconds": 1, "parameters": 10_000, "waiting": 1}
    teachers.change_room(code, limits=limits)
    with pytest.raises(dl.DigitlabError, match="your room allows 10,000"):
        submit(ANN, model="two-hidden-64-relu")
    run_id = submit(ANN)
    with pytest.raises(dl.DigitlabError, match="the 1 that may in your room"):
        submit(ANN)
    submit(owners.owner_of("eve"), model="two-hidden-64-relu", epochs=1)
    store.update_run(run_id, train_seconds=0.9)  # in its turns before
    record = store.get_record(run_id)
    seconds, note = turns.bound(record)
    assert seconds == pytest.approx(0.1)
    assert note == "Stopped after 1.0 s, the most that a run may train in your room."
    store.update_run(run_id, train_seconds=2.0)
    work()
    record = store.get_record(run_id)
    assert (record.status, record.message) == ("stopped", note)
