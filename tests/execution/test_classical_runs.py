"""Classical models as runs: fitted, saved without pickle, opened again, drawn at, stopped."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import digitlab as dl
from digitlab.analysis.recognize import find_calibrated_predictor
from digitlab.cli import main
from digitlab.errors import ExportError, RunError
from digitlab.execution.control import Control
from digitlab.execution.execute import execute
from digitlab.execution.prepare import new_record, plan
from digitlab.exports.pytorch import standalone
from digitlab.runs import run_folder, store

RECIPE = dl.TrainConfig(subset=300, normalization="none")
FAMILIES = {
    "linear": ("LogisticRegression", {"max_iter": 500}),
    "svm": ("SVC", {"C": 5}),
    "neighbours": ("KNeighborsClassifier", {"n_neighbors": 3}),
    "forest": ("RandomForestClassifier", {"n_estimators": 20}),
    "boosting": ("HistGradientBoostingClassifier", {"max_iter": 5, "max_leaf_nodes": 8}),
    "bayes": ("GaussianNB", {"var_smoothing": 0.01}),
    "mlp": ("MLPClassifier", {"max_iter": 10}),
}


def spec_of(family):
    name, args = FAMILIES[family]
    return dl.ModelSpec(name=family, layers=[{f"sklearn/{name}": args}])


@pytest.fixture
def fit(optdigits):
    """A function that fits a family to 300 images of optdigits and returns the run."""

    def one(family, **recipe):
        return dl.train(spec_of(family), optdigits, RECIPE.changed(**recipe), progress=False)

    return one


def check_run(run, family, data):
    """That a finished run is whole: its record, its files, what it answers, how it draws."""
    record = run.record
    assert record.status == "finished"
    assert record.epochs == record.epochs_done == record.step == record.total_steps
    assert record.epochs == {"forest": 2, "mlp": 10}.get(family, 1)
    assert record.data.train_images == 300
    assert record.test_accuracy > 0.7
    assert record.message == "" or "max_iter" in record.message
    assert len(run.history.epochs) == record.epochs

    again = dl.open_run(run.id)
    weights = load_file(again.folder / run_folder.WEIGHTS)
    fitted = sum(array.numel() for name, array in weights.items() if name != "0.classes")
    assert record.parameters == fitted
    images, labels = data.test.images, data.test.labels.numpy()
    answers = again.predict(images).argmax(1)
    assert np.array_equal(answers, again.evaluate("test").predictions)
    assert (answers == labels).mean() == record.test_accuracy
    drawing = Image.fromarray(255 - images[0, 0].numpy()).resize((200, 200))
    (digit,) = dl.recognize(drawing, run.id).digits
    image = digit.framed.image[None, None]
    expected = find_calibrated_predictor(again)(image)[0]
    assert digit.probabilities == pytest.approx(expected, abs=1e-6)
    assert expected.argmax() == again.predict(image)[0].argmax()
    assert digit.label == int(expected.argmax())


# Runs each script in a folder of its own, and would fail if any of them took digitlab along.
SCRIPTS = """
import os, runpy, sys, warnings
warnings.simplefilter("ignore")
for family in sys.argv[1:]:
    os.chdir(family)
    print(family)
    sys.argv = ["model.py", ".."]
    runpy.run_path("model.py", run_name="__main__")
    os.chdir("..")
assert not any(name.startswith(("digitlab", "torch")) for name in sys.modules)
"""


def test_every_family_is_fitted_saved_opened_drawn_at_and_written_as_a_script(
    fit, optdigits, tmp_path
):
    whole = dl.load_dataset("optdigits", val_fraction=0)
    np.savez(
        tmp_path / "data.npz",
        train_images=whole.train.images,
        train_labels=whole.train.labels,
        test_images=whole.test.images,
        test_labels=whole.test.labels,
    )
    runs = {}
    for family in FAMILIES:
        normalization = "dataset" if family == "linear" else "none"
        runs[family] = run = fit(family, normalization=normalization, seed=4)
        check_run(run, family, optdigits)
        (tmp_path / family).mkdir()
        text = standalone(run.experiment)
        (tmp_path / family / "model.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "-c", SCRIPTS, *FAMILIES],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for family, run in runs.items():
        said = done.stdout.partition(f"{family}\n")[2]
        assert f"validation accuracy {run.record.val_accuracy:.4f}" in said.splitlines()[0]
        predictions = np.load(tmp_path / family / "predictions.npy")
        assert np.array_equal(predictions, run.evaluate("test").predictions), family


def test_nothing_in_its_folder_is_a_pickle(fit):
    run = fit("forest")
    names = {path.name for path in run.folder.iterdir()}
    assert {"weights.safetensors", "predictions.safetensors", "spec.yaml"} <= names
    for path in run.folder.iterdir():
        assert path.suffix not in (".pkl", ".joblib", ".npz", ".npy")


def test_the_subset_is_what_train_means_afterwards(fit):
    run = fit("svm")
    data = run.load_data()
    assert len(data.train) == 300
    assert run.evaluate("train").n == 300
    assert run.evaluate("train").accuracy == run.record.train_accuracy


def test_a_tampered_file_is_refused_in_a_sentence(fit):
    run = fit("forest")
    path = run.folder / run_folder.WEIGHTS
    arrays = load_file(path)
    arrays["0.left"] = torch.zeros_like(arrays["0.left"])  # every node its own ancestor
    save_file(arrays, path)
    with pytest.raises(RunError, match="fitted arrays"):
        dl.open_run(run.id).predict(torch.zeros(1, 1, 28, 28, dtype=torch.uint8))
    path.write_bytes(b"no safetensors")
    with pytest.raises(RunError, match="damaged"):
        dl.open_run(run.id).predict(torch.zeros(1, 1, 28, 28, dtype=torch.uint8))


def test_a_stopped_fit_says_that_nothing_was_learnt(mnist):
    spec = dl.ModelSpec(name="slow", layers=[{"sklearn/SVC": {"C": 100}}])
    record = new_record(
        plan(spec, mnist, dl.TrainConfig()), status="running", executor="foreground"
    )
    control = Control(record.id)

    def stop_when_it_fits(event):
        if "so far" in getattr(event, "text", ""):
            assert store.get_record(record.id).message == event.text
            assert event.text.startswith("Fitting SVC on 54,000 images")
            control.press()

    run = execute(record, mnist, stop_when_it_fits, control)
    assert run.record.status == "stopped"
    assert "learnt nothing" in run.record.message
    assert run.record.epochs_done == 0
    assert not (run.folder / run_folder.WEIGHTS).exists()
    with pytest.raises(RunError, match="no weights"):
        run.predict(mnist.test.images[:1])


def test_a_stopped_forest_keeps_its_stages(optdigits):
    spec = dl.ModelSpec(name="big", layers=[{"sklearn/MLPClassifier": {"max_iter": 900, "tol": 0}}])
    record = new_record(plan(spec, optdigits, RECIPE), status="running", executor="foreground")
    assert record.epochs == 900
    control = Control(record.id)

    def stop_when_learnt(event):
        if getattr(event, "epoch", 0) >= 3:
            control.press()

    run = execute(record, optdigits, stop_when_learnt, control)
    assert run.record.status == "stopped"
    assert run.record.kept_epoch == run.record.epochs_done >= 3
    assert run.record.test_accuracy > 0.5


def test_what_scikit_learn_refuses_ends_the_run_with_its_reason(optdigits):
    with pytest.raises(dl.DigitlabError, match="normalization"):
        dl.train("sklearn/MultinomialNB", optdigits, dl.TrainConfig(subset=100), progress=False)
    assert dl.open_run("latest").record.status == "failed"


def test_the_command_line_fits_with_a_setting(capsys, home):
    with pytest.raises(SystemExit) as left:
        main(["train", "svm", "--dataset", "optdigits", "--set", "subset=200", "--json"])
    assert not left.value.code
    row = json.loads(capsys.readouterr().out)
    assert (row["status"], row["epochs"]) == ("finished", 1)
    run = dl.open_run(row["run_id"])
    assert run.record.data.train_images == 200
    assert run.evaluate("test").accuracy == row["test_accuracy"]


def test_a_classical_model_has_no_onnx_graph():
    with pytest.raises(ExportError, match="no ONNX"):
        dl.export("svm", "onnx")
    with pytest.raises(ExportError, match="no weights before it is fitted"):
        dl.export("svm", "safetensors")
