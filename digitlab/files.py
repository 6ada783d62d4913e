"""Writing files whole or not at all: text, JSON, tensors; bounded reading; lock files."""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from digitlab.errors import StoreError, UploadError
from digitlab.words import size

if TYPE_CHECKING:
    import torch


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise StoreError, which says what to do, where the block cannot write `path`."""
    try:
        yield
    except OSError as e:
        raise StoreError(
            f"{path} could not be written ({e.strerror or e}). Free some space or set "
            "DIGITLAB_HOME to a folder that can be written."
        ) from e


def write_atomically(
    path: Path, content: bytes | str, *, durable: bool = True, private: bool = False
) -> None:
    """Write a file so that it is there whole or not at all.

    A temporary file in the same folder replaces it. A durable file is there also after a power
    cut (fsync of the file and of its folder); one that is soon written again need not wait for
    the disk. A private one only this user of the system can read. Raises StoreError where the disk
    is full or the folder cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.touch(0o600 if private else 0o666, exist_ok=False)
            with temporary.open("wb") as file:
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        if durable:
            _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder, and renames durably by itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write readable JSON; NaN and infinities become null."""
    write_atomically(path, json.dumps(finite(value), indent=1, ensure_ascii=False) + "\n")


def finite(value: Any) -> Any:
    """A copy of plain values in which NaN and infinities, which JSON lacks, are None."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write tensors by name as safetensors."""
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(plain))


def read_bounded(source: str | Path | bytes | BinaryIO, most: int, name: str = "") -> bytes:
    """The bytes of a path, of a file opened for reading them, or bytes themselves.

    UploadError for more than `most` of them, counted while they are read, and for what cannot be
    read; it calls the source `name`.
    """
    try:
        if isinstance(source, str | Path):
            with Path(source).expanduser().open("rb") as file:
                content = file.read(most + 1)
        elif isinstance(source, bytes | bytearray | memoryview):
            content = bytes(source)
        else:
            with contextlib.suppress(OSError):  # a pipe has no beginning to go back to
                source.seek(0)
            content = source.read(most + 1)
    except OSError as e:
        raise UploadError(f"{source} cannot be read: {e.strerror or e}.") from e
    if len(content) > most:
        raise UploadError(f"{name or 'The file'} is larger than the {size(most, 0)} allowed.")
    return content


PROBE_SECONDS = 0.1  # a lock is taken with this patience: a probe may hold it for a moment


def is_locked(path: Path) -> bool:
    """Whether another process, or other code of this one, holds the lock file `path`.

    It takes a lock that is free for a moment: see PROBE_SECONDS.
    """
    from filelock import FileLock, Timeout

    if not path.exists():
        return False
    try:
        with FileLock(path).acquire(timeout=0):
            return False
    except Timeout:
        return True
