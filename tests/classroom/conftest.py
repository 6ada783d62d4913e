"""What the tests of a class share: a room with a teacher and learners, and drawings."""

from __future__ import annotations

import numpy as np
import pytest

import digitlab as dl
from digitlab import owners
from digitlab.classroom import challenge as challenges
from digitlab.classroom import class_set, members, submissions, teachers
from digitlab.data.load import load_dataset
from digitlab.drawing.handwriting import write
from digitlab.drawing.strokes import rasterise

TEACHER, ANN, BOB, EVE = (owners.owner_of(name) for name in ("the teacher", "ann", "bob", "eve"))


RECIPE = dl.TrainConfig(epochs=1, batch_size=128, learning_rate=0.01, device="cpu")


def learner(number):
    """The owner of a learner's things."""
    return owners.owner_of(f"learner {number}")


@pytest.fixture
def code():
    """The code of a room with three learners."""
    with owners.acting_for(TEACHER):
        code = teachers.open_room("Class 5b")[0].code
    for number in (1, 2, 3):
        with owners.acting_for(learner(number)):
            members.join_room(code, f"Nick {number}")
    return code


@pytest.fixture
def opened():
    """A room's code and key, and its learners Ann and Bob."""
    with owners.acting_for(TEACHER):
        room, key = teachers.open_room("Class 5b")
    for owner, name in ((ANN, "Ann"), (BOB, "Bob")):
        with owners.acting_for(owner):
            members.join_room(room.code.lower(), name)
    return room.code, key


def draw_all(code, writer):
    """Let a learner draw all their digits, in a writing of their own."""
    while (digit := class_set.next_digit(code, writer)) is not None:
        strokes, brush = write(str(digit), (280, 280), brush=18, seed=writer * 100 + digit)
        pixels = rasterise(strokes, (280, 280), brush)
        class_set.keep_drawing(code, writer, pixels, [np.asarray(s) for s in strokes])


@pytest.fixture
def fill(code):
    """A function that lets learners draw all their digits."""

    def draw(*writers):
        for writer in writers:
            draw_all(code, writer)

    return draw


@pytest.fixture
def held(code):
    """A challenge on the embedded digits."""
    with owners.acting_for(TEACHER):
        return challenges.hold_challenge(code, "challenge", "optdigits")


def train(number, dataset="challenge", **recipe):
    """A run of a learner, who acts while it is trained."""
    with owners.acting_for(learner(number)):
        config = RECIPE.changed(**recipe)
        return dl.train("logistic-regression", load_dataset(dataset), config, progress=False)


def hand_in(code, number, run):
    with owners.acting_for(learner(number)):
        return submissions.hand_in(code, number, run)
