"""The tensors of a run's ZIP from outside: their headers first, then their numbers."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from digitlab.exports.archive_checks import ArchiveError, plain_json
from digitlab.models.spec import ModelSpec
from digitlab.runs import run_folder
from digitlab.runs.record import RunRecord
from digitlab.settings import read_settings

if TYPE_CHECKING:
    import torch

MAX_IMAGES = 2_000_000  # with a saved prediction
_HEADER = 10_000_000  # bytes of a safetensors file's header


def checked_weights(content: bytes, record: RunRecord) -> dict[str, torch.Tensor] | None:
    """The weights, which fit the record's architecture and hold no NaN; None without any."""
    if not content:
        return None
    from digitlab.models.build import build, sketch
    from digitlab.models.classical.catalog import classical_kind

    spec = ModelSpec.from_dict(record.spec)
    said = _header(content, run_folder.WEIGHTS)
    if classical_kind(spec) is None:  # whose arrays have any size, and are checked when taken
        asked = {name: list(v.shape) for name, v in sketch(spec).module.state_dict().items()}
        if {name: about.get("shape") for name, about in said.items()} != asked:
            raise ArchiveError("The ZIP's weights are not those of its architecture.")
    tensors = _tensors(content, run_folder.WEIGHTS)
    try:
        build(spec).load_state_dict(tensors)
    except RuntimeError as e:
        raise ArchiveError("The ZIP's weights are not those of its architecture.") from e
    return tensors


def checked_predictions(content: bytes, classes: list[str]) -> dict[str, torch.Tensor]:
    """Logits and labels of validation and test; empty without any."""
    import torch

    if not content:
        return {}
    names = {f"{split}_{kind}" for split in ("val", "test") for kind in ("logits", "labels")}
    if not set(_header(content, run_folder.PREDICTIONS)) <= names:
        raise ArchiveError("The ZIP's predictions hold something else than logits and labels.")
    tensors = _tensors(content, run_folder.PREDICTIONS)
    for split in ("val", "test"):
        logits, labels = (tensors.get(f"{split}_{kind}") for kind in ("logits", "labels"))
        if logits is None and labels is None:
            continue
        fits = (
            logits is not None
            and labels is not None
            and logits.is_floating_point()
            and labels.dtype == torch.int64
            and tuple(logits.shape) == (*labels.shape, len(classes))
            and labels.dim() == 1
            and 0 < len(labels) <= MAX_IMAGES
            and int(labels.min()) >= 0
            and int(labels.max()) < len(classes)
        )
        if not fits:
            raise ArchiveError(f"The ZIP's {split} predictions do not fit {len(classes)} classes.")
    return tensors


def _header(content: bytes, name: str) -> dict[str, Any]:
    """What a safetensors file says of its tensors, without looking at their numbers."""
    if len(content) < 8:
        raise ArchiveError(f"{name} in the ZIP is damaged: pack the run again.")
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(_HEADER, len(content) - 8):
        raise ArchiveError(f"{name} in the ZIP has a header of {length:,} bytes: it is damaged.")
    header = plain_json(content[8 : 8 + length], name)
    header.pop("__metadata__", None)
    if not all(isinstance(about, dict) for about in header.values()):
        raise ArchiveError(f"{name} in the ZIP is damaged: pack the run again.")
    return header


def _tensors(content: bytes, name: str) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as e:
        raise ArchiveError(f"{name} in the ZIP is damaged ({str(e)[:120]}).") from e
    most = read_settings().max_parameters
    if name == run_folder.WEIGHTS and sum(one.numel() for one in tensors.values()) > 2 * most:
        raise ArchiveError(f"The ZIP's weights are more numbers than the {most:,} allowed.")
    for key, value in tensors.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise ArchiveError(f"{key[:80]} of {name} in the ZIP holds values that are no numbers.")
    return tensors
