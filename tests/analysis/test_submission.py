"""Kaggle's digit recogniser from end to end: train.csv in, test.csv answered, a submission out."""

from __future__ import annotations

import csv

import numpy as np
import pytest

import digitlab as dl
from digitlab.errors import RunError, UploadError


@pytest.fixture
def kaggle(mnist, tmp_path):
    """Kaggle's three files, made of 1,500 and 300 real images; and the answers."""
    rows = mnist.train.images[:1_500].flatten(1).numpy(), mnist.test.images[:300].flatten(1).numpy()
    head = ",".join(f"pixel{i}" for i in range(784))
    labels = mnist.train.labels[:1_500].numpy()
    table = np.column_stack([labels, rows[0]])
    np.savetxt(tmp_path / "train.csv", table, "%d", ",", header=f"label,{head}", comments="")
    np.savetxt(tmp_path / "test.csv", rows[1], "%d", ",", header=head, comments="")
    return tmp_path, mnist.test.labels[:300].numpy()


def test_from_train_csv_to_a_submission(kaggle):
    folder, labels = kaggle
    dl.add_dataset("digit-recognizer", folder / "train.csv")
    config = dl.TrainConfig(epochs=5, batch_size=64, device="cpu")
    run = dl.train("two-hidden-64-relu", "digit-recognizer", config, progress=False)
    path = dl.write_submission(run, folder / "test.csv", folder / "submission.csv")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["ImageId", "Label"]
    assert [int(row["ImageId"]) for row in rows] == list(range(1, 301))
    answers = np.array([int(row["Label"]) for row in rows])
    assert (answers == labels).mean() > 0.75
    assert (run.predict(dl.load_dataset("mnist").test.images[:300]).argmax(1) == answers).all()


def test_what_cannot_be_answered_is_refused(kaggle):
    folder, _ = kaggle
    with pytest.raises(UploadError, match="has labels: evaluate"):
        dl.write_submission("reader-cnn", folder / "train.csv", folder / "a.csv")
    with pytest.raises(RunError):
        dl.write_submission("nosuch", folder / "test.csv", folder / "a.csv")
    assert not (folder / "a.csv").exists()
