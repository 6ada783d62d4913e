"""Checkpoints: a training's whole state on disk, from which it can be resumed.

A checkpoint's file name holds its step and a digest of its content. One whose digest does not
match is damaged, and the one before it is used; the newest two are kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab import files
from digitlab.runs import run_folder, storage

if TYPE_CHECKING:
    from digitlab.training.state import TrainState

FOLDER = "checkpoints"
KEPT = 2
_NAME = re.compile(r"(\d{12})-([0-9a-f]{32})\.safetensors")


def save_state(run_id: str, state: TrainState) -> float:
    """Write a checkpoint, then delete all but the newest two; the seconds that it took.

    Raises StoreError where it could not be written; earlier ones are then still there.
    """
    from safetensors.torch import save

    began = time.monotonic()
    content = save(state.tensors, metadata={"values": json.dumps(state.values)})
    name = f"{state.step:012d}-{_digest(content)}.safetensors"
    files.write_atomically(_folder(run_id) / name, content)
    for path in _newest_first(run_id)[KEPT:]:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    return time.monotonic() - began


def load_state(run_id: str) -> TrainState | None:
    """The newest checkpoint that is whole; None where there is none."""
    return next((state for path in _newest_first(run_id) if (state := _read(path))), None)


def has_state(run_id: str) -> bool:
    """Whether there is a checkpoint, whole or not."""
    return bool(_newest_first(run_id))


def _folder(run_id: str) -> Path:
    return run_folder.run_folder(run_id) / FOLDER


def _newest_first(run_id: str) -> list[Path]:
    folder = _folder(run_id)
    storage.fetch(run_id, folder.parent, states=True)
    try:
        paths = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    except OSError:
        return []
    return sorted(paths, reverse=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _read(path: Path) -> TrainState | None:
    from safetensors import SafetensorError
    from safetensors.torch import load

    from digitlab.training.state import TrainState

    with contextlib.suppress(OSError, SafetensorError, ValueError, KeyError, struct.error):
        content = path.read_bytes()
        if _digest(content) == _NAME.fullmatch(path.name)[2]:
            return TrainState(load(content), run_folder.read_values(content))
    return None


def read_weights(run_id: str) -> dict[str, object]:
    """A run's weights: those it ended with, or else those of its newest checkpoint.

    Raises RunError where it has neither.
    """
    path = run_folder.run_folder(run_id) / run_folder.WEIGHTS
    if not path.is_file() and (state := load_state(run_id)):
        return state.weights
    return run_folder.read_tensors(path, run_id)


def has_weights(run_id: str) -> bool:
    """Whether a run has weights that can be opened."""
    return (run_folder.run_folder(run_id) / run_folder.WEIGHTS).is_file() or has_state(run_id)
