"""A classical model and its recipe as one Python file of plain scikit-learn, without digitlab."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from digitlab.data.dataset import choose
from digitlab.exports.dataset_code import load_code
from digitlab.models.classical.catalog import Kind, classical_args, classical_kind

if TYPE_CHECKING:
    from digitlab.runs.experiment import Experiment

_HEAD = '''"""{title} as plain scikit-learn, written by digitlab; needs {needs} only.

    python {file} [FOLDER]     fits it to the dataset in FOLDER, and saves predictions.npy

The images of each split are those that digitlab takes, so the predictions are the same.
"""

from __future__ import annotations

import sys

import numpy as np
from sklearn.{home} import {name}

# What the file was written from; digitlab reads it back when this file is pasted into it.
ARCHITECTURE = {architecture}

VAL_FRACTION = {val_fraction!r}
SPLIT_SEED = {split_seed!r}
SUBSET = {subset!r}  # at most so many training images; None: all
SEED = {seed!r}
MEAN, STD = {mean_std}
'''

_TORCHVISION = '''
def load(folder: str) -> tuple[np.ndarray, ...]:
    """Training and test images, uint8 [N, pixels], and labels, int64 [N]."""
    from torchvision import datasets

    train = datasets.{name}(folder, download=True, {train})
    test = datasets.{name}(folder, download=True, {test})
    parts = []
    for part in (train, test):
        images = np.array(part.data).astype(np.uint8){turned}
        labels = np.array(part.targets).astype(np.int64)
        parts += [images.reshape(len(images), -1), labels if labels.ndim == 1 else labels[:, 0]]
    return tuple(parts)
'''
_ARRAYS = '''
# digitlab makes FOLDER/data.npz: dl.export_dataset({dataset!r}, "data.npz")
def load(folder: str) -> tuple[np.ndarray, ...]:
    """Training and test images, uint8 [N, pixels], and labels, int64 [N], of FOLDER/data.npz."""
    with np.load(folder + "/data.npz") as arrays:
        names = ("train_images", "train_labels", "test_images", "test_labels")
        images, labels, test_images, test_labels = (arrays[name] for name in names)
    return images.reshape(len(images), -1), labels, test_images.reshape(len(test_images), -1), (
        test_labels
    )
'''

_ESTIMATOR = '''
def normalize(images: np.ndarray) -> np.ndarray:
    """Pixels from 0 to 255 as the numbers that the estimator sees, float32."""
    return images.astype(np.float32) * np.float32(1 / (255 * STD)) - np.float32(MEAN / STD)


def make_estimator() -> {name}:
    """The estimator before its fit."""
    return {call}


def fit(images: np.ndarray, labels: np.ndarray) -> {name}:
    """The estimator, fitted to normalised images [N, pixels]."""
    estimator = make_estimator()
{fit}    return estimator
'''
_FIT = "    estimator.fit(images, labels)\n"
_EPOCHS = """\
    # epoch by epoch, as digitlab does to show its progress, until nothing is gained any more
    estimator.random_state = np.random.RandomState(SEED)
    for _ in range(estimator.max_iter):
        estimator.partial_fit(images, labels, classes=np.unique(labels))
        if estimator._no_improvement_count > estimator.n_iter_no_change:
            break
"""

_MAIN = '''
def main(folder: str) -> None:
    """Fit, and print how many images of each split are read right."""
{measured}    images, labels, test_images, test_labels = load(folder)
    held_out = choose(labels, VAL_FRACTION, SPLIT_SEED)
    val_images, val_labels = images[held_out], labels[held_out]
    images, labels = images[~held_out], labels[~held_out]
    if SUBSET is not None and SUBSET < len(labels):
        subset = choose(labels, SUBSET / len(labels), SEED)
        images, labels = images[subset], labels[subset]
{measure}    estimator = fit(normalize(images), labels)
    if len(val_labels):
        print(f"validation accuracy {{estimator.score(normalize(val_images), val_labels):.4f}}")
    predictions = estimator.predict(normalize(test_images))
    print(f"test accuracy {{(predictions == test_labels).mean():.4f}}")
    np.save("predictions.npy", predictions)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "data")
'''
_MEASURE = """\
    levels, counts = np.arange(256) / 255.0, np.bincount(images.ravel(), minlength=256)
    share = counts / counts.sum()
    MEAN = float((levels * share).sum())
    STD = max(float(((levels - MEAN) ** 2 * share).sum()) ** 0.5, 1e-6)
"""
_MEAN_STD = {
    "dataset": "0.0, 1.0  # of the training pixels; `main` sets them",
    "half": "0.5, 0.5",
    "none": "0.0, 1.0",
}


def scikit_script(experiment: Experiment, *, file: str, title: str, text: str) -> str:
    """The file of a classical model; `text` is the architecture as a Python literal.

    Raises SpecError for a wrong spec, DatasetError for an unknown dataset.
    """
    from digitlab.models.build import sketch

    spec, recipe, split = experiment.spec, experiment.recipe, experiment.dataset
    sketch(spec)  # raises where the spec is wrong
    kind, args, load = (
        classical_kind(spec),
        classical_args(spec),
        load_code(split.name, _TORCHVISION, _ARRAYS, ".transpose(0, 2, 1)"),
    )
    by_epochs = kind.family == "perceptron" and kind.rounds(args) > 1
    measured = recipe.normalization == "dataset"
    head = _HEAD.format(
        title=title,
        needs="scikit-learn and torchvision" if "torchvision" in load else "scikit-learn",
        file=file,
        home=kind.home,
        name=kind.name,
        architecture=text,
        val_fraction=split.val_fraction,
        split_seed=split.split_seed,
        subset=recipe.subset,
        seed=recipe.seed % 2**32,
        mean_std=_MEAN_STD[recipe.normalization],
    )
    estimator = _ESTIMATOR.format(
        name=kind.name, call=_call(kind, args), fit=_EPOCHS if by_epochs else _FIT
    )
    main = _MAIN.format(
        measured="    global MEAN, STD\n" if measured else "",
        measure=_MEASURE if measured else "",
    )
    parts = (head, load, inspect.getsource(choose), estimator, main)
    return "\n\n".join(part.strip("\n") + "\n" for part in parts)


def _call(kind: Kind, args: Mapping[str, Any]) -> str:
    """`SVC(kernel="rbf", C=5)`: the arguments of the spec, and those that digitlab fixes."""
    arguments = {**kind.fixed, **{name: v for name, v in args.items() if name != "num_classes"}}
    if "random_state" in kind.estimator_class()._parameter_constraints:
        arguments["random_state"] = "SEED"
    written = [f"{name}={v if v == 'SEED' else _literal(v)}" for name, v in arguments.items()]
    line = f"{kind.name}({', '.join(written)})"
    if len(line) < 85:
        return line
    return f"{kind.name}(\n" + "".join(f"        {item},\n" for item in written) + "    )"


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
