"""The lines under the cells on datasets of one's own: each runs and says the truth."""

from __future__ import annotations

import numpy as np

import digitlab as dl
from digitlab.snippets import own_data
from tests.snippets.snippet_runner import execute, untested


def test_adding(tmp_path, monkeypatch, optdigits):
    monkeypatch.chdir(tmp_path)
    np.savez("mine.npz", images=optdigits.test.images, labels=optdigits.test.labels)
    names, printed = execute(own_data.adding("mine", "'mine.npz', paper='dark'", None, 0.5))
    assert names["images"].classes == optdigits.classes
    assert "bundled reader agrees" in printed
    assert abs(len(dl.load_dataset("mine").test) - len(optdigits.test) / 2) < 2
    execute(own_data.adding("named", "'mine.npz'", optdigits.classes))


def test_using(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, printed = execute(own_data.using("optdigits"))
    assert str(names["run"].evaluate("test").accuracy) in printed
    assert (tmp_path / "optdigits.npz").stat().st_size


def test_submitting(run_id, tmp_path, monkeypatch, optdigits):
    monkeypatch.chdir(tmp_path)
    rows = optdigits.test.images.flatten(1).numpy()
    head = ",".join(f"pixel{i}" for i in range(784))
    np.savetxt("test.csv", rows, "%d", ",", header=head, comments="")
    execute(own_data.submitting(run_id, "test.csv"))
    lines = (tmp_path / "submission.csv").read_text().splitlines()
    assert lines[0] == "ImageId,Label"
    assert len(lines) == len(rows) + 1


def test_every_snippet_is_run_here():
    assert not untested(own_data, globals())
