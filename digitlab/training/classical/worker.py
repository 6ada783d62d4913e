"""The process that fits a classical model to images in a folder and writes its arrays there.

    python -m digitlab.training.classical.worker FOLDER

FOLDER holds job.json, images.npy (uint8 [N, F]) and labels.npy (int64 [N]). The arrays of stage k
are written to stage-k.npz; messages go to stdout, one JSON object per line. The process ends when
its stdin is closed, which happens when the process that started it ends. Nothing is pickled, and
torch is not imported.
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

QUICK_IMAGES = 2_000  # of a quick fit, whose time gives an estimate for the whole one
_AHEAD = 2  # stages that may wait to be read


def fit(folder: Path) -> None:
    """Carry out the job in `folder` and send a message after each stage."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    images = np.load(folder / "images.npy", allow_pickle=False)
    labels = np.load(folder / "labels.npy", allow_pickle=False)
    kind, args = KINDS[job["name"]], _with_tuples(job["args"])
    values = images.astype(np.float32) * np.float32(job["scale"]) - np.float32(job["offset"])
    estimator = kind.make(args, job["seed"], job["threads"])
    send(started=True)
    _send_expected(kind, args, job, values, labels)
    start = time.perf_counter()
    for stage, rounds in stages(kind, args, estimator, values, labels):
        seconds = time.perf_counter() - start
        arrays = extract(kind.family, estimator, images, job["scale"], job["offset"])
        _write(folder, stage, arrays)
        send(stage=stage, rounds=rounds, seconds=seconds)
        start = time.perf_counter()
    send(done=True)


def stages(
    kind: Kind, args: dict[str, Any], estimator: Any, values: np.ndarray, labels: np.ndarray
) -> Iterator[tuple[int, int]]:
    """Fit stage by stage; yields the number of each stage, from 1, and of the rounds so far.

    The result is that of one call of `fit`, except for the MLP: scikit-learn shuffles the data a
    little differently when its epochs are run one by one, and the result is as good.
    """
    rounds = kind.rounds(args)
    if rounds == 1:
        estimator.fit(values, labels)
        yield 1, 1
    elif kind.family == "perceptron":
        # a generator instead of the seed, with which each call would repeat the same shuffles
        estimator.random_state = np.random.RandomState(estimator.random_state)
        for epoch in range(1, rounds + 1):
            estimator.partial_fit(values, labels, classes=np.unique(labels))
            yield epoch, epoch
            if estimator._no_improvement_count > estimator.n_iter_no_change:
                return  # as `fit` does: no improvement for so many epochs
    else:
        estimator.set_params(warm_start=True)
        for stage in range(1, kind.epochs(args) + 1):
            done = min(stage * kind.at_once, rounds)
            estimator.set_params(**{kind.stages: done})
            estimator.fit(values, labels)
            yield stage, done


def _send_expected(
    kind: Kind, args: dict[str, Any], job: dict[str, Any], values: np.ndarray, labels: np.ndarray
) -> None:
    """Estimate the seconds of the fit from a quick one on a part of the images."""
    n = len(labels)
    if kind.rounds(args) > 1 or n < 2 * QUICK_IMAGES:
        return
    rows = np.random.default_rng(0).permutation(n)[:QUICK_IMAGES]
    start = time.perf_counter()
    kind.make(args, job["seed"], job["threads"]).fit(values[rows], labels[rows])
    seconds = time.perf_counter() - start
    send(expected=seconds * (n / QUICK_IMAGES) ** kind.growth)


def _write(folder: Path, stage: int, arrays: dict[str, np.ndarray]) -> None:
    while (folder / f"stage-{stage - _AHEAD}.npz").exists():
        time.sleep(0.02)
    temporary = folder / "writing.npz"
    np.savez(temporary, allow_pickle=False, **arrays)
    temporary.replace(folder / f"stage-{stage}.npz")


def _with_tuples(args: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in args.items()}


def send(**message: Any) -> None:
    """Write one line of JSON for the process that started this one."""
    print(json.dumps(message), flush=True)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> None:
    """Fit; if scikit-learn refuses the arguments, send its error."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit(Path(sys.argv[1]))
        except (ValueError, TypeError, MemoryError) as e:  # of scikit-learn
            send(error=" ".join(str(e).split())[:400] or type(e).__name__)
    if any(w.category.__name__ == "ConvergenceWarning" for w in caught):
        send(unconverged=True)
    os._exit(0)  # without waiting for the thread that reads stdin


if __name__ == "__main__":
    main()
