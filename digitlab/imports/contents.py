"""What a file of a trained network holds, as plain data and tensors: never unpickled, never run.

safetensors are read here: the format holds numbers only. Everything else is opened by `worker` in a
process of its own, with bounded memory and time, which leaves JSON and safetensors behind.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from digitlab.data.reading import archive as zips
from digitlab.errors import NetworkFileError, UploadError
from digitlab.files import read_bounded
from digitlab.sandbox import open_apart
from digitlab.settings import read_settings
from digitlab.words import size

if TYPE_CHECKING:
    import torch

MAX_FILE = 1_000_000_000  # bytes of a file, whatever the settings allow
_SLACK = 50_000_000  # bytes of a file beside its weights
MAX_TENSORS = 20_000
SECONDS = 120  # that opening may take
_MAX_ENTRIES = 20_000  # of a ZIP
_DTYPES = {
    *("float16", "bfloat16", "float32", "float64", "bool", "uint8", "int8", "int16", "int32"),
    "int64",
}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"  # before PyTorch 1.6

TITLES = {
    "torch": "PyTorch state dict",
    "safetensors": "safetensors",
    "onnx": "ONNX",
    "keras": "Keras",
    "hdf5": "Keras HDF5",
}
_SAVE_WEIGHTS = "torch.save(model.state_dict(), 'weights.pt')"


@dataclass(frozen=True)
class Contents:
    """A file's `kind` (a key of `TITLES`), SHA-256 in hex, source name, tensors by name, and for
    ONNX and Keras the graph or config as plain `data`."""

    kind: str
    digest: str
    source: str
    tensors: dict[str, torch.Tensor]
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What the format is called."""
        return TITLES[self.kind]


def read_contents(file: str | Path | bytes | BinaryIO, name: str = "") -> Contents:
    """Open a path, a file's bytes or an opened file; `name` is what a person calls it.

    Raises NetworkFileError for a file that is none of a trained network, is damaged, over a limit
    or not safe to open.
    """
    content, source = read_bytes(file, name)
    kind = kind_of(content)
    tensors, data = _read_safetensors(content) if kind == "safetensors" else _work(kind, content)
    if not tensors:
        raise NetworkFileError(f"{source} holds no weights.")
    _check_tensors(tensors)
    return Contents(kind, hashlib.sha256(content).hexdigest(), source, tensors, data)


def read_bytes(file: str | Path | bytes | BinaryIO, name: str = "") -> tuple[bytes, str]:
    """At most `most_bytes()` bytes of a file, and what it is called. Raises NetworkFileError."""
    if not isinstance(file, bytes):
        name = name or Path(str(getattr(file, "name", file))).name
    try:
        content = read_bounded(file, most_bytes())
    except UploadError as e:
        raise NetworkFileError(str(e)) from e
    return content, (name or "the file")[:200]


def most_bytes() -> int:
    """The bytes of the largest file that is opened: as many weights as the settings allow."""
    return min(MAX_FILE, 4 * 2 * read_settings().max_parameters + _SLACK)


def kind_of(content: bytes) -> str:
    """The kind of a file by its bytes, whatever it is called. Raises NetworkFileError."""
    if content.startswith(_HDF5):
        return "hdf5"
    if content.startswith(b"PK"):
        return _kind_of_zip(content)
    if content.startswith(_OLD_TORCH):
        return "torch"
    if content.startswith(b"\x80"):
        raise NetworkFileError(
            "This is a pickle file: opening it could run any code, so it is not opened. Save the "
            f"weights alone: {_SAVE_WEIGHTS}."
        )
    if len(content) > 9 and content[8:9] == b"{" and int.from_bytes(content[:8], "little") < 2**32:
        return "safetensors"
    if content[4:8] == b"TFL3":
        raise NetworkFileError("This is a TensorFlow Lite file; save the Keras model as .keras.")
    if content[:1] == b"\x08" or b"onnx" in content[:200]:
        return "onnx"
    raise NetworkFileError(
        "This is no file of a trained network that can be read: .pt or .pth (a state dict), "
        ".safetensors, .onnx, .keras, .h5."
    )


def _kind_of_zip(content: bytes) -> str:
    """The kind of a ZIP by its entries, which are checked to be harmless."""
    try:
        archive = zips.open_archive(content, _MAX_ENTRIES)
        names = archive.namelist()
        for entry in archive.infolist():
            zips.check_path(entry.filename)
            zips.check_kind(entry)
        _check_total(archive)
    except UploadError as e:
        raise NetworkFileError(str(e)) from e
    if "model.weights.h5" in names and "config.json" in names:
        return "keras"
    if any(name.endswith(("/constants.pkl", "/code/__torch__.py")) for name in names):
        raise NetworkFileError(
            "This is a TorchScript program, which would have to be run. Save its weights: "
            "torch.save(torch.jit.load(file).state_dict(), 'weights.pt'), or export it as ONNX."
        )
    if any(name.endswith("data.pkl") for name in names):
        return "torch"
    if any(name.endswith("saved_model.pb") for name in names):
        raise NetworkFileError("This is a TensorFlow SavedModel; save the Keras model as .keras.")
    raise NetworkFileError("The ZIP holds no trained network: neither PyTorch nor Keras wrote it.")


def _check_total(archive: zipfile.ZipFile) -> None:
    total = sum(entry.file_size for entry in archive.infolist())
    if total > most_bytes():
        raise UploadError(
            f"Unpacked, the file's parts are {size(total)}; "
            f"at most {size(most_bytes(), 0)} are read."
        )


def _read_safetensors(content: bytes) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata = header.get("__metadata__", {})
        return {key: tensors[key] for key in sorted(tensors, key=_natural)}, {"metadata": metadata}
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as e:
        raise NetworkFileError(f"The safetensors file is damaged ({str(e)[:120]}).") from e


def _natural(key: str) -> list[tuple[int, str]]:
    """Sorts layers.2 before layers.10: the format does not keep the order of its tensors."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in key.split(".")]


def _work(kind: str, content: bytes) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Open the file in a process of its own; its tensors and its plain data."""
    opened = open_apart("digitlab.imports.worker", content, kind, seconds=SECONDS)
    try:
        with opened as (folder, data):
            if (folder / "tensors").stat().st_size > 2 * most_bytes():  # float64 takes twice
                raise NetworkFileError("The file holds more weights than are allowed.")
            tensors, _ = _read_safetensors((folder / "tensors").read_bytes())
    except UploadError as e:
        raise NetworkFileError(str(e)) from e
    return {key: tensors[key] for key in data.pop("order")}, data


def _check_tensors(tensors: dict[str, torch.Tensor]) -> None:
    limit = 2 * read_settings().max_parameters  # with the statistics of normalisations
    values = sum(tensor.numel() for tensor in tensors.values())
    if len(tensors) > MAX_TENSORS or values > limit:
        raise NetworkFileError(
            f"The file holds {len(tensors):,} tensors of {values:,} parameters; at most "
            f"{MAX_TENSORS:,} of {limit:,} are read."
        )
    for key, tensor in tensors.items():
        if str(tensor.dtype).removeprefix("torch.") not in _DTYPES:
            raise NetworkFileError(
                f"{key[:80]} has the type {tensor.dtype}; save the weights as float32 "
                "(float16, bfloat16, float64, whole numbers and bool are read as well)."
            )
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise NetworkFileError(f"{key[:80]} holds values that are no finite numbers.")
