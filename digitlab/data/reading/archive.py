"""ZIP archives from outside, opened within bounds: counted, sized and named before being read."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import PurePosixPath

from digitlab.errors import UploadError
from digitlab.words import size

MAX_ENTRIES = 100_000
MAX_UNPACKED = 256_000_000  # bytes of all files together
MAX_RATIO = 200  # unpacked over packed: images hardly shrink, 2 GB of zeros shrink a thousandfold
SMALL = 100_000  # bytes: what cannot hurt may shrink as far as it likes

_ENTRY = b"PK\x01\x02"  # begins each entry of a ZIP's directory
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NESTED = (".zip", ".npz", ".gz", ".tar", ".7z", ".rar", ".bz2", ".xz")
_CLUTTER = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")


def open_archive(content: bytes, most: int | None = None) -> zipfile.ZipFile:
    """A ZIP of at most so many entries, else 100,000; UploadError for anything else.

    Entries are counted in the raw bytes first, as opening a ZIP makes an object of each.
    """
    entries, most = content.count(_ENTRY), most or MAX_ENTRIES
    if entries > most:
        raise UploadError(f"The ZIP holds about {entries:,} entries; at most {most:,} are read.")
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as e:
        raise UploadError(f"The ZIP cannot be read ({e}): create it again.") from e


def list_files(
    archive: zipfile.ZipFile, most: int | None = None, nested: tuple[str, ...] = _NESTED
) -> list[zipfile.ZipInfo]:
    """Its files without those that operating systems add; each is checked to be harmless.

    UploadError for a path that leaves the archive, a link, an archive within the archive, a
    password, and for more bytes than may be unpacked (`most`). Nothing is unpacked for it.
    `nested` are the endings of archives that are not allowed within it.
    """
    files, most = [], most or MAX_UNPACKED
    for entry in archive.infolist():
        check_path(entry.filename)
        if entry.is_dir() or is_clutter(entry.filename):
            continue
        check_kind(entry, nested=nested)
        files.append(entry)
    total = sum(entry.file_size for entry in files)
    if total > most:
        raise UploadError(
            f"Unpacked, the ZIP's files are {size(total)}; at most "
            f"{size(most)} are read. Upload fewer or smaller images."
        )
    return files


def is_clutter(name: str) -> bool:
    """Whether a file is one that an operating system adds by itself."""
    return any(part in _CLUTTER or part.startswith("._") for part in PurePosixPath(name).parts)


def check_path(name: str) -> None:
    """UploadError for a name that is absolute or climbs out of its folder."""
    parts = name.replace("\\", "/").split("/")
    if not name or name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
        raise UploadError(
            f"The ZIP has a file named {name[:80]!r}, which leads outside the folder: it is not "
            "read at all."
        )


def check_kind(
    entry: zipfile.ZipInfo, ratio: int = MAX_RATIO, nested: tuple[str, ...] = _NESTED
) -> None:
    """UploadError for a link, an archive, a locked file, a rare packing and a bomb.

    A bomb is a file that is more than `ratio` times as large unpacked as packed.
    """
    name = entry.filename[:80]
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise UploadError(f"{name!r} in the ZIP is a link; only files are read.")
    if entry.filename.lower().endswith(nested):
        raise UploadError(f"{name!r} is an archive within the ZIP; put the images in it directly.")
    if entry.flag_bits & _ENCRYPTED:
        raise UploadError(
            f"{name!r} in the ZIP is protected by a password; create the ZIP without one."
        )
    if entry.compress_type not in _METHODS:
        raise UploadError(f"{name!r} in the ZIP uses a rare compression method; use deflate.")
    if entry.file_size > SMALL + ratio * entry.compress_size:
        raise UploadError(
            f"{name!r} in the ZIP would grow from {entry.compress_size:,} to "
            f"{entry.file_size:,} bytes, more than such a file can: it is not unpacked."
        )
