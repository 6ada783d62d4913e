"""Runs on the same images are asked of their labels together: MNIST's known errors surface."""

from __future__ import annotations

import numpy as np
import pytest

import digitlab as dl
from digitlab.analysis.label_issues import MOST_PEERS, peer_runs, pool_predictions
from digitlab.errors import RunError
from digitlab.evaluation.label_issues import (
    find_label_issues,
)
from digitlab.runs import run_folder, store
from digitlab.ui.results.label_issues import LEAST

# Test images of MNIST where fewer than 3 of 5 people chose the given label: cleanlab/label-errors,
# Northcutt, Athalye, Mueller: Pervasive label errors in test sets, 2021.
KNOWN = {947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729}
NAMED = {1901, 2130, 8527, 9729}


def test_on_a_fresh_clone_mnist_s_known_label_errors_are_among_the_flags_shown(home):
    run = dl.open_run("reader-cnn")
    panel = pool_predictions(run, "test")
    assert len(panel.runs) == len(dl.list_runs())
    order = find_label_issues(panel.probabilities, run.evaluate("test").labels).position.tolist()
    assert set(order[:LEAST]) >= NAMED  # at the places 1, 3, 7 and 23
    assert len(KNOWN & set(order[:60])) >= 11  # 12; by chance 0.1
    assert set(order[:120]) >= KNOWN  # 88


def test_those_with_the_same_images_are_asked_the_best_first(run_id):
    run = dl.open_run(run_id)
    assert [reader.id for reader in peer_runs(run, "test")] == [run_id]
    config = dl.TrainConfig(epochs=2, seed=3)
    better = dl.train("logistic-regression", "optdigits", config, progress=False)
    assert better.record.val_accuracy > run.record.val_accuracy
    assert [reader.id for reader in peer_runs(run, "test")] == [better.id, run_id]
    assert [reader.id for reader in peer_runs(run, "val")] == [better.id, run_id]
    elsewhere = dl.TrainConfig(epochs=1, val_fraction=0.3)
    other = dl.train("logistic-regression", "optdigits", elsewhere, progress=False)
    assert other.id in [reader.id for reader in peer_runs(run, "test")]
    assert other.id not in [reader.id for reader in peer_runs(run, "val")]  # it learnt from them
    panel = pool_predictions(run, "val")
    assert panel.probabilities.shape == (len(run.evaluate("val").labels), 10)
    np.testing.assert_allclose(panel.probabilities.sum(1), 1, rtol=1e-5)


def test_one_without_answers_is_passed_over_and_the_training_split_is_not_asked(run_id):
    run = dl.open_run(run_id)
    twin = run.record.model_copy(update={"id": "twin-00000001"})
    store.add_run(twin)
    assert len(peer_runs(run, "test")) == 2
    assert [peer.id for peer in pool_predictions(run, "test").runs] == [run_id]
    with pytest.raises(RunError, match="test or val"):
        pool_predictions(run, "train")
    (run_folder.run_folder(run_id) / run_folder.PREDICTIONS).unlink()
    with pytest.raises(RunError, match="has saved predictions"):
        pool_predictions(run, "test")


def test_at_most_twenty_are_asked(run_id):
    run = dl.open_run(run_id)
    for i in range(MOST_PEERS + 3):
        store.add_run(run.record.model_copy(update={"id": f"many-{i:08d}", "seed": i}))
    assert len(peer_runs(run, "test")) == MOST_PEERS


def test_the_training_images_of_a_run_are_asked_once(run_id, optdigits):
    from digitlab.analysis.label_issues import find_train_label_issues, has_train_label_issues

    run, told = dl.open_run(run_id), []
    assert not has_train_label_issues(run, "network")
    found = find_train_label_issues(run, optdigits.train, "network", lambda *at: told.append(at))
    assert sorted(found.position.tolist()) == list(range(len(optdigits.train)))
    assert told[-1] == ("Cross-validating", 5, 5)
    assert has_train_label_issues(run, "network")
    again = find_train_label_issues(
        run, optdigits.train, "network", lambda *at: told.append("again")
    )
    assert again.position.tolist() == found.position.tolist()
    assert "again" not in told
    with pytest.raises(dl.DigitlabError, match="not 'rumours'"):
        find_train_label_issues(run, optdigits.train, "rumours")
