"""The lines under what a class does: they run and tell the same."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab import owners
from digitlab.snippets import classroom
from tests.classroom.conftest import draw_all, learner
from tests.snippets.snippet_runner import execute, untested


def test_room():
    code = dl.open_room("Class 5b")[0].code
    with owners.acting_for(owners.owner_of("ann")):
        dl.join_room(code, "Ann")
    _, printed = execute(classroom.room(code))
    assert printed == "Ann |  | 0 goals\n"


@pytest.fixture
def code():
    """A room in which three learners have drawn."""
    code = dl.open_room("Class 5b")[0].code
    for number in (1, 2, 3):
        with owners.acting_for(learner(number)):
            draw_all(code, dl.join_room(code, f"Nick {number}").number)
    return code


def test_class_set(code):
    _, printed = execute(classroom.class_set(code))
    assert "class-set-copy" in printed
    assert "test 20" in printed


def test_writers_challenge_and_wall(code):
    dl.make_class_set(code, "class-set", [2])
    dl.hold_challenge(code, "challenge", "optdigits", train_images=200)
    config = dl.TrainConfig(epochs=1, batch_size=16, device="cpu")
    with owners.acting_for(learner(1)):
        run, entry = (
            dl.train("logistic-regression", dl.load_dataset(name), config, progress=False)
            for name in ("class-set", "challenge")
        )
        dl.hand_in(code, 1, entry)
    assert "2 new" in execute(classroom.writers(run.id))[1]
    assert "1. learner 1" in execute(classroom.challenge(code))[1]
    assert "3 here, 2 runs, 60 drawings" in execute(classroom.wall(code))[1]


test_writers = test_challenge = test_wall = None  # one training is enough for all three


def test_every_snippet_is_run_here():
    assert not untested(classroom, globals())
