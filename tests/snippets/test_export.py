"""The lines under the cells that export, import and join runs: every one runs as it stands."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab.exports.export import formats_of, subject_of
from digitlab.jobs import queue
from digitlab.snippets import export
from tests.snippets.snippet_runner import execute, untested


def test_tables(run_id, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = dl.open_run(run_id)
    formats = formats_of(subject_of(run), "results")
    execute(export.tables(run_id, "val", formats=formats))
    names = {path.name.removeprefix(f"{run_id}-") for path in tmp_path.glob("*.*")}
    tables = {"predictions.csv", "kaggle.csv", "classes.csv", "confusion.csv", "epochs.csv"}
    assert names == tables | {"predictions.npz"}
    lines = (tmp_path / f"{run_id}-kaggle.csv").read_text().splitlines()
    assert len(lines) == 1 + run.evaluate("val").n


def test_import_run(run_id, tmp_path):
    path = dl.export(dl.open_run(run_id), "zip", tmp_path / "run.zip")
    names, printed = execute(export.import_run(str(path)))
    assert names["run"].id != run_id
    assert "imported" in printed


def test_import_network(run_id, tmp_path):
    path = dl.export(dl.open_run(run_id), "onnx", tmp_path / "network.onnx")
    names, printed = execute(export.import_network(str(path), "optdigits"))
    assert names["run"].id != run_id
    assert "Trained elsewhere" in printed


@pytest.mark.parametrize("how", ["mean", "vote"])
def test_ensemble(run_id, how):
    twin = dl.train("logistic-regression", "optdigits", dl.TrainConfig(epochs=1), progress=False)
    names, printed = execute(export.ensemble([run_id, twin.id], how))
    assert names["together"].record.members == [run_id, twin.id]
    assert printed.count("\n") == 3


def test_more_seeds(run_id, monkeypatch):
    monkeypatch.setattr(queue, "launch_worker", lambda: None)
    _, printed = execute(export.more_seeds(run_id, 3))
    assert printed.count("\n") == 2


def test_leaderboard(run_id):
    names, printed = execute(export.leaderboard("optdigits"))
    assert run_id in printed
    assert names["figure"].data


def test_classic():
    recipe = {"epochs": 1, "test_curve": True}
    recipes = {f"two-hidden-{size}-relu": recipe for size in (16, 64)}
    names, _ = execute(export.classic(recipes, "optdigits"))
    assert [run.record.model for run in names["runs"]] == list(recipes)
    assert len(names["figure"].data) == 6


def test_every_snippet_is_run_here():
    assert not untested(export, globals())
