"""A run as a ZIP that another digitlab takes in: packed whole, unpacked only after every check.

    run.json                    what this is, and in which version of the form
    record.json  history.json   as they lie in the run's folder
    weights.safetensors         what was learnt
    predictions.safetensors     logits and labels of the validation and test split

An archive comes from anywhere. Nothing in it is executed or unpickled, no name in it becomes a
path, and nothing is read before its size is known to be in bounds: see `archive_checks`.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from digitlab import files
from digitlab.errors import ExportError, RunError, StoreError
from digitlab.exports.archive_checks import (
    FORM,
    MANIFEST,
    ArchiveError,
    checked_history,
    checked_record,
    open_run_archive,
    read_member,
)
from digitlab.exports.archive_tensors import checked_predictions, checked_weights
from digitlab.runs import checkpoints, run_folder, store
from digitlab.runs.record import RunRecord, new_run_id
from digitlab.runs.run import Run
from digitlab.settings import VERSION

if TYPE_CHECKING:
    import torch

MAX_FILE = 1_000_000_000  # bytes of an archive
IMPORTED = "imported"


def pack_run(run: Run) -> bytes:
    """The run as the bytes of a ZIP.

    Raises ExportError for a run that is not over, and for an ensemble: it is nothing without its
    members.
    """
    from safetensors.torch import save

    if run.record.active:
        raise ExportError(f"Run {run.id} is {run.record.status}: wait until it has ended.")
    if run.record.members:
        raise ExportError(f"Run {run.id} is an ensemble: take its members along one by one.")
    history = {"steps": run.history.steps, "epochs": run.history.epochs}
    texts = {
        MANIFEST: {"form": FORM, "producer": f"digitlab {VERSION}"},
        run_folder.RECORD: run.record.model_dump(),
        run_folder.HISTORY: history,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in texts.items():
            archive.writestr(name, json.dumps(files.finite(value), ensure_ascii=False))
        if checkpoints.has_weights(run.id):
            _store(archive, run_folder.WEIGHTS, save(checkpoints.read_weights(run.id)))
        predictions = run.folder / run_folder.PREDICTIONS
        if predictions.is_file():
            _store(archive, run_folder.PREDICTIONS, predictions.read_bytes())
    return buffer.getvalue()


def _store(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(name, content, zipfile.ZIP_STORED)  # floats hardly shrink


def import_run(file: str | Path | bytes | BinaryIO) -> Run:
    """Add the run in a ZIP that `pack_run` wrote to the store, and return it.

    `file` is a path, the ZIP's bytes, or a file opened for reading them. Its figures are measured
    anew from its predictions; a run whose id is taken gets a new one. It is marked as imported, in
    `record.data` and by a tag. Raises ArchiveError (a RunError) for anything that is not such a
    ZIP, whole and within bounds, SpecError for an architecture that is none or over a limit, and
    StoreError where it cannot be written.
    """
    with open_run_archive(_content(file)) as archive:
        record = checked_record(read_member(archive, run_folder.RECORD))
        history = checked_history(read_member(archive, run_folder.HISTORY, required=False))
        weights = checked_weights(read_member(archive, run_folder.WEIGHTS, required=False), record)
        classes = record.data["classes"]
        predictions = checked_predictions(
            read_member(archive, run_folder.PREDICTIONS, required=False), classes
        )
    if weights is None and not predictions:
        raise ArchiveError("The ZIP holds a record, but neither weights nor predictions.")
    return _keep(_marked(record, predictions), history, weights, predictions)


def _content(file: str | Path | bytes | BinaryIO) -> bytes:
    """The bytes, at most `MAX_FILE` of them."""
    if isinstance(file, bytes):
        content = file
    else:
        try:
            if isinstance(file, str | Path):
                with Path(file).open("rb") as opened:
                    content = opened.read(MAX_FILE + 1)
            else:
                content = file.read(MAX_FILE + 1)
        except OSError as e:
            raise ArchiveError(f"{file} cannot be read: {e.strerror or e}.") from e
    if len(content) > MAX_FILE:
        raise ArchiveError(f"The ZIP is larger than {MAX_FILE / 1e6:,.0f} MB; it is not read.")
    return content


def _marked(record: RunRecord, predictions: dict[str, torch.Tensor]) -> RunRecord:
    """The record as this store keeps it: figures from the predictions, and where it is from."""
    taken = store.find_ids(record.id) or run_folder.run_folder(record.id).exists()
    mark = {"id": record.id, "at": time.time()}
    tags = record.tags if IMPORTED in record.tags else [*record.tags, IMPORTED]
    values: dict[str, Any] = {
        "id": new_run_id(record.model) if taken else record.id,
        "executor": "foreground",
        "data": {**record.data, IMPORTED: mark},
        "tags": tags,
        **_measured(predictions, record.data["classes"]),
    }
    if record.status in ("paused", "interrupted", "queued", "running"):
        values["status"] = "stopped"  # what it would go on from is not in the ZIP
    return record.model_copy(update=values)


def _measured(predictions: dict[str, torch.Tensor], classes: list[str]) -> dict[str, Any]:
    from digitlab.evaluation.metrics import evaluate_logits

    columns: dict[str, Any] = {}
    for split in ("val", "test"):
        columns |= {f"{split}_loss": None, f"{split}_accuracy": None}
        if f"{split}_logits" in predictions:
            logits, labels = (predictions[f"{split}_{kind}"] for kind in ("logits", "labels"))
            result = evaluate_logits(logits.float().numpy(), labels.numpy(), classes)
            columns |= {f"{split}_loss": result.loss, f"{split}_accuracy": result.accuracy}
    return columns


def _keep(
    record: RunRecord,
    history: dict[str, list[Any]],
    weights: dict[str, torch.Tensor] | None,
    predictions: dict[str, torch.Tensor],
) -> Run:
    """Write the folder, then the store: a folder without its row is harmless, a row is not."""
    folder = run_folder.run_folder(record.id)
    try:
        if weights is not None:
            files.write_tensors(folder / run_folder.WEIGHTS, weights)
        if predictions:
            files.write_tensors(folder / run_folder.PREDICTIONS, predictions)
        plain = {name: [vars(row) for row in rows] for name, rows in history.items()}
        files.write_json(folder / run_folder.HISTORY, plain)
        files.write_atomically(folder / run_folder.SPEC, Run(record).spec.to_yaml())
        files.write_json(folder / run_folder.CONFIG, record.config)
        files.write_json(folder / run_folder.ENVIRONMENT, record.environment)
        files.write_json(folder / run_folder.RECORD, record.model_dump())
        store.add_run(record)
        store.append_history(record.id, history["steps"], history["epochs"])
    except (StoreError, RunError):
        run_folder.remove_folder(record.id)
        raise
    return Run(store.get_record(record.id))
