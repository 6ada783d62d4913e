"""What a person hands us → `File`s: bytes, an open file, a path, a folder, a ZIP, a TAR.

What is packed by gzip, bzip2 or xz is unpacked within bounds, counted while it is read.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from digitlab.data.reading import limits
from digitlab.data.reading.archive import (
    MAX_ENTRIES,
    MAX_RATIO,
    SMALL,
    check_path,
    is_clutter,
    list_files,
    open_archive,
)
from digitlab.errors import UploadError, reason
from digitlab.files import read_bounded

_PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_PACKED_ENDINGS = (".gz", ".bz2", ".xz", ".tgz")
_NESTED = (".zip", ".tar", ".tgz", ".7z", ".rar")
BROKEN = (
    *(OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, NotImplementedError),
    *(zipfile.BadZipFile, tarfile.TarError, RuntimeError),
)
_AT_ONCE = 1 << 20  # bytes


@dataclass(frozen=True)
class File:
    """A file by its name within what was handed over, its size in bytes, and how it is opened."""

    name: str
    size: int
    open: Callable[[], BinaryIO]

    @property
    def path(self) -> PurePosixPath:
        return PurePosixPath(self.name)

    def read(self, limit: int) -> bytes:
        """Its bytes; UploadError for more than `limit`, counted while they are read."""
        if self.size > limit:
            raise UploadError(
                f"{self.name[:80]!r} has {self.size:,} bytes; at most {limit:,} are read."
            )
        try:
            with self.open() as file:
                content = file.read(limit + 1)
        except BROKEN as e:
            raise UploadError(f"{self.name[:80]!r} is damaged ({reason(e)}).") from e
        if len(content) > limit:
            raise UploadError(f"{self.name[:80]!r} is larger than it says: it is not read.")
        return content

    def head(self, count: int = 1_024) -> bytes:
        """Its first bytes."""
        try:
            with self.open() as file:
                return file.read(count)
        except BROKEN as e:
            raise UploadError(f"{self.name[:80]!r} is damaged ({reason(e)}).") from e


def from_bytes(name: str, content: bytes) -> File:
    """A file of these bytes."""
    return File(name, len(content), lambda: io.BytesIO(content))


def from_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> File:
    """A file in a ZIP; some programs of Windows part its folders by backslashes."""
    name = entry.filename.replace("\\", "/")
    return File(name, entry.file_size, lambda: archive.open(entry))


def from_source(source: bytes | str | Path | BinaryIO, name: str) -> File | list[File]:
    """The file, or a folder's files, of what a person handed over; UploadError where it is none."""
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        if path.is_dir():
            return _list_folder(path)
        source, name = path, name or path.name
    elif not isinstance(source, bytes | bytearray | memoryview):
        name = name or Path(str(getattr(source, "name", ""))).name
    content = read_bounded(source, limits.MAX_BYTES, name)
    if not content:
        raise UploadError(f"{name or 'The file'} is empty.")
    return from_bytes(name, content)


def unpack(file: File) -> File:
    """The file itself, or what is packed in it by gzip, bzip2 or xz."""
    head = file.head(6)
    opener = next((kind for magic, kind in _PACKED.items() if head.startswith(magic)), None)
    if opener is None:
        return file
    content = bytearray()
    most = min(limits.MAX_UNPACKED, SMALL + MAX_RATIO * file.size)
    try:
        with file.open() as packed, opener(packed) as unpacked:
            while piece := unpacked.read(_AT_ONCE):
                content += piece
                if len(content) > most:
                    raise UploadError(
                        f"{file.name[:80]!r} has {file.size:,} bytes and would grow to more than "
                        f"{most:,}: it is not unpacked."
                    )
    except BROKEN as e:
        raise UploadError(f"{file.name[:80]!r} is damaged ({reason(e)}).") from e
    name = file.name
    if name.lower().endswith(_PACKED_ENDINGS):
        name = name[: name.rindex(".")]
    return from_bytes(name, bytes(content))


def list_zip(file: File) -> list[File]:
    """The files in a ZIP."""
    archive = open_archive(file.read(limits.MAX_BYTES))
    entries = list_files(archive, limits.MAX_UNPACKED, nested=_NESTED)
    return [from_entry(archive, entry) for entry in entries]


def list_tar(file: File) -> list[File]:
    """The files in a TAR; UploadError for links, devices, and more than may be unpacked."""
    files, content = [], file.read(limits.MAX_BYTES)
    try:
        archive = tarfile.open(fileobj=io.BytesIO(content), mode="r:")  # noqa: SIM115 (kept open)
        for number, member in enumerate(archive):
            if number >= MAX_ENTRIES:
                raise UploadError(f"The TAR holds more than {MAX_ENTRIES:,} entries.")
            check_path(member.name.removeprefix("./"))
            if member.isdir() or is_clutter(member.name):
                continue
            if not member.isreg() or member.issparse():
                raise UploadError(f"{member.name[:80]!r} in the TAR is no file: it is not read.")
            files.append(
                File(
                    member.name.removeprefix("./"),
                    member.size,
                    lambda member=member: archive.extractfile(member),
                )
            )
    except BROKEN as e:
        raise UploadError(f"The TAR is damaged ({reason(e)}): pack it again.") from e
    return files


def _list_folder(folder: Path) -> list[File]:
    files = []
    for path in _walk(folder):
        relative = path.relative_to(folder).as_posix()
        if is_clutter(relative):
            continue
        if len(files) >= limits.MAX_IMAGES:
            raise UploadError(f"{folder} holds more than {limits.MAX_IMAGES:,} files.")
        files.append(File(relative, path.stat().st_size, lambda path=path: path.open("rb")))
    return files


def _walk(folder: Path) -> Iterable[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
