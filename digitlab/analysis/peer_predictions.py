"""Peer predictions: what other runs predicted for the same image, from their saved logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from digitlab.errors import RunError
from digitlab.evaluation.softmax import softmax
from digitlab.runs import run_folder
from digitlab.runs.run import list_runs

if TYPE_CHECKING:
    import numpy as np

    from digitlab.runs.run import Run

MOST = 100  # runs that are read, the newest first
RECENT_RUNS = 500  # newest own runs


class PeerPrediction(NamedTuple):
    """What a run read an image as, and with which probability, 0…1."""

    run: Run
    label: int
    confidence: float


def peer_predictions(run: Run, split: str, position: int) -> list[PeerPrediction]:
    """The predictions of all other runs on the same data, the newest run first.

    The same data is that of the same fingerprint and, for the validation split, divided in the
    same way. Runs whose predictions are missing or damaged are skipped.
    """
    predictions = []
    recent = list_runs(limit=RECENT_RUNS)
    peers = [other for other in recent if other.id != run.id and same_images(run, other, split)]
    for other in peers[:MOST]:
        logits = _row(other, split, position)
        if logits is None or len(logits) != len(run.classes):
            continue
        label = int(logits.argmax())
        predictions.append(PeerPrediction(other, label, _probability(logits, label)))
    return predictions


def same_images(run: Run, other: Run, split: str) -> bool:
    """Whether two runs have the same images in that split of their own data."""
    fingerprints = run.record.data.fingerprint and other.record.data.fingerprint
    return bool(fingerprints) and run.record.split.same_images(other.record.split, split)


def _row(run: Run, split: str, position: int) -> np.ndarray | None:
    """One row of a run's logits, without reading the others."""
    from safetensors import SafetensorError, safe_open

    path = run.folder / run_folder.PREDICTIONS
    name = f"{split}_logits"
    try:
        with safe_open(path, framework="np") as saved:
            if name not in saved.keys():  # noqa: SIM118 - it is no mapping
                return None
            rows = saved.get_slice(name)
            if not 0 <= position < rows.get_shape()[0]:
                return None
            return rows[position : position + 1][0].astype("float32")
    except (OSError, SafetensorError, RunError):
        return None


def _probability(logits: np.ndarray, label: int) -> float:
    return float(softmax(logits[None])[0, label])
