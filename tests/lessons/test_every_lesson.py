"""Every lesson as a learner goes through it: its goals are missing at first, then reached.

The work is done by the API with the models and recipes that the lesson's links set, on fewer
epochs where that is enough. Lessons that need MNIST take up to minutes.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

import digitlab as dl
from digitlab.data import collections
from digitlab.lessons import progress

FEW = dl.TrainConfig(epochs=10, batch_size=64, learning_rate=0.003)
HIDDEN = "two-hidden-64-relu"


def train(model, dataset, **changes):
    return dl.train(model, dataset, FEW.changed(**changes), progress=False)


def as_published(model, dataset, **changes):
    recipe = {**dl.load_preset(model).recipe, **changes}
    return dl.train(model, dataset, dl.TrainConfig.from_dict(recipe), progress=False)


def correct_labels():
    data = dl.load_dataset("optdigits")
    labels = data.resplit(0.0).train.labels
    changes = [dl.Change(split="train", index=k, label=int(labels[k] + 1) % 10) for k in range(3)]
    dl.add_version("corrected", data, changes)


def make_a_bottleneck():
    narrow = dl.ModelSpec.from_dict(
        {
            "name": "Narrow",
            "input": [1, 28, 28],
            "layers": [
                "Flatten",
                {"Linear": {"out_features": 64}},
                "ReLU",
                {"Linear": {"out_features": 1}},
                {"Linear": {"out_features": 64}},
                "ReLU",
                {"Linear": {"out_features": 10}},
            ],
        }
    )
    train(narrow, "optdigits", epochs=60)
    train(HIDDEN, "optdigits")


def halve_the_gap():
    few = {"subset": 1000, "epochs": 60, "learning_rate": 0.001}
    train(HIDDEN, "mnist", **few)
    train(HIDDEN, "mnist", **few, augmentation=dl.Augmentation(shift=0.1, rotation=10))


def shift():
    for model, augmentation in (
        (HIDDEN, dl.Augmentation()),
        ("cnn-small", dl.Augmentation(shift=0.1)),
    ):
        dl.measure_robustness(train(model, "optdigits", augmentation=augmentation), 300)


def note_the_confused():
    run = train("logistic-regression", "optdigits", epochs=5)
    result = run.evaluate("test")
    pair, wrong = result.most_confused(1)[0], (result.predictions != result.labels).nonzero()[0]
    images = ", ".join(f"{position} ugly" for position in wrong[:3])
    dl.label_run(run.id, note=f"{pair.true} → {pair.predicted}, {images}")


def draw_ten():
    test = dl.load_dataset("optdigits").test
    for label in range(10):
        image = test.images[(test.labels == label).nonzero()[0, 0], 0].numpy()
        collections.keep_drawing("mine", collections.NewDrawing(image, label, (), label))


def beat_the_large_one():
    as_published("two-hidden-256", "mnist", epochs=2)
    as_published("cnn-small", "mnist", epochs=3)


def see_what_is_chance():
    for seed in range(3):
        as_published("two-hidden-16-relu", "mnist", epochs=1, seed=seed)
    as_published("cnn-small", "mnist", epochs=1)


WORK = {
    "wrong-labels": correct_labels,
    "first-loss": lambda: train(HIDDEN, "optdigits", epochs=3),
    "overfit-twenty": lambda: train(HIDDEN, "optdigits", subset=20, epochs=100),
    "learning-rates": lambda: [
        train(HIDDEN, "optdigits", epochs=2, learning_rate=rate) for rate in (0.0001, 0.003, 0.1)
    ],
    "bottleneck": make_a_bottleneck,
    "halve-the-gap": halve_the_gap,
    "shifted": shift,
    "most-confused": note_the_confused,
    "own-drawings": draw_ten,
    "baseline": lambda: as_published("naive-bayes", "mnist"),
    "logistic-regression": lambda: as_published("logistic-regression-tuned", "mnist"),
    "linear-stacks": lambda: [
        as_published(model, "mnist", epochs=2) for model in ("one-hidden-linear", HIDDEN)
    ],
    "convolution": beat_the_large_one,
    "without-a-network": lambda: as_published("knn", "mnist"),
    "chance": see_what_is_chance,
}


LONG = (pytest.mark.slow, pytest.mark.timeout(1_800))  # on a machine that does other work


def is_long(lesson):
    return bool(lesson.needs) or lesson.id == "shifted"  # which measures robustness


def test_there_is_work_for_every_lesson_in_their_order():
    lessons = dl.list_lessons()
    assert {lesson.id for lesson in lessons} == set(WORK)
    assert all(first.order < second.order for first, second in pairwise(lessons))


@pytest.mark.parametrize(
    "lesson",
    [
        pytest.param(lesson, marks=LONG if is_long(lesson) else (), id=lesson.id)
        for lesson in dl.list_lessons()
    ],
)
def test_its_goals_are_missing_then_reached(lesson, request):
    if lesson.needs:
        request.getfixturevalue("mnist")
    missing = dl.check_lesson(lesson.id)
    assert not any(outcome.reached for outcome in missing)
    assert all(outcome.sentence.endswith(".") for outcome in missing)
    WORK[lesson.id]()
    for question in lesson.questions:
        progress.answer(lesson, question.ask, question.answer)
    for goal, outcome in zip(lesson.goals, dl.check_lesson(lesson), strict=True):
        assert outcome.reached, f"{goal.says}: {outcome.sentence}"
    assert progress.read_progress(lesson).is_done(lesson)
