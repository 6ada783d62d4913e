"""What must hold of a run's ZIP from outside before any of it is kept.

The order is that of trust: how many entries the raw bytes announce, their names and sizes, the
record by pydantic, its architecture by the limits, and only then the tensors, whose headers are
compared with what the architecture asks for before their numbers are looked at (in
`archive_tensors`).
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from digitlab import files
from digitlab.data import archive as zips
from digitlab.data.info import INPUT_SHAPE
from digitlab.errors import RunError, RunNotFoundError, UploadError
from digitlab.models.spec import ModelSpec
from digitlab.runs import run_folder
from digitlab.runs.edit import NAME, NOTE, TAG, TAGS
from digitlab.runs.record import RunRecord, check_run_id
from digitlab.training.config import TrainConfig
from digitlab.training.events import EpochDone, StepsDone

FORM = 1  # version of the archive's form
MANIFEST = "run.json"
MAX_ENTRIES = 64  # the form has five
_MB = 1_000_000
_SIZES = {
    MANIFEST: 10_000,
    run_folder.RECORD: 4 * _MB,
    run_folder.HISTORY: 40 * _MB,
    run_folder.WEIGHTS: 1_000 * _MB,
    run_folder.PREDICTIONS: 400 * _MB,
}
_RATIO = 100  # JSON of numbers shrinks tenfold; only zeros shrink more


class ArchiveError(RunError):
    """A file that is not a run's ZIP, or not one that is safe to take in."""


# ---- the ZIP ------------------------------------------------------------------------------------


def open_run_archive(content: bytes) -> zipfile.ZipFile:
    """The ZIP, after its entries were found to be those of a run and within bounds."""
    # Entries are counted in the raw bytes first, as opening a ZIP makes an object of each.
    if content.count(b"PK\x01\x02") > MAX_ENTRIES:
        raise ArchiveError(f"A run's ZIP has {len(_SIZES)} entries; this one has far more.")
    try:
        archive = zips.open_archive(content)
        for entry in archive.infolist():
            zips.check_path(entry.filename)
            zips.check_kind(entry)
    except UploadError as e:
        raise ArchiveError(str(e)) from e
    names = archive.namelist()
    unknown = sorted(set(names) - set(_SIZES))
    if unknown or len(names) != len(set(names)):
        wrong = f"has {unknown[0][:80]!r}" if unknown else "has an entry twice"
        raise ArchiveError(
            f"A run's ZIP holds {', '.join(_SIZES)}, each at most once; this one {wrong}."
        )
    for entry in archive.infolist():
        if entry.file_size > _RATIO * entry.compress_size + 100_000:
            raise ArchiveError(
                f"{entry.filename!r} would grow from {entry.compress_size:,} to "
                f"{entry.file_size:,} bytes, which no run does: it is not unpacked."
            )
    manifest = plain_json(read_member(archive, MANIFEST), MANIFEST)
    if manifest.get("form") != FORM:
        raise ArchiveError(f"{MANIFEST} says form {manifest.get('form')!r}; {FORM} is understood.")
    return archive


def read_member(archive: zipfile.ZipFile, name: str, *, required: bool = True) -> bytes:
    """The bytes of an entry, at most those that one of its kind may have; empty without it."""
    if name not in archive.namelist():
        if required:
            raise ArchiveError(f"The ZIP has no {name}: it is not one that digitlab packed.")
        return b""
    try:
        return zips.read_entry(archive, archive.getinfo(name), _SIZES[name])
    except UploadError as e:
        raise ArchiveError(str(e)) from e


def plain_json(content: bytes, name: str) -> dict[str, Any]:
    """The mapping in a JSON text; ArchiveError where it is none."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as e:
        raise ArchiveError(f"{name} in the ZIP is no JSON: pack the run again.") from e
    if not isinstance(value, dict):
        raise ArchiveError(f"{name} in the ZIP must hold a mapping.")
    return value


# ---- the record ---------------------------------------------------------------------------------


class _Trust(BaseModel):
    """What a record may say of when its answers are declined."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    temperature: Annotated[float, Field(gt=0, le=100)] = 1.0
    digit: Annotated[float, Field(ge=0, le=1)] = 0.0
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.0


class _Data(BaseModel):
    """What a record may say of its data; anything else is left behind."""

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


class _Numbers(BaseModel):
    """The numbers of a record, within what they can be."""

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


def checked_record(content: bytes) -> RunRecord:
    """The record, whose architecture builds within the limits and gives a score to each class."""
    from digitlab.models.build import check_fits

    values = plain_json(content, run_folder.RECORD)
    try:
        record = RunRecord(**values)
        data = _Data(**record.data)
        _Numbers(**record.model_dump())
        check_run_id(record.id)
    except (ValidationError, TypeError) as e:
        raise ArchiveError(f"The ZIP's record is not a run's: {_first(e)}.") from e
    except RunNotFoundError as e:
        raise ArchiveError(f"The ZIP's record has the id {record.id[:40]!r}, which is none.") from e
    scale = record.normalization
    if scale and not (
        set(scale) == {"mean", "std"} and 0 < scale["std"] < 1e6 > abs(scale["mean"])
    ):
        raise ArchiveError("The ZIP's record has a normalisation that is none.")
    spec = ModelSpec.from_dict(record.spec)
    summary = check_fits(spec, INPUT_SHAPE, len(data.classes))
    return record.model_copy(
        update={
            **_bounded_texts(record),
            "spec": spec.to_dict(),
            "config": TrainConfig.from_dict(record.config).model_dump(),
            "data": data.model_dump(),
            "parameters": summary.parameters or record.parameters,
            "environment": _bounded_environment(record.environment),
        }
    )


def _bounded_texts(record: RunRecord) -> dict[str, Any]:
    texts = {"name": NAME, "model": NAME, "dataset": 80, "message": 2_000, "note": NOTE}
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


def _first(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)[:200]
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))[:80]}: {first['msg'].lower()}"


# ---- its curves ---------------------------------------------------------------------------------


def checked_history(content: bytes) -> dict[str, list[Any]]:
    """Windows of steps and epochs, in order; those that lack a number are left behind."""
    values = plain_json(content, run_folder.HISTORY) if content else {}
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
    return [rows[place] for place in sorted(rows)]
