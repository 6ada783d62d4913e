"""Labelled images from a CSV in Kaggle's form: the label and 784 pixels a row."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import islice

import numpy as np

from digitlab.data.framing import SIDE
from digitlab.errors import UploadError

PIXELS = SIDE * SIDE
MAX_LINE = 20_000  # characters; 785 columns with names need 7,000
MAX_ROWS = 70_000
_AT_ONCE = 1_000  # rows


def read_table(content: bytes, classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Images uint8 [N, 28, 28] and labels int64 [N] of a CSV's bytes, and no notes.

    A first row of names is allowed and may put `label` elsewhere than first; without one the
    label comes first. UploadError for other numbers of columns, for pixels that are not whole
    numbers of 0…255, for labels that are no class, and for more than 70,000 rows; a line's length
    is checked before it is taken apart.
    """
    if b"\0" in content[:4_096]:
        raise UploadError("The file is neither a ZIP, an .npz nor a CSV of labelled images.")
    lines = io.BytesIO(content)
    first = _line(lines, 1)
    column = _label_column(first)
    if column is None:
        column = 0
        lines.seek(0)
    images, labels, row = [], [], 1
    while chunk := list(islice(_rows(lines), _AT_ONCE)):
        numbers = _numbers(chunk, row)
        if row + len(chunk) - 1 > MAX_ROWS:
            raise UploadError(f"The CSV has more than {MAX_ROWS:,} rows; no more are read.")
        labels.append(_labels(numbers[:, column], len(classes), row))
        images.append(_pixels(np.delete(numbers, column, axis=1), row))
        row += len(chunk)
    if not images:
        raise UploadError("The CSV has no rows of numbers.")
    whole = np.concatenate(images).reshape(-1, SIDE, SIDE)
    return whole, np.concatenate(labels), []


def _rows(lines: io.BytesIO):
    while line := _line(lines, None):
        if line.strip():
            yield line


def _line(lines: io.BytesIO, number: int | None) -> str:
    raw = lines.readline(MAX_LINE + 1)
    if len(raw) > MAX_LINE:
        raise UploadError(
            f"A row of the CSV is longer than {MAX_LINE:,} characters; one has the label and "
            f"{PIXELS} pixels."
        )
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as e:
        raise UploadError("The file is not text: use a CSV in UTF-8, a ZIP or an .npz.") from e


def _label_column(head: str) -> int | None:
    """The column of the label by the first row's names; None where that is no row of names."""
    names = [name.strip().strip('"').lower() for name in head.split(",")]
    named = sum(name[:1].isalpha() for name in names)
    if "label" not in names and 2 * named <= len(names):
        return None
    if len(names) != PIXELS + 1 and "label" not in names:
        raise UploadError(
            f"The CSV's first row has {len(names)} columns and none named label; it needs label "
            f"and {PIXELS} pixels, as Kaggle's training file has them."
        )
    if "label" in names:
        return names.index("label")
    return 0


def _numbers(chunk: list[str], row: int) -> np.ndarray:
    for i, line in enumerate(chunk):
        columns = line.count(",") + 1
        if columns != PIXELS + 1:
            raise UploadError(
                f"Row {row + i:,} of the CSV has {columns:,} columns; it needs {PIXELS + 1}: the "
                f"label and {PIXELS} pixels. Is the label missing?"
                if columns == PIXELS
                else f"Row {row + i:,} of the CSV has {columns:,} columns; it needs {PIXELS + 1}: "
                f"the label and {PIXELS} pixels."
            )
    try:
        numbers = np.loadtxt(chunk, delimiter=",", dtype=np.float64, ndmin=2, comments=None)
    except ValueError as e:
        raise UploadError(
            f"The CSV has something that is not a number near row {row:,} ({str(e)[:80]})."
        ) from e
    broken = np.argwhere(~np.isfinite(numbers))
    if len(broken):
        raise UploadError(f"Row {row + int(broken[0, 0]):,} of the CSV holds NaN or infinity.")
    return numbers


def _labels(values: np.ndarray, classes: int, row: int) -> np.ndarray:
    wrong = np.flatnonzero((values != np.round(values)) | (values < 0) | (values >= classes))
    if wrong.size:
        raise UploadError(
            f"Row {row + int(wrong[0]):,} of the CSV has the label {values[wrong[0]]:g}; labels "
            f"are whole numbers of 0…{classes - 1}."
        )
    return values.astype(np.int64)


def _pixels(values: np.ndarray, row: int) -> np.ndarray:
    wrong = np.argwhere((values != np.round(values)) | (values < 0) | (values > 255))
    if len(wrong):
        i, j = wrong[0]
        raise UploadError(
            f"Row {row + int(i):,} of the CSV has a pixel of {values[i, j]:g}; pixels are whole "
            "numbers of 0…255."
        )
    return values.astype(np.uint8)
