"""Trains the bundled runs and puts them into this folder: `python -m digitlab.assets.make`.

`reader-cnn` takes a few minutes on two cores and needs MNIST in DIGITLAB_DATA; `reader` takes half
an hour and needs Pendigits, too (see `make_reader`). What is written beside each other is exactly
a run's folder; its record names the recipe, seed, versions and machine.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import digitlab as dl
from digitlab.assets.make_reader import fold_no_digit, train_reader
from digitlab.errors import RunError
from digitlab.runs import artifacts

FILES = (
    artifacts.SPEC,
    artifacts.CONFIG,
    artifacts.ENVIRONMENT,
    artifacts.WEIGHTS,
    artifacts.PREDICTIONS,
)

# Strangers' digits are slanted, thick, thin, large and off centre: the reader is trained on such.
READER = dl.Augmentation(rotation=12, shift=0.06, scale=0.12, shear=12, thickness=0.5)
RUNS = {
    "reader-cnn": (
        "cnn-small",
        "Reader: small CNN",
        {"epochs": 15, "augmentation": READER.model_dump(), "seed": 0},
    ),
}


READER_OF_DRAWINGS = "reader"

Change = Callable[[dl.Run, Path], dict[str, object]]


def make(asset: str) -> dl.Run:
    """Train one bundled run and replace its folder; its record says that it is bundled."""
    if asset == READER_OF_DRAWINGS:
        return bundle(train_reader(), asset, fold_no_digit)
    model, title, changes = RUNS[asset]
    config = dl.TrainConfig.from_dict({**dl.load_preset(model).recipe, **changes})
    return bundle(dl.train(model, dl.load_dataset("mnist"), config, name=title), asset)


def bundle(run: dl.Run, asset: str, change: Change | None = None) -> dl.Run:
    """Put a finished run into this folder as `asset`; `change` may rewrite files and fields."""
    if run.record.status != "finished":
        raise RunError(f"{run} was not finished: {asset} stays as it is.", run_id=run.id)
    target = artifacts.ASSETS / asset
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for name in FILES:
        shutil.copyfile(run.folder / name, target / name)
    fields = change(run, target) if change else {}
    record = run.record.model_copy(update={**fields, "id": asset, "executor": "bundled"})
    artifacts.write_json(target / artifacts.RECORD, record.model_dump())
    history = {"steps": run.history.steps, "epochs": run.history.epochs}
    artifacts.write_atomically(target / artifacts.HISTORY, json.dumps(_rounded(history)))
    return dl.open_run(asset)


def _rounded(value: Any) -> Any:
    """The same with five significant digits: curves need no more, and the file halves."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


if __name__ == "__main__":
    for chosen in sys.argv[1:] or (*RUNS, READER_OF_DRAWINGS):
        print(make(chosen))
