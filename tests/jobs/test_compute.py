"""Compute processes answer as the caller would, are bounded, and come back when they die."""

from __future__ import annotations

import inspect
import os
import pickle
import signal
import threading
import time
from functools import partial

import numpy as np
import pytest

from digitlab import errors
from digitlab.errors import ComputeError, SpecError
from digitlab.exports.export import exported, subject_of
from digitlab.jobs import compute
from digitlab.owners import Visitor, acting, acting_for
from tests.conftest import PATIENCE, ROOT, wait_for


@pytest.fixture(autouse=True)
def apart(monkeypatch):
    monkeypatch.setenv("DIGITLAB_COMPUTE_PROCESSES", "1")
    monkeypatch.setenv("DIGITLAB_COMPUTE_SECONDS", "60")
    monkeypatch.setattr(compute, "STARTING_SECONDS", PATIENCE)
    monkeypatch.setattr(compute, "WAITING_SECONDS", PATIENCE)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield
    compute.end_all()


def own_id():
    return os.getpid()


def double(array, on_progress=None):
    for done in range(3 if on_progress else 0):
        on_progress(done, 3)
    return 2 * array


def refuse():
    raise SpecError("layer 3 does not fit", layer="layer 3", shape=(1, 2))


def fail():
    return 1 / 0


def spin():
    while True:
        pass


def sleep():
    time.sleep(PATIENCE)


def sign(path, owner):
    """Write an owner into a file, once another file is there."""
    while not path.with_name("gate").exists():
        time.sleep(0.01)
    with path.open("a") as file:
        file.write(owner)


def fill():
    return np.ones(10**9).sum()


def kill_itself():
    os.kill(os.getpid(), signal.SIGKILL)


def test_it_computes_in_one_process_that_stays():
    first = compute.call(own_id)
    assert first != os.getpid()
    steps = []
    doubled = compute.call(double, np.arange(4), on_progress=lambda *step: steps.append(step))
    assert doubled.tolist() == [0, 2, 4, 6]
    assert steps == [(0, 3), (1, 3), (2, 3)]
    with pytest.raises(SpecError, match="layer 3 does not fit") as caught:
        compute.call(refuse)
    assert (caught.value.layer, caught.value.shape) == ("layer 3", (1, 2))
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        compute.call(fail)
    assert compute.call(own_id) == first
    assert compute.count_processes() == 1


@pytest.mark.parametrize("harm", [spin, fill, kill_itself])
def test_who_asks_for_too_much_is_told_and_the_next_is_answered(harm, monkeypatch):
    monkeypatch.setenv("DIGITLAB_COMPUTE_SECONDS", "1")
    with pytest.raises(ComputeError, match="too much to compute here"):
        compute.call(harm)
    assert compute.call(double, 4) == 8


def test_it_ends_with_the_visitor_and_others_wait_for_their_turn():
    left, answers = threading.Event(), []
    others = [
        threading.Thread(target=lambda: answers.append(compute.call(double, 1))) for _ in range(3)
    ]
    compute.call(own_id)
    for other in others:
        threading.Timer(0.2, other.start).start()
    threading.Timer(0.5, left.set).start()
    with pytest.raises(ComputeError):
        compute.call(sleep, is_wanted=lambda: not left.is_set())
    for other in others:
        other.join()
    assert answers == [2, 2, 2]
    assert compute.count_processes() == 1


def test_an_answer_that_nobody_took_is_not_given_to_the_next():
    asked = []

    def leave():
        asked.append(True)
        raise KeyboardInterrupt

    compute.call(own_id)
    with pytest.raises(KeyboardInterrupt):
        compute.call(sleep, is_wanted=leave)
    assert asked
    assert compute.call(double, 4) == 8


def test_one_that_nobody_needs_ends_and_is_started_again(monkeypatch):
    first = compute.call(own_id)
    os.kill(first, signal.SIGTERM)  # as the system does when memory is short
    while compute.count_processes():
        time.sleep(0.01)
    assert compute.call(own_id) != first


def test_it_computes_for_the_visitor_who_asked():
    visitor = Visitor("0" * 32)
    with acting_for(visitor):
        assert compute.call(acting) == visitor
    assert compute.call(acting) is None


def test_visitors_take_turns(tmp_path):
    served, pool, threads = tmp_path / "served", compute._SHORT, []

    def ask(owner):
        with acting_for(Visitor(owner * 32)):
            compute.call(sign, served, owner)

    def wait(count):
        with pool._free:
            return pool._busy and len(pool._waiting) == count

    for count, owner in enumerate("aaabbc"):
        threads.append(threading.Thread(target=ask, args=(owner,)))
        threads[-1].start()
        wait_for(partial(wait, count))
    (tmp_path / "gate").touch()
    for thread in threads:
        thread.join()
    assert served.read_text() == "abcaba"


def test_a_file_of_a_run_is_the_same_when_it_writes_it():
    write = partial(exported, subject_of("reader", link="https://lab.example/"), "py")
    assert compute.call(write) == write()


def test_without_compute_processes_the_caller_computes(monkeypatch):
    monkeypatch.setenv("DIGITLAB_COMPUTE_PROCESSES", "0")
    assert compute.call(own_id) == os.getpid()


def test_every_error_passes_to_another_process():
    for kind in vars(errors).values():
        if not isinstance(kind, type) or not issubclass(kind, errors.DigitlabError):
            continue
        parameters = inspect.signature(kind.__init__).parameters.values()
        fields = {each.name: each.name for each in parameters if each.kind is each.KEYWORD_ONLY}
        error = kind("what went wrong", **fields)
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy), vars(copy)) == (kind, str(error), vars(error))


def test_a_home_that_cannot_be_written_is_no_hindrance(home):
    home.mkdir(exist_ok=True)
    (home / "logs").write_text("in the way")
    assert compute.call(own_id) != os.getpid()
