"""A run's folder: spec, recipe, environment, weights and predictions, written atomically.

    spec.yaml  config.json  environment.json    what was carried out, and where
    weights.safetensors                         what was learnt
    predictions.safetensors                     logits (or reconstruction errors) and labels of
                                                the validation and test split
    record.json  history.json                   the whole record and its curves
    graph.onnx                                  the network for ONNX Runtime: see `graph`
    error.txt                                   the traceback of a failed run
    checkpoints/  live.safetensors              training states, and the last snapshot
    stop  pause  lock                           requests, and the lock of the process that trains

Nothing is ever pickled: weights and predictions are safetensors, everything else is text.
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from digitlab.errors import RunError
from digitlab.files import is_locked, write_atomically, write_json, writing
from digitlab.runs import storage
from digitlab.runs.record import RunRecord, check_run_id
from digitlab.settings import read_settings

if TYPE_CHECKING:
    import numpy as np
    import torch

SPEC = "spec.yaml"
CONFIG = "config.json"
ENVIRONMENT = "environment.json"
WEIGHTS = "weights.safetensors"
PREDICTIONS = "predictions.safetensors"
RECORD = "record.json"
HISTORY = "history.json"
GRAPH = "graph.onnx"
ERROR = "error.txt"
MANIFEST = "run.json"  # of a ZIP of such files
ARCHIVE_FORM = 1  # version of the ZIP's format
_STOP = "stop"
_PAUSE = "pause"
_LOCK = "lock"

ASSETS = Path(__file__).parent.parent / "assets"


def run_folder(run_id: str) -> Path:
    """The folder of a run, bundled or own; the id is checked before it becomes a path.

    StorageError where its files are in a bucket that cannot be read, and none of them here.
    """
    bundled = ASSETS / check_run_id(run_id)
    if bundled.is_dir():
        return bundled
    folder = read_settings().runs / run_id
    storage.fetch(run_id, folder)
    return folder


def write_record(record: RunRecord) -> str:
    """Write the record beside the run's files, from which a lost store is rebuilt.

    The folder is whole then, and is put into the bucket, where there is one; why it could not be.
    """
    folder = run_folder(record.id)
    write_json(folder / RECORD, record.model_dump())
    return storage.send(record.id, folder)


def read_tensors(path: Path, run_id: str) -> dict[str, torch.Tensor]:
    """Tensors by name; RunError where the file is missing or damaged."""
    from safetensors.torch import load_file

    return _read(path, run_id, load_file)


def read_arrays(path: Path, run_id: str) -> dict[str, np.ndarray]:
    """Tensors by name as arrays, read without torch; raises as `read_tensors` does."""
    from safetensors.numpy import load_file

    return _read(path, run_id, load_file)


def _read(path: Path, run_id: str, load_file: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    from safetensors import SafetensorError

    if not path.is_file():
        raise RunError(
            f"Run {run_id} has no {path.name}: it ended before it was written, or the file was "
            "deleted. Train it again.",
            run_id=run_id,
        )
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError) as e:
        raise RunError(
            f"Run {run_id} cannot be opened: {path} is damaged ({e}). Train it again.",
            run_id=run_id,
        ) from e


def read_answers(
    run_id: str, split: str, kind: str = "logits"
) -> tuple[np.ndarray, np.ndarray] | None:
    """A run's saved logits float32 [N, C] on a split, and its labels int64 [N]; None if unsaved.

    Of an autoencoder, the `kind` "errors" float32 [N] takes the place of logits. Raises RunError
    where the file is damaged.
    """
    path = run_folder(run_id) / PREDICTIONS
    saved = read_arrays(path, run_id) if path.is_file() else {}
    if not {f"{split}_{kind}", f"{split}_labels"} <= saved.keys():
        return None
    return saved[f"{split}_{kind}"].astype("float32"), saved[f"{split}_labels"].astype("int64")


def read_values(content: bytes) -> dict[str, Any]:
    """The plain values that were saved with the tensors in a safetensors file's bytes.

    Raises ValueError, KeyError or struct.error where the bytes are of something else.
    """
    (length,) = struct.unpack("<Q", content[:8])  # of the header, by the format's rule
    return json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["values"])


def request_stop(run_id: str) -> None:
    """Ask the process that carries out the run to stop, even if it has only just started."""
    write_atomically(stop_file(run_id), "")


def stop_file(run_id: str) -> Path:
    """The file whose presence asks a run to stop."""
    return read_settings().runs / check_run_id(run_id) / _STOP


def request_pause(run_id: str) -> None:
    """Ask the process that carries out the run to save its state and exit."""
    write_atomically(pause_file(run_id), "")


def pause_file(run_id: str) -> Path:
    """The file whose presence asks a run to pause."""
    return read_settings().runs / check_run_id(run_id) / _PAUSE


def clear_requests(run_id: str) -> None:
    """Remove requests to stop or pause, before a run is resumed."""
    for file in (stop_file(run_id), pause_file(run_id)):
        file.unlink(missing_ok=True)


def run_lock(run_id: str) -> FileLock:
    """The lock that a run's process holds for as long as it lives, however it dies.

    Raises StoreError where the run's folder cannot be made.
    """
    folder = read_settings().runs / check_run_id(run_id)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return FileLock(lock_file(run_id))


def lock_file(run_id: str) -> Path:
    """The file that is locked by the process that carries out the run."""
    return read_settings().runs / check_run_id(run_id) / _LOCK


def is_alive(run_id: str) -> bool:
    """Whether some process holds the run's lock now."""
    return is_locked(lock_file(run_id))


def remove_folder(run_id: str) -> None:
    """Delete a run's own folder with everything in it."""
    storage.remove(run_id)
    shutil.rmtree(read_settings().runs / check_run_id(run_id), ignore_errors=True)
