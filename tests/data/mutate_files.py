"""Mutations of files: what a broken download, a slip or a malicious hand makes of them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import re
import struct
import tarfile
import warnings
import zipfile
import zlib

_EXTREMES = (0, 1, 2, 255, 65_535, 10**6, 10**9, 2**31 - 1, 2**31, 2**32 - 1)
_WORDS = (
    *(b"", b"-1", b"1e400", b"-1e38", b"nan", b"inf", b"9" * 30, b"1" * 5_000, b"0.5", b"256"),
    *(b"1000000:1", b"999999:1", b"'", b'"', b",", b";" * 500, b"\n" * 500, b"\t", b"\0", b"\xff"),
    *(b"label", b"," * 2_000, b"{0 1}", b"@data", b"%", b"\xef\xbb\xbf", b"\xff\xfe"),
    "é漢".encode(),
)  # fmt: skip
_NAMES = (
    *("", "/", ".", "..", "../7/a.png", "/etc/7/a.png", "7\\a.png", "C:/7/a.png", "7/a.png\0.txt"),
    *("7/" * 300 + "a.png", "a" * 5_000 + ".png", "7/a.PNG", "七/图.png", "7/\u202e.png"),
    *("labels.csv", "x/labels.csv", "images.npy", "labels.npy", "train.csv", "data.pkl", "7/a.gif"),
    *("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte.gz", "-1/a.png", "10/a.png", "cat/a.png"),
    *("7/a.tiff", "7/a.webp", "7/a.jpg", "7/a.svg", "a.zip", "a.h5", "[Content_Types].xml"),
)  # fmt: skip
_PACKERS = {b"\x1f\x8b": gzip, b"BZh": bz2, b"\xfd7z": lzma}


def mutated(content: bytes, rng: random.Random) -> bytes:
    """The file with one to four changes: of its bytes, or of what is packed in it."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = _changed(content, rng)
    return content


def _changed(content: bytes, rng: random.Random) -> bytes:
    inside = rng.random() < 0.7
    if inside and content[:4] == b"PK\x03\x04":
        return _change_zip(content, rng)
    if inside and content[257:262] == b"ustar":
        return _change_tar(content, rng)
    packer = next((p for magic, p in _PACKERS.items() if content.startswith(magic)), None)
    if inside and packer is not None:
        try:
            return packer.compress(_changed(packer.decompress(content), rng))
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
            return content
    if inside and content.startswith(b"\x89PNG"):
        return _change_png(content, rng)
    return _change_bytes(content, rng)


def _change_bytes(content: bytes, rng: random.Random) -> bytes:
    """A change that knows nothing of the form."""
    data, size = bytearray(content), max(1, len(content))
    at = rng.choice(
        (rng.randrange(size), rng.randrange(min(size, 600)), max(0, size - 1 - rng.randrange(600)))
    )
    at = min(at, size - 1)
    kind = rng.randrange(11)
    if kind == 0:
        return b"" if rng.random() < 0.1 else content[:at]
    if kind == 1:
        return content[at:]
    if kind == 2 and data:
        for _ in range(rng.choice((1, 3, 30))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 3 and data:
        data[at] ^= 1 << rng.randrange(8)
    elif kind in (4, 5):  # a length or an offset
        order = rng.choice("<>") + rng.choice("BHIIQ")
        value = rng.choice(_EXTREMES) & (256 ** struct.calcsize(order) - 1)
        data[at : at + struct.calcsize(order)] = struct.pack(order, value)
    elif kind == 6:
        data[at : at + rng.choice((1, 8, 200))] = rng.choice((b"\0", b"\xff")) * rng.choice(
            (1, 8, 200)
        )
    elif kind == 7:  # a part of it again, elsewhere
        data[at:at] = data[(start := rng.randrange(size)) : start + rng.choice((4, 100, 5_000))]
    elif kind == 8:
        del data[at : at + rng.choice((1, 4, 100))]
    elif kind == 9:
        data[at:at] = rng.choice(_WORDS)
    else:
        return _change_number(content, rng)
    return bytes(data)


def _change_number(content: bytes, rng: random.Random) -> bytes:
    """Another number or word in a text; a row lost, doubled or made long."""
    if rng.random() < 0.4:
        lines = content.split(b"\n")
        at = rng.randrange(len(lines))
        lines[at : at + 1] = rng.choice(
            ([], [lines[at]] * 2, [lines[at] * 40], [lines[at] * 2, b""])
        )
        return b"\n".join(lines)
    start = rng.randrange(max(1, len(content)))
    match = re.compile(rb"\d+").search(content, start)
    if match is None:
        return content
    return content[: match.start()] + rng.choice(_WORDS) + content[match.end() :]


# What is packed in archives, so that their checksums are right


def _change_zip(content: bytes, rng: random.Random) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError, OSError):
        return _change_bytes(content, rng)
    files = _change_files(files, rng)
    buffer = io.BytesIO()
    with (
        warnings.catch_warnings(action="ignore"),  # of names that are there twice
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        for name, data in files:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (
                rng.choice((0, 0, 0, 0, 0o120777 << 16)) if rng.random() < 0.02 else 0
            )
            archive.writestr(entry, data)
    packed = buffer.getvalue()
    return _lie(packed, rng) if rng.random() < 0.15 else packed


def _lie(packed: bytes, rng: random.Random) -> bytes:
    """Another size, offset, method or flag in the ZIP's directory."""
    data, at = bytearray(packed), packed.rfind(b"PK\x01\x02")
    starts = [match.start() for match in re.finditer(b"PK\x01\x02", packed)]
    at = rng.choice(starts) if starts else at
    place, form = rng.choice(
        ((20, "<I"), (24, "<I"), (42, "<I"), (10, "<H"), (8, "<H"), (28, "<H"), (16, "<I"))
    )
    value = rng.choice(_EXTREMES) & (256 ** struct.calcsize(form) - 1)
    if at >= 0:
        struct.pack_into(form, data, at + place, value)
    return bytes(data)


def _change_tar(content: bytes, rng: random.Random) -> bytes:
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            files = [(m.name, archive.extractfile(m).read()) for m in archive if m.isreg()]
    except (tarfile.TarError, OSError, EOFError, ValueError, AttributeError):
        return _change_bytes(content, rng)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=rng.choice((0, 1, 2))) as archive:
        for name, data in _change_files(files, rng):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            if rng.random() < 0.01:
                entry.type, entry.linkname = (
                    rng.choice((b"1", b"2", b"3", b"5", b"S")),
                    "/etc/passwd",
                )
                entry.size = 0
            try:
                archive.addfile(entry, io.BytesIO(data))
            except ValueError:  # a name that this format of TAR cannot hold
                continue
    return buffer.getvalue()


def _change_files(files: list[tuple[str, bytes]], rng: random.Random) -> list[tuple[str, bytes]]:
    if not files:
        return [("7/a.png", b"")]
    at = rng.randrange(len(files))
    name, data = files[at]
    kind = rng.randrange(9)
    if kind == 0:
        files.append((name, rng.choice(files)[1]))  # an entry twice
    elif kind == 1:
        files[at] = (rng.choice(_NAMES), data)
    elif kind == 2:
        files[at] = (name, b"")
    elif kind == 3:
        del files[at]
    elif kind == 4:
        files[at] = (name, bytes(rng.choice((1_000, 200_000, 30_000_000))))  # a bomb
    elif kind == 5:
        files.append((rng.choice(_NAMES), rng.choice(_WORDS) * rng.choice((1, 50))))
    else:
        files[at] = (name, _changed(data, rng))
    return files


def _change_png(content: bytes, rng: random.Random) -> bytes:
    """Another size, depth or kind in the head, or a long chunk, with the right checksum."""
    head = bytearray(content[16:29])
    if rng.random() < 0.7:
        struct.pack_into(
            ">II", head, 0, *rng.choices((0, 1, 28, 5_000, 4_999, 60_000, 2**31 - 1), k=2)
        )
    else:
        head[rng.randrange(8, 13)] = rng.choice((0, 1, 2, 3, 4, 6, 8, 16, 99))
    more = b""
    if rng.random() < 0.2:
        kind = rng.choice((b"zTXt", b"iCCP", b"tRNS", b"PLTE", b"acTL", b"eXIf"))
        more = _chunk(kind, b"a\0\0" + zlib.compress(bytes(rng.choice((10, 50_000_000)))))
    return content[:8] + _chunk(b"IHDR", bytes(head)) + more + content[33:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
