"""The process that fits a classical model: images and a job in a folder → arrays in that folder.

    python -m digitlab.training.classical.worker FOLDER

FOLDER holds job.json, images.npy (uint8 [N, F]) and labels.npy (int64 [N]). The arrays of stage k
are written as stage-k.npz; what happens is told on stdout, one JSON object a line. It ends when its
stdin is closed, that is with the process that started it. Nothing is pickled, and torch is not
imported.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from digitlab.models.classical.catalog import KINDS, Kind
from digitlab.models.classical.extract import extract

QUICK_IMAGES = 2_000  # of the fit whose time tells how long the whole one takes
_AHEAD = 2  # stages that may wait to be read


def fit(folder: Path) -> None:
    """Carry out the job in `folder`, telling of each stage."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    images = np.load(folder / "images.npy", allow_pickle=False)
    labels = np.load(folder / "labels.npy", allow_pickle=False)
    kind, args = KINDS[job["name"]], _with_tuples(job["args"])
    values = images.astype(np.float32) * np.float32(job["scale"]) - np.float32(job["offset"])
    estimator = kind.make(args, job["seed"], job["threads"])
    tell(begun=True)
    _tell_expected(kind, args, job, values, labels)
    began = time.perf_counter()
    for stage, rounds in stages(kind, args, estimator, values, labels):
        seconds = time.perf_counter() - began
        arrays = extract(kind.family, estimator, images, job["scale"], job["offset"])
        _write(folder, stage, arrays)
        tell(stage=stage, rounds=rounds, seconds=seconds)
        began = time.perf_counter()
    tell(done=True)


def stages(
    kind: Kind, args: dict[str, Any], estimator: Any, values: np.ndarray, labels: np.ndarray
) -> Iterator[tuple[int, int]]:
    """Fit stage by stage; yields the number of each, from 1, and the rounds learnt so far.

    The result after the last is that of one call of `fit`; of the MLP, whose epochs scikit-learn
    shuffles a little differently one by one, it is as good as that.
    """
    rounds = kind.rounds(args)
    if rounds == 1:
        estimator.fit(values, labels)
        yield 1, 1
    elif kind.family == "perceptron":
        # a generator in place of its seed: each call would begin the same shuffles again
        estimator.random_state = np.random.RandomState(estimator.random_state)
        for epoch in range(1, rounds + 1):
            estimator.partial_fit(values, labels, classes=np.unique(labels))
            yield epoch, epoch
            if estimator._no_improvement_count > estimator.n_iter_no_change:
                return  # as `fit` ends: nothing gained for so many epochs
    else:
        estimator.set_params(warm_start=True)
        for stage in range(1, kind.epochs(args) + 1):
            upto = min(stage * kind.at_once, rounds)
            estimator.set_params(**{kind.stages: upto})
            estimator.fit(values, labels)
            yield stage, upto


def _tell_expected(
    kind: Kind, args: dict[str, Any], job: dict[str, Any], values: np.ndarray, labels: np.ndarray
) -> None:
    """Say how long the fit is likely to take, from a quick one on a part of the images."""
    n = len(labels)
    if kind.rounds(args) > 1 or n < 2 * QUICK_IMAGES:
        return
    some = np.random.default_rng(0).permutation(n)[:QUICK_IMAGES]
    began = time.perf_counter()
    kind.make(args, job["seed"], job["threads"]).fit(values[some], labels[some])
    seconds = time.perf_counter() - began
    tell(expected=seconds * (n / QUICK_IMAGES) ** kind.growth)


def _write(folder: Path, stage: int, arrays: dict[str, np.ndarray]) -> None:
    while (folder / f"stage-{stage - _AHEAD}.npz").exists():
        time.sleep(0.02)
    temporary = folder / "writing.npz"
    np.savez(temporary, allow_pickle=False, **arrays)
    temporary.replace(folder / f"stage-{stage}.npz")


def _with_tuples(args: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in args.items()}


def tell(**said: Any) -> None:
    """One line of JSON for the process that started this one."""
    print(json.dumps(said), flush=True)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> None:
    """Fit, and tell what went wrong where scikit-learn refuses."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit(Path(sys.argv[1]))
        except (ValueError, TypeError, MemoryError) as e:  # what scikit-learn raises for arguments
            tell(error=" ".join(str(e).split())[:400] or type(e).__name__)
    unconverged = [w for w in caught if w.category.__name__ == "ConvergenceWarning"]
    if unconverged:
        tell(unconverged=True)
    os._exit(0)  # not waiting for the thread that reads stdin


if __name__ == "__main__":
    main()
