"""Fine-tuning: from a run's own weights, on drawings kept, measured on those held out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import digitlab as dl
from digitlab.analysis.recognize import default_reader, find_predictor
from digitlab.data.collections import NewDrawing, keep_drawings
from digitlab.drawing.abstention import Abstention
from digitlab.drawing.compose import placed
from digitlab.drawing.doodles import HELD_OUT, doodle
from digitlab.errors import DatasetError, RunError
from digitlab.execution import finetune as tuning
from digitlab.execution.finetune import RECIPE, finetune
from digitlab.execution.initial_weights import inherited_abstention
from digitlab.jobs import queue, resume
from digitlab.runs import store
from digitlab.runs.abstention import find_abstention
from digitlab.runs.edit import delete_run
from digitlab.runs.record import RunRecord


@pytest.fixture
def mirrored(optdigits):
    """A collection of 60 digits written in mirror writing, which no run has seen."""
    images = optdigits.train.images[:60, 0].flip(2).numpy()
    labels = optdigits.train.labels[:60].tolist()
    keep_drawings(
        "mirrored",
        [NewDrawing(np.ascontiguousarray(i), n) for i, n in zip(images, labels, strict=False)],
    )
    return "mirrored"


@pytest.fixture
def knower(train_tiny):
    """A run that reads optdigits well."""
    return train_tiny("two-hidden-64-relu", epochs=8, learning_rate=3e-3)


def test_it_learns_the_drawings_and_keeps_what_it_knew(knower, mirrored):
    tuned = finetune(knower, mirrored, progress=False)
    before, after = (one.accuracy for one in tuned.drawings)
    assert after > before + 0.2
    known, still = (one.accuracy for one in tuned.known)
    assert still > known - 0.06  # mirror writing is none of theirs
    record = tuned.after.record
    assert (record.parent, record.dataset) == (knower.id, "mix:mirrored+optdigits")
    assert record.name == f"{knower.record.name}, fine-tuned on mirrored"
    assert tuned.after.evaluate("test").n == tuned.drawings[1].n


def test_the_run_it_comes_from_stays_as_it_is(knower, mirrored):
    before = {name: tensor.clone() for name, tensor in knower.model.state_dict().items()}
    finetune(knower, mirrored, progress=False)
    after = dl.open_run(knower.id).model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_it_begins_with_the_weights_of_that_run(knower, optdigits):
    still = dl.TrainConfig(epochs=1, learning_rate=1e-9, device="cpu")
    run = dl.train(knower.spec, optdigits, still, progress=False, start_from=knower.id)
    anew = dl.train(knower.spec, optdigits, still, progress=False)
    assert run.record.test_accuracy == pytest.approx(knower.record.test_accuracy, abs=0.01)
    assert anew.record.test_accuracy < 0.5


def test_in_the_background_it_is_the_same_experiment(knower, mirrored, monkeypatch):
    monkeypatch.setattr("digitlab.jobs.queue.launch_worker", lambda: None)
    queued = store.get_record(
        queue.enqueue(
            tuning.plan_finetuning(knower, mirrored), name=tuning.finetuned_name(knower, mirrored)
        )
    )
    here = finetune(knower, mirrored, progress=False).after.record
    for field in ("dataset", "config", "spec", "parent", "name"):
        assert getattr(queued, field) == getattr(here, field)
    assert queued.data.start_from == here.data.start_from == knower.id


def test_repeating_one_begins_with_the_same_weights(knower, mirrored, monkeypatch):
    monkeypatch.setattr("digitlab.jobs.queue.launch_worker", lambda: None)
    tuned = finetune(knower, mirrored, progress=False).after
    copy: RunRecord = store.get_record(resume.repeat(tuned.id, seed=3))
    assert copy.data.start_from == knower.id


def test_a_tuned_run_can_be_tuned_again(knower, mirrored):
    once = finetune(knower, mirrored, progress=False)
    twice = finetune(once.after, mirrored, progress=False)
    assert twice.base == "optdigits"
    assert twice.drawings[1].accuracy >= twice.drawings[0].accuracy - 0.1


def test_a_copy_of_the_reader_declines_what_the_reader_declined(mirrored):
    reader = default_reader()
    once = RECIPE.changed(epochs=1)
    copy = finetune(reader, mirrored, base="optdigits", config=once, progress=False).after
    assert find_abstention(copy) == find_abstention(reader)
    assert find_predictor(copy) != copy.predict
    rng = np.random.default_rng(5)
    canvases = [placed(doodle(HELD_OUT, rng)[1], "", 150, 16, rng).canvas for _ in range(20)]
    accepted = [
        np.mean([dl.recognize(one, run).declined is None for one in canvases])
        for run in (reader, copy)
    ]
    assert accepted[1] < accepted[0] + 0.2


def test_without_validation_images_it_declines_as_the_run_that_it_comes_from(knower, mirrored):
    tuned = finetune(knower, mirrored, progress=False).after
    assert find_abstention(knower).confidence > 0
    assert find_abstention(tuned) == find_abstention(knower)
    delete_run(knower.id)
    assert find_abstention(tuned) == Abstention()


def test_with_other_classes_nothing_is_taken_over():
    assert set(inherited_abstention("reader", list("0123456789"))) == {"no_digit", "trust"}
    assert inherited_abstention("reader", ["shirt", "shoe"]) == {}


def test_too_few_drawings_are_said_so(knower):
    keep_drawings("few", [NewDrawing(np.full((28, 28), 9, np.uint8), n) for n in range(6)])
    with pytest.raises(DatasetError, match=r"6 drawings\. Keep at least 4, two of one digit"):
        finetune(knower, "few", progress=False)


def test_what_cannot_go_on_learning_is_said_so(knower, mirrored, optdigits, train_tiny):
    fitted = dl.train("knn", optdigits, dl.TrainConfig(), progress=False)
    with pytest.raises(RunError, match="fitted by scikit-learn"):
        finetune(fitted, mirrored, progress=False)
    with pytest.raises(RunError, match="another architecture"):
        dl.train("logistic-regression", optdigits, progress=False, start_from=knower.id)
    assert not [one for one in store.list_records() if one.status == "failed"]
