"""Pendigits: who wrote which pen digit, and the digits as the app's canvas would frame them.

Source: E. Alpaydin and F. Alimoglu, Pen-Based Recognition of Handwritten Digits, UCI Machine
Learning Repository, 1998, https://doi.org/10.24432/C5MG6K; the original pen coordinates.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

import numpy as np

from digitlab.drawing.source import read_drawing
from digitlab.drawing.stages import frame_digit
from digitlab.drawing.strokes import PenDigit, rasterise, read_unipen
from digitlab.errors import DatasetDamagedError, StoreError
from digitlab.files import write_atomically
from digitlab.settings import read_settings

FILE = "pendigits/pendigits-orig-train.gz"  # below the data folder
WRITERS = 30  # of the file: numbered from 1
TEST_WRITERS, TUNING_WRITERS = 6, 4
WRITER_SEED = 0

# The canvas's own proportions at half its size: a digit of 160 pixels on 280, a brush of 18.
CANVAS, SIDE, BRUSH = 140, 80.0, 9.0

Images = tuple[np.ndarray, np.ndarray]  # uint8 [N, 1, 28, 28] and labels int64 [N]


def divide_writers() -> dict[str, tuple[int, ...]]:
    """The writers' numbers by part: `train` (20), `tuning` (4) and `test` (6).

    Whole writers, drawn once with seed WRITER_SEED; what is measured on `test` is measured on
    writers whom nothing was learnt from or chosen by. The dataset's training part is the first two.
    """
    order = np.random.default_rng(WRITER_SEED).permutation(np.arange(1, WRITERS + 1)).tolist()
    test, rest = order[:TEST_WRITERS], order[TEST_WRITERS:]
    parts = {"train": rest[TUNING_WRITERS:], "tuning": rest[:TUNING_WRITERS], "test": test}
    return {name: tuple(sorted(part)) for name, part in parts.items()}


def digits_of(path: str | Path, part: str) -> list[PenDigit]:
    """The pen digits of the writers of `train`, `tuning` or `test`; errors as `read_unipen`."""
    writers = divide_writers()[part]
    return [digit for digit in read_unipen(path) if digit.writer in writers]


def read_pendigits(root: Path) -> tuple[Images, Images]:
    """Training part (24 writers) and test part (6 other writers), framed as a drawing is.

    Drawn and framed once (about ten seconds), then cached in the home's `cache` folder; what lies
    there is used only where it belongs to this file and its fingerprint is right.
    """
    path = root / FILE
    cached = read_settings().home / "cache" / f"pendigits-{_key(path)}.safetensors"
    tensors = _read_cached(cached)
    if tensors is None:
        tensors = _frame_all(read_unipen(path))
        _write_cache(cached, tensors)
    held_out = np.isin(tensors["writers"], divide_writers()["test"])
    images, labels = tensors["images"][:, None], tensors["labels"]
    return (images[~held_out], labels[~held_out]), (images[held_out], labels[held_out])


def _frame_all(digits: list[PenDigit]) -> dict[str, np.ndarray]:
    unknown = {digit.writer for digit in digits} - set(range(1, WRITERS + 1))
    if unknown or any(not 0 <= digit.label <= 9 for digit in digits):
        raise DatasetDamagedError(
            f"{Path(FILE).name} holds digits outside 0 to 9 or writers outside 1 to {WRITERS}; "
            "fetch the original file again.",
            name="pendigits",
        )
    return {
        "images": np.stack([_frame(digit) for digit in digits]),
        "labels": np.array([digit.label for digit in digits], np.int64),
        "writers": np.array([digit.writer for digit in digits], np.int64),
    }


def _frame(digit: PenDigit) -> np.ndarray:
    points = np.concatenate(digit.strokes)
    low, span = points.min(axis=0), np.ptp(points, axis=0)
    scale = SIDE / max(1.0, float(span.max()))
    corner = (CANVAS - span * scale) / 2
    strokes = [(stroke - low) * scale + corner for stroke in digit.strokes]
    return frame_digit(read_drawing(rasterise(strokes, (CANVAS, CANVAS), BRUSH))).image


def _key(path: Path) -> str:
    """Of the file and of how it is drawn: another file or canvas, another cache."""
    digest = hashlib.sha256(path.read_bytes())
    digest.update(json.dumps([CANVAS, SIDE, BRUSH]).encode())
    return digest.hexdigest()[:16]


def _fingerprint(tensors: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + np.ascontiguousarray(tensors[name]).tobytes())
    return digest.hexdigest()


def _read_cached(path: Path) -> dict[str, np.ndarray] | None:
    """The cached images, labels and writers; None where there are none, or not these."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            promised = (file.metadata() or {}).get("fingerprint")
    except (SafetensorError, OSError, ValueError):
        return None
    return tensors if promised == _fingerprint(tensors) else None


def _write_cache(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """Write the cache; a home that cannot be written costs the time, not the dataset."""
    from safetensors.numpy import save

    content = save(tensors, metadata={"fingerprint": _fingerprint(tensors)})
    with contextlib.suppress(StoreError):
        write_atomically(path, content, durable=False)
