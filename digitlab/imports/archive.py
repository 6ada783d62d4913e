"""A run from the ZIP that another digitlab wrote, see `exports.archive`; read after every check.

An archive comes from anywhere. Nothing in it is executed or unpickled, no name in it becomes a
path, and nothing is read before its size is known to be in bounds. The order of the checks is that
of trust: how many entries the raw bytes announce, their names and sizes, the record by pydantic,
its architecture by the limits, and only then the tensors, whose headers are compared with what the
architecture asks for before their numbers are looked at.
"""

from __future__ import annotations

import json
import re
import struct
import time
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from digitlab import files, owners
from digitlab.data.reading import archive as zips
from digitlab.data.reading.files import from_entry
from digitlab.errors import RunError, RunNotFoundError, StoreError, UploadError
from digitlab.evaluation.metrics import evaluate_logits
from digitlab.imports.measure import measured_here
from digitlab.models.classical.catalog import classical_kind
from digitlab.runs import run_folder, store
from digitlab.runs.disk import check_disk
from digitlab.runs.edit import NAME, NOTE, TAG, TAGS
from digitlab.runs.record import RunRecord, check_run_id, new_run_id
from digitlab.runs.run import Run
from digitlab.settings import read_settings
from digitlab.training.events import EpochDone, StepsDone

if TYPE_CHECKING:
    import torch

    from digitlab.training.config import Task

IMPORTED = "imported"
MAX_FILE = 1_000_000_000  # bytes of an archive
MAX_ENTRIES = 64  # the format has five
MAX_IMAGES = 2_000_000  # with a saved prediction
_MB = 1_000_000
_SIZES = {
    run_folder.MANIFEST: 10_000,
    run_folder.RECORD: 4 * _MB,
    run_folder.HISTORY: 40 * _MB,
    run_folder.WEIGHTS: 1_000 * _MB,
    run_folder.PREDICTIONS: 400 * _MB,
}
_DATASET = re.compile(r"[a-z0-9][a-z0-9:+-]{0,99}")  # also `mix:NAME+BASE`
_HEADER = 10_000_000  # bytes of a safetensors file's header
_RATIO = 100  # JSON of numbers shrinks tenfold; only zeros shrink more


class ArchiveError(RunError):
    """A file that is not a run's ZIP, or not one that is safe to import."""


def import_run(file: str | Path | bytes | BinaryIO) -> Run:
    """Add the run in a ZIP that `exports.archive.pack_run` wrote to the store, and return it.

    `file` is a path, the ZIP's bytes, or a file opened for reading them. The run's results are
    computed from its weights where its data is here, else from the predictions in the ZIP, and
    marked as claimed (`record.claimed`). Where its id is in use it gets a new one. It is marked as
    imported in `record.data` and by a tag. Raises ArchiveError (a RunError) for anything that is
    not such a ZIP, whole and within bounds, SpecError for an architecture that is invalid or over a
    limit, and StoreError where it cannot be written.
    """
    try:
        content = files.read_bounded(file, MAX_FILE, "The ZIP")
    except UploadError as e:
        raise ArchiveError(str(e)) from e
    with _open_run_archive(content) as archive:
        record = _checked_record(_read_member(archive, run_folder.RECORD))
        history = _checked_history(_read_member(archive, run_folder.HISTORY, required=False))
        weights = _checked_weights(
            _read_member(archive, run_folder.WEIGHTS, required=False), record
        )
        classes = record.data.classes
        predictions = _checked_predictions(
            _read_member(archive, run_folder.PREDICTIONS, required=False), classes, record.task
        )
    if weights is None and not predictions:
        raise ArchiveError("The ZIP holds a record, but neither weights nor predictions.")
    answers = measured_here(record, weights, predictions)
    record = _marked(record, predictions if answers is None else answers, claimed=answers is None)
    return _keep(record, history, weights, predictions if answers is None else answers)


def holds_run(file: Path) -> bool:
    """Whether the file is the ZIP of a run, whole or not; False where it cannot be read."""
    try:
        with zipfile.ZipFile(file) as archive:
            return run_folder.MANIFEST in archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def _marked(record: RunRecord, predictions: dict[str, torch.Tensor], *, claimed: bool) -> RunRecord:
    """The record as this store keeps it, with recomputed results and its origin."""
    with owners.acting_for(None):  # another visitor's, too
        ids = store.find_ids(record.id)
    in_use = ids or run_folder.run_folder(record.id).exists()
    mark = {**(record.data.imported or {}), "id": record.id, "at": time.time()}
    tags = record.tags if IMPORTED in record.tags else [*record.tags, IMPORTED]
    values: dict[str, Any] = {
        "id": new_run_id(record.model) if in_use else record.id,
        "executor": "foreground",
        "data": record.data.changed(imported=mark, claimed=claimed).model_dump(),
        "tags": tags,
        "owner": owners.new_owner(),
        "share": None,
        **_measured(predictions, record.data.classes),
    }
    if record.status in ("paused", "interrupted", "queued", "running"):
        values["status"] = "stopped"  # the state that it could resume from is not in the ZIP
    return record.changed(**values)


def _measured(predictions: dict[str, torch.Tensor], classes: list[str]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for split in ("val", "test"):
        columns |= {f"{split}_loss": None, f"{split}_accuracy": None}
        if f"{split}_logits" in predictions:
            logits, labels = (predictions[f"{split}_{kind}"] for kind in ("logits", "labels"))
            result = evaluate_logits(logits.float().numpy(), labels.numpy(), classes)
            columns |= {f"{split}_loss": result.loss, f"{split}_accuracy": result.accuracy}
        if f"{split}_errors" in predictions:
            columns[f"{split}_loss"] = float(predictions[f"{split}_errors"].double().mean())
    return columns


def _keep(
    record: RunRecord,
    history: dict[str, list[Any]],
    weights: dict[str, torch.Tensor] | None,
    predictions: dict[str, torch.Tensor],
) -> Run:
    """Write the folder, then the store: a folder without its row is harmless, a row is not."""
    folder = run_folder.run_folder(record.id)
    plain = {name: [vars(row) for row in rows] for name, rows in history.items()}
    tensors = [*(weights or {}).values(), *predictions.values()]
    # The store has the record and its curves, too.
    texts = 2 * sum(len(json.dumps(value)) for value in (plain, record.model_dump()))
    check_disk(sum(tensor.nbytes for tensor in tensors) + texts)
    try:
        if weights is not None:
            files.write_tensors(folder / run_folder.WEIGHTS, weights)
        if predictions:
            files.write_tensors(folder / run_folder.PREDICTIONS, predictions)
        files.write_json(folder / run_folder.HISTORY, plain)
        files.write_atomically(folder / run_folder.SPEC, Run(record).spec.to_yaml())
        files.write_json(folder / run_folder.CONFIG, record.config)
        files.write_json(folder / run_folder.ENVIRONMENT, record.environment)
        run_folder.write_record(record)
        store.add_run(record)
        store.append_history(record.id, history["steps"], history["epochs"])
    except (StoreError, RunError):
        run_folder.remove_folder(record.id)
        raise
    return Run(store.get_record(record.id))


# ---- the ZIP ------------------------------------------------------------------------------------


def _open_run_archive(content: bytes) -> zipfile.ZipFile:
    """The ZIP, after checking that its entries are those of a run and within bounds."""
    try:
        archive = zips.open_archive(content, MAX_ENTRIES)
        for entry in archive.infolist():
            zips.check_path(entry.filename)
            zips.check_kind(entry, _RATIO)
    except UploadError as e:
        raise ArchiveError(str(e)) from e
    names = archive.namelist()
    unknown = sorted(set(names) - set(_SIZES))
    if unknown or len(names) != len(set(names)):
        wrong = f"has {unknown[0][:80]!r}" if unknown else "has an entry twice"
        raise ArchiveError(
            f"A run's ZIP holds {', '.join(_SIZES)}, each at most once; this one {wrong}."
        )
    manifest = _plain_json(_read_member(archive, run_folder.MANIFEST), run_folder.MANIFEST)
    if manifest.get("form") != run_folder.ARCHIVE_FORM:
        raise ArchiveError(
            f"{run_folder.MANIFEST} has the format version {manifest.get('form')!r}; only "
            f"{run_folder.ARCHIVE_FORM} can be read."
        )
    return archive


def _read_member(archive: zipfile.ZipFile, name: str, *, required: bool = True) -> bytes:
    """The bytes of an entry, within the limit of its kind; empty where there is none."""
    if name not in archive.namelist():
        if required:
            raise ArchiveError(f"The ZIP has no {name}: digitlab did not write it.")
        return b""
    try:
        return from_entry(archive, archive.getinfo(name)).read(_SIZES[name])
    except UploadError as e:
        raise ArchiveError(str(e)) from e


def _plain_json(content: bytes, name: str) -> dict[str, Any]:
    """The mapping in a JSON text; ArchiveError where it is something else."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as e:
        raise ArchiveError(f"{name} in the ZIP is not JSON: export the run again.") from e
    if not isinstance(value, dict):
        raise ArchiveError(f"{name} in the ZIP does not hold a mapping: export the run again.")
    return value


# ---- the record ---------------------------------------------------------------------------------


class _Trust(BaseModel):
    """What a record may hold about abstention."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    temperature: Annotated[float, Field(gt=0, le=100)] = 1.0
    digit: Annotated[float, Field(ge=0, le=1)] = 0.0
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.0


class _Origin(BaseModel):
    """What a record may hold about the file of a network that was trained elsewhere."""

    model_config = ConfigDict(extra="ignore")

    file: Annotated[str, Field(max_length=200)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    format: Annotated[str, Field(max_length=80)]


class _Scale(BaseModel):
    """What a record may hold about a normalisation: mean and deviation of pixels from 0 to 1."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    mean: Annotated[float, Field(gt=-1e6, lt=1e6)]
    std: Annotated[float, Field(gt=0, lt=1e6)]


class _Sweep(BaseModel):
    """The sweep that a run is a part of."""

    model_config = ConfigDict(extra="ignore")

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$")]
    name: Annotated[str, Field(max_length=NAME)] = ""


class _Data(BaseModel):
    """What a record may hold about its data; anything else is dropped."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    classes: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=80)]],
        Field(min_length=2, max_length=1000),
    ]
    val_fraction: Annotated[float, Field(ge=0, le=0.5)]
    split_seed: Annotated[int, Field(ge=0, lt=2**63)]
    fingerprint: Annotated[str | None, Field(pattern=r"^[0-9a-f]{8,128}$")] = None
    no_digit: Literal["logit 0"] | None = None
    trust: _Trust | None = None
    imported: _Origin | None = None
    normalization: _Scale | None = None
    sweep: _Sweep | None = None

    @field_validator("imported", mode="before")
    @classmethod
    def _only_of_a_file(cls, value: Any) -> Any:
        # an import of a run before this one is no origin
        return value if isinstance(value, dict) and "file" in value else None


class _Numbers(BaseModel):
    """The numbers of a record, each within its range."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    parameters: Annotated[int, Field(ge=0, lt=2**53)] = 0
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    created: Annotated[float, Field(ge=0, lt=1e11)]
    started: Annotated[float | None, Field(ge=0, lt=1e11)] = None
    ended: Annotated[float | None, Field(ge=0, lt=1e11)] = None
    epochs: Annotated[int, Field(ge=0, le=100_000)] = 0
    epochs_done: Annotated[int, Field(ge=0, le=100_000)] = 0
    step: Annotated[int, Field(ge=0, lt=2**53)] = 0
    total_steps: Annotated[int, Field(ge=0, lt=2**53)] = 0
    best_epoch: Annotated[int | None, Field(ge=0, le=100_000)] = None
    kept_epoch: Annotated[float | None, Field(ge=0, le=100_000)] = None
    train_loss: float | None = None
    train_accuracy: Annotated[float | None, Field(ge=0, le=1)] = None
    train_seconds: Annotated[float | None, Field(ge=0)] = None
    images_per_second: Annotated[float | None, Field(ge=0)] = None


def _checked_record(content: bytes) -> RunRecord:
    """The record, whose architecture is within the limits and has an output for each class."""
    from digitlab.models.build import check_fits

    values = _plain_json(content, run_folder.RECORD)
    try:
        record = RunRecord(**values)
        data = _Data(**record.data.model_dump())
        _Numbers(**record.model_dump())
        check_run_id(record.id)
    except (ValidationError, TypeError) as e:
        raise ArchiveError(f"The record in the ZIP is not a run's: {_first_error(e)}.") from e
    except RunNotFoundError as e:
        raise ArchiveError(f"The record in the ZIP has an invalid id, {record.id[:40]!r}.") from e
    if not _DATASET.fullmatch(record.dataset):
        raise ArchiveError(
            f"The record in the ZIP has an invalid name of a dataset, {record.dataset[:60]!r}: one "
            "has small letters, digits, hyphens, and of a collection also : and +."
        )
    scale = record.normalization
    if scale and not (
        set(scale) == {"mean", "std"} and 0 < scale["std"] < 1e6 > abs(scale["mean"])
    ):
        raise ArchiveError("The record in the ZIP has an invalid normalisation.")
    spec = record.experiment.spec
    classes = len(data.classes) if record.experiment.config.task == "classify" else None
    summary = check_fits(spec, spec.input, classes)  # images of any shape; its data is not here
    return record.changed(
        **_bounded_texts(record),
        spec=spec.to_dict(),
        config=record.experiment.config.model_dump(),
        data=data.model_dump(exclude=None if data.sweep else {"sweep"}),
        parameters=summary.parameters or record.parameters,
        environment=_bounded_environment(record.environment),
    )


def _bounded_texts(record: RunRecord) -> dict[str, Any]:
    texts = {"name": NAME, "model": NAME, "message": 2_000, "note": NOTE}
    cut: dict[str, Any] = {name: getattr(record, name)[:most] for name, most in texts.items()}
    cut["tags"] = [tag[:TAG] for tag in record.tags[: TAGS - 1]]
    cut["notices"] = [notice[:500] for notice in record.notices[:20]]
    try:
        cut["parent"] = check_run_id(record.parent) if record.parent else None
    except RunNotFoundError:
        cut["parent"] = None
    return cut


def _bounded_environment(environment: dict[str, Any]) -> dict[str, Any]:
    """At most 50 short texts and numbers."""
    plain = {}
    for key, value in list(environment.items())[:50]:
        if isinstance(value, str | int | float | bool) or value is None:
            plain[key[:80]] = value[:300] if isinstance(value, str) else value
    return plain


def _first_error(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)[:200]
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))[:80]}: {first['msg'].lower()}"


# ---- its curves ---------------------------------------------------------------------------------


def _checked_history(content: bytes) -> dict[str, list[Any]]:
    """Windows of steps and epochs, in order; those that lack a number are dropped."""
    values = _plain_json(content, run_folder.HISTORY) if content else {}
    return {
        "steps": _rows(values.get("steps"), StepsDone, "step"),
        "epochs": _rows(values.get("epochs"), EpochDone, "epoch"),
    }


def _rows(entries: Any, kind: type, key: str) -> list[Any]:
    adapter = TypeAdapter(kind)
    known = {field.name for field in fields(kind)}
    rows: dict[int, Any] = {}
    for entry in entries if isinstance(entries, list) else []:
        try:
            plain = {name: value for name, value in entry.items() if name in known}
            row = adapter.validate_python(plain)
        except (ValidationError, AttributeError):
            continue
        if files.finite(plain) == plain and 0 <= getattr(row, key) < 2**53:
            rows[getattr(row, key)] = row
    return [rows[number] for number in sorted(rows)]


# ---- its tensors: their headers first, then their numbers ---------------------------------------


def _checked_weights(content: bytes, record: RunRecord) -> dict[str, torch.Tensor] | None:
    """The weights, which fit the record's architecture and are finite; None without any."""
    if not content:
        return None
    from digitlab.models.build import build, sketch

    spec = record.experiment.spec
    header = _header(content, run_folder.WEIGHTS)
    if classical_kind(spec) is None:  # whose arrays vary in size; loading them checks them
        expected = {name: list(v.shape) for name, v in sketch(spec).module.state_dict().items()}
        if {name: about.get("shape") for name, about in header.items()} != expected:
            raise ArchiveError("The weights in the ZIP do not fit its architecture.")
    tensors = _tensors(content, run_folder.WEIGHTS)
    try:
        build(spec).load_state_dict(tensors)
    except RuntimeError as e:
        raise ArchiveError("The weights in the ZIP do not fit its architecture.") from e
    return tensors


def _checked_predictions(content: bytes, classes: list[str], task: Task) -> dict[str, torch.Tensor]:
    """Logits (or reconstruction errors) and labels of validation and test; empty without any."""
    import torch

    if not content:
        return {}
    kind, width = ("logits", (len(classes),)) if task == "classify" else ("errors", ())
    names = {f"{split}_{what}" for split in ("val", "test") for what in (kind, "labels")}
    if not set(_header(content, run_folder.PREDICTIONS)) <= names:
        raise ArchiveError(
            f"The predictions in the ZIP hold something other than {kind} and labels."
        )
    tensors = _tensors(content, run_folder.PREDICTIONS)
    integers = {torch.uint8, torch.int8, torch.int16, torch.int32}  # bundled runs hold bytes
    for split in ("val", "test"):
        answers, labels = (tensors.get(f"{split}_{what}") for what in (kind, "labels"))
        if answers is None and labels is None:
            continue
        if labels is not None and labels.dtype in integers:
            labels = tensors[f"{split}_labels"] = labels.long()
        fits = (
            answers is not None
            and labels is not None
            and answers.is_floating_point()
            and labels.dtype == torch.int64
            and tuple(answers.shape) == (*labels.shape, *width)
            and labels.dim() == 1
            and 0 < len(labels) <= MAX_IMAGES
            and int(labels.min()) >= 0
            and int(labels.max()) < len(classes)
        )
        if not fits:
            raise ArchiveError(
                f"The {split} predictions in the ZIP do not fit {len(classes)} classes."
            )
    return tensors


def _header(content: bytes, name: str) -> dict[str, Any]:
    """The header of a safetensors file: dtype, shape and place of each tensor."""
    if len(content) < 8:
        raise ArchiveError(f"{name} in the ZIP is damaged: export the run again.")
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(_HEADER, len(content) - 8):
        raise ArchiveError(f"{name} in the ZIP has a header of {length:,} bytes: it is damaged.")
    header = _plain_json(content[8 : 8 + length], name)
    header.pop("__metadata__", None)
    if not all(isinstance(entry, dict) for entry in header.values()):
        raise ArchiveError(f"{name} in the ZIP is damaged: export the run again.")
    return header


def _tensors(content: bytes, name: str) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as e:
        raise ArchiveError(f"{name} in the ZIP is damaged ({str(e)[:120]}).") from e
    limit = read_settings().max_parameters
    if (
        name == run_folder.WEIGHTS
        and sum(tensor.numel() for tensor in tensors.values()) > 2 * limit
    ):
        raise ArchiveError(f"The weights in the ZIP have more numbers than the {limit:,} allowed.")
    for key, value in tensors.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise ArchiveError(f"{key[:80]} of {name} in the ZIP holds values that are not finite.")
    return tensors
