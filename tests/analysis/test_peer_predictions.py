"""What other runs say of an image: the same as their own evaluations do."""

from __future__ import annotations

import pytest

from digitlab.analysis.peer_predictions import peer_predictions
from digitlab.runs import run_folder, store


def test_each_other_run_of_the_same_data_answers_for_itself(train_tiny):
    runs = [train_tiny(name=name, seed=seed) for seed, name in enumerate("abc")]
    answers = peer_predictions(runs[0], "test", 11)
    assert [answer.run.record.name for answer in answers] == ["c", "b"]  # the newest first
    for answer, run in zip(answers, (runs[2], runs[1]), strict=True):
        result = run.evaluate("test")
        assert answer.label == result.predictions[11]
        assert answer.confidence == pytest.approx(result.confidence[11], rel=1e-5)


def test_runs_of_other_data_are_not_asked(train_tiny, optdigits):
    run, other = train_tiny(), train_tiny()
    store.update_run(other.id, data=other.record.data.changed(fingerprint="else").model_dump())
    assert peer_predictions(run, "test", 0) == []


def test_validation_images_are_the_same_only_where_divided_alike(train_tiny, optdigits):
    run = train_tiny()
    train_tiny(data=optdigits.resplit(0.2))
    same = train_tiny()
    assert [answer.run.id for answer in peer_predictions(run, "val", 0)] == [same.id]
    assert len(peer_predictions(run, "test", 0)) == 2


def test_missing_and_damaged_predictions_are_passed_over(train_tiny):
    run, gone, half, whole = (train_tiny() for _ in range(4))
    (gone.folder / run_folder.PREDICTIONS).unlink()
    (half.folder / run_folder.PREDICTIONS).write_bytes(b"half")
    assert [answer.run.id for answer in peer_predictions(run, "test", 3)] == [whole.id]
    assert peer_predictions(run, "test", 10**6) == []
    assert peer_predictions(run, "train", 3) == []  # which no run keeps
