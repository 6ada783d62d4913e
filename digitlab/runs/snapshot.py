"""The last snapshot of a network in training: confusion matrix, some predictions, filters."""

from __future__ import annotations

import contextlib
import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab import files
from digitlab.errors import StoreError
from digitlab.runs import run_folder

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset
    from digitlab.training.events import Snapshot

FILE = "live.safetensors"


@dataclass(frozen=True)
class SavedSnapshot:
    """A network at some step. Counts int64 [C, C] of true (row) and read (column) classes; some
    images uint8 [k, 1, H, W] with labels int64 [k] and probabilities float32 [k, C]; the first
    layer's weights float32 [n, h, w] (n = 0 where they are no images); ReLUs by name with the
    share of their channels that no image makes positive. An autoencoder has no classes (C = 0), but
    what it makes of the images, uint8 like them."""

    step: int
    epoch: float
    split: str
    confusion: np.ndarray
    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    filters: np.ndarray
    silent: dict[str, float]
    reconstructions: np.ndarray | None = None


def write_snapshot(run_id: str, snapshot: Snapshot, data: Dataset) -> None:
    """Write a snapshot; one that cannot be written is skipped."""
    from safetensors.numpy import save

    split = data.split(snapshot.split)
    rows = list(snapshot.rows)
    tensors = {
        "confusion": snapshot.confusion.numpy(),
        "images": split.images[rows].cpu().numpy(),
        "labels": split.labels[rows].cpu().numpy(),
        "probabilities": snapshot.probabilities.numpy(),
        "filters": np.zeros((0, 1, 1), np.float32)
        if snapshot.filters is None
        else snapshot.filters.numpy(),
    }
    if snapshot.reconstructions is not None:
        tensors["reconstructions"] = snapshot.reconstructions.numpy()
    values = {name: getattr(snapshot, name) for name in ("step", "epoch", "split", "silent")}
    content = save(
        {name: np.ascontiguousarray(value) for name, value in tensors.items()},
        metadata={"values": json.dumps(values)},
    )
    with contextlib.suppress(StoreError):
        files.write_atomically(run_folder.run_folder(run_id) / FILE, content, durable=False)


def snapshot_version(run_id: str) -> tuple[int, int] | None:
    """A value that changes with each new snapshot; None where there is none yet."""
    with contextlib.suppress(OSError):
        status = (run_folder.run_folder(run_id) / FILE).stat()
        return status.st_mtime_ns, status.st_size
    return None


def read_snapshot(run_id: str) -> SavedSnapshot | None:
    """The last snapshot of a run's network; None where there is none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    with contextlib.suppress(OSError, SafetensorError, ValueError, KeyError, struct.error):
        content = (run_folder.run_folder(run_id) / FILE).read_bytes()
        return SavedSnapshot(**run_folder.read_values(content), **load(content))
    return None
