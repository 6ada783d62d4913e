"""What a page calls a status, and how it tells of the balance of classes."""

from __future__ import annotations

import pytest

from digitlab.models.presets import load_preset
from digitlab.runs.record import RunRecord
from digitlab.ui import labels


def test_the_balance_of_classes_names_those_with_most_and_fewest_images():
    sentence = labels.describe_balance([100, 105], "ab")
    assert sentence.startswith("Well balanced")
    assert "class b has the most images, 105" in sentence
    assert "class a the fewest, 100" in sentence
    assert "1.05" in sentence


@pytest.mark.parametrize(
    ("counts", "word"),
    [([100, 150], "Slightly unbalanced"), ([100, 300], "Unbalanced"), ([0, 5], "no im")],
)
def test_an_imbalance_is_named_by_its_degree(counts, word):
    assert word in labels.describe_balance(counts, "ab")


def test_every_status_of_a_run_has_a_word_and_an_icon():
    statuses = set(RunRecord.model_fields["status"].annotation.__args__)
    assert set(labels.STATUS_WORDS) == set(labels.STATUS_ICONS) == statuses


def record(**fields) -> RunRecord:
    base = {"id": "x-00000001", "name": "lenet-5", "model": "lenet-5", "dataset": "mnist",
            "status": "finished", "spec": {"layers": ["ReLU"]}, "epochs": 10, "created": 0.0,
            "config": {**load_preset("lenet-5").recipe}, "data": {}}  # fmt: skip
    return RunRecord(**{**base, **fields})


def test_a_run_is_called_by_its_own_name_or_by_what_it_is_and_how_it_was_trained():
    assert labels.run_title(record()) == "LeNet-5 · 10 epochs · seed 0"
    config = {**record().config, "learning_rate": 0.1, "augmentation": {"rotation": 5.0}}
    changed = record(config=config, seed=3, epochs=1)
    expected = "LeNet-5 · learning rate 0.1 · rotation 5° · 1 epoch · seed 3"
    assert labels.run_title(changed) == expected
    assert labels.run_title(record(name="Mine")) == "Mine"
    assert labels.run_title(record(name="Mine", parent="y", seed=4)) == "Mine · seed 4"
    tuned = record(name="lenet-5, fine-tuned on me", parent="y", data={"start_from": "y"})
    assert labels.run_title(tuned) == "LeNet-5, fine-tuned on me"
    spec = {"layers": [{"sklearn/KNeighborsClassifier": {}}]}
    fitted = record(name="knn", model="knn", spec=spec, config={"normalization": "none"})
    assert labels.run_title(fitted) == "Nearest neighbours (scikit-learn) · seed 0"


def test_a_list_of_runs_is_named_by_what_differs_only():
    rates = [record(config={**record().config, "learning_rate": rate}) for rate in (0.1, 0.01)]
    assert labels.run_names(rates) == [
        "LeNet-5 · learning rate 0.1",
        "LeNet-5 · learning rate 0.01",
    ]
    assert labels.run_names(rates, brief=True) == ["learning rate 0.1", "learning rate 0.01"]
    pair = [record(), record(name="Mine")]
    assert labels.run_names(pair, brief=True) == ["LeNet-5", "Mine"]
    twins = [record(), record(id="x-abcd0002"), record(seed=1)]
    assert labels.run_names(twins, brief=True) == ["seed 0 · 0000", "seed 0 · abcd", "seed 1"]
