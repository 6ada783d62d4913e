"""Trains the bundled runs and puts them here: `python -m digitlab.assets.make [NAME …]`.

`reader` takes half an hour on two cores and needs Pendigits beside MNIST in DIGITLAB_DATA (see
`make_reader`), `record` and `tiny` some ten minutes each, the others seconds to a few minutes.
With `--from-home`, finished runs of the same experiments in this home are taken instead. What is
written is exactly a run's folder; its record names the recipe, seed, versions and machine.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import digitlab as dl
from digitlab import files
from digitlab.assets.make_reader import fold_no_digit, train_reader
from digitlab.errors import RunError
from digitlab.exports.kept_graph import keep_graph
from digitlab.runs import run_folder

FILES = (
    run_folder.SPEC,
    run_folder.CONFIG,
    run_folder.ENVIRONMENT,
    run_folder.WEIGHTS,
    run_folder.PREDICTIONS,
)

READER_OF_DRAWINGS = "reader"
Change = Callable[[dl.Run, Path], dict[str, object]]

# Strangers' digits are slanted, thick, thin, large and off centre: the reader is trained on such.
READER = dl.Augmentation(rotation=12, shift=0.06, scale=0.12, shear=12, thickness=0.5)
# One of each classic family, by its preset's own recipe: (preset, title, changes of the recipe).
RUNS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "reader-cnn": (
        "cnn-small",
        "Reader: small CNN",
        {"epochs": 15, "augmentation": READER.model_dump(), "seed": 0},
    ),
    "logistic": ("logistic-regression-tuned", "Logistic regression", {}),
    "bayes": ("naive-bayes", "Naive Bayes", {}),
    "mlp": ("two-hidden-64-relu", "Two hidden layers of 64", {}),
    "lenet": ("lenet-5", "LeNet-5", {}),
    "tiny": ("tiny", "Tiny CNN", {}),
    "fast": ("fast", "CNN of one epoch", {}),
    "record": ("record", "Record CNN", {}),
}


def make(asset: str, *, from_home: bool = False) -> dl.Run:
    """Train one bundled run and replace its folder; its record says that it is bundled."""
    if asset == READER_OF_DRAWINGS:
        return bundle(train_reader(), asset, fold_no_digit)
    model, title, changes = RUNS[asset]
    config = dl.TrainConfig.from_dict({**dl.load_preset(model).recipe, **changes})
    done = _finished(model, config) if from_home else None
    return bundle(done or dl.train(model, dl.load_dataset("mnist"), config), asset, _titled(title))


def _finished(model: str, config: dl.TrainConfig) -> dl.Run | None:
    """A run of this home that carried out the same experiment."""
    from digitlab.execution.prepare import plan

    experiment = plan(model, "mnist", config)
    for run in dl.list_runs(bundled=False):
        same = run.experiment.same_but_seed(experiment) and run.config.seed == config.seed
        if same and run.record.status == "finished" and not run.record.members:
            return run
    return None


def _titled(title: str) -> Change:
    """Name the bundled run, and keep its labels in a byte each: there are many."""

    def change(run: dl.Run, target: Path) -> dict[str, object]:
        saved = run_folder.read_tensors(run.folder / run_folder.PREDICTIONS, run.id)
        small = {k: v.to(torch.uint8) if k.endswith("_labels") else v for k, v in saved.items()}
        files.write_tensors(target / run_folder.PREDICTIONS, small)
        return {"name": title}

    return change


def bundle(run: dl.Run, asset: str, change: Change | None = None) -> dl.Run:
    """Put a finished run into this folder as `asset`; `change` may rewrite files and fields."""
    if run.record.status != "finished":
        raise RunError(f"{run} was not finished: {asset} stays as it is.", run_id=run.id)
    target = run_folder.ASSETS / asset
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for name in FILES:
        shutil.copyfile(run.folder / name, target / name)
    fields = change(run, target) if change else {}
    record = run.record.changed(**fields, id=asset, executor="bundled")
    files.write_json(target / run_folder.RECORD, record.model_dump())
    history = {"steps": run.history.steps, "epochs": run.history.epochs}
    files.write_atomically(target / run_folder.HISTORY, json.dumps(_rounded(history)))
    bundled = dl.open_run(asset)
    keep_graph(bundled)
    return bundled


def _rounded(value: Any) -> Any:
    """The same with five significant digits: curves need no more, and the file halves."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


if __name__ == "__main__":
    names = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    for chosen in names or (*RUNS, READER_OF_DRAWINGS):
        print(make(chosen, from_home="--from-home" in sys.argv))
