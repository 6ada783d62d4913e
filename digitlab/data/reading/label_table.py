"""A table of labels beside image files: `labels.csv`, `.txt` or `.json`, by file name or by id."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from digitlab.data.reading import limits
from digitlab.data.reading.framing import ENDINGS
from digitlab.data.reading.part import (
    LABEL_NAMES,
    choose_label,
    strip_split,
    unclear_column,
    words_of,
)
from digitlab.data.reading.text import to_utf8
from digitlab.errors import UploadError, reason

TABLE_ENDINGS = (".csv", ".tsv", ".txt", ".json", ".jsonl")
_NAMED = LABEL_NAMES | {"metadata", "solution", "labelmap", "index", "list", "annotations"}


def is_label_table(name: str) -> bool:
    """Whether a file is named as tables of labels are: labels.csv, train_labels.txt, y.csv."""
    path = PurePosixPath(name)
    words = set(words_of(path.stem))
    return path.suffix.lower() in TABLE_ENDINGS and bool(
        strip_split(path.stem) in _NAMED
        or words & {"label", "labels"}
        or not strip_split(path.stem)
    )


def names_image(content: bytes, where: str, images: Sequence[PurePosixPath]) -> bool:
    """Whether a table with a head has an image's id or name in its first column or in one of names.

    A map of classes, {"0": "zero"}, names folders and no image. UploadError for what is no table.
    """
    columns = zip(*_read_rows(content, where)[1:], strict=True)
    keys = [column for i, column in enumerate(columns) if i == 0 or all(map(_is_image, column))]
    cells = {cell: cell for column in keys for cell in column}
    for folder in {part for path in images for part in path.parent.parts}:
        cells.pop(folder, None)
    return any(find_label_of(str(path), PurePosixPath(), cells) for path in images)


def read_label_table(content: bytes, where: str, label_column: str | int | None) -> dict[str, str]:
    """File name or id → label; a head is optional where there are two columns.

    UnclearFileError where there are more and no name says which is the label.
    """
    rows = _read_rows(content, where)
    width = max(map(len, rows), default=0)
    for number, row in enumerate(rows):
        if len(row) < 2:
            raise UploadError(f"Row {number + 1} of {where} needs two columns: file and label.")
    head = bool(rows) and not _is_image(rows[0][0]) and _is_head(rows)
    names = rows[0] if head else [str(i) for i in range(width)]
    label = choose_label(names, label_column, where) if head or label_column is not None else None
    if label is None and width == 2:
        label = 1
    if label is None and rows:
        raise unclear_column(where, names[1:])
    key = 0 if label else 1
    label_of: dict[str, str] = {}
    for row in rows[1:] if head else rows:
        if len(row) <= max(label, key):
            raise UploadError(f"{where} has a row that is too short: {','.join(row)[:60]!r}.")
        name, text = row[key].replace("\\", "/").removeprefix("./"), row[label]
        if label_of.get(name, text) != text:
            raise UploadError(
                f"{where} gives {name[:80]!r} two labels, {label_of[name]} and {text}."
            )
        label_of[name] = text
    return label_of


def _read_rows(content: bytes, where: str) -> list[list[str]]:
    try:
        text = to_utf8(content).decode()
        if where.lower().endswith((".json", ".jsonl")):
            return _read_json(text, where)
        sample = text[:2_000]
        exported = sample.startswith("file,label")  # as digitlab's, whose classes hold any sign
        sign = "," if exported else max(",;\t|", key=sample.count)
        if not sample.count(sign):
            rows = [line.split() for line in text.splitlines()]
        else:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=sign))
    except (UnicodeDecodeError, csv.Error) as e:
        raise UploadError(f"{where} cannot be read as a table in UTF-8 ({e}).") from e
    return [[cell.strip() for cell in row] for row in rows if row]


def _read_json(text: str, where: str) -> list[list[str]]:
    """The rows of `{"a.png": 7}`, of a list of objects, or of one object a line (JSON lines)."""
    try:
        _check_count(max(text.count("["), text.count("{")) - 1)  # before memory is spent
        whole = json.loads(text) if where.lower().endswith(".json") else text.splitlines()
        _check_count(len(whole))
        if isinstance(whole, dict):
            whole = [{"file": name, "label": label} for name, label in whole.items()]
        rows = [json.loads(row) if isinstance(row, str) else row for row in whole if row]
        plain = all(isinstance(value, str | int | float) for row in rows for value in row.values())
        if not rows or not plain or len({tuple(row) for row in rows}) > 1:
            raise ValueError("it is no table")
    except (ValueError, TypeError, AttributeError, RecursionError) as e:
        raise UploadError(
            f"{where} does not name a label for each image ({reason(e)}): replace it by a "
            "labels.csv with the columns file and label."
        ) from e
    return [[*rows[0]], *([str(cell).strip() for cell in row.values()] for row in rows)]


def _check_count(entries: int) -> None:
    if entries > limits.MAX_IMAGES:
        raise ValueError(f"it has more than {limits.MAX_IMAGES:,} entries")


def _is_image(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


def _is_head(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is none of the others' kind: they name images, or are numbers."""
    if len(rows) < 2 or _is_image(rows[1][0]):
        return True
    return not rows[0][0].isdigit() and rows[1][0].isdigit()


def read_label_list(content: bytes, where: str) -> list[str]:
    """The labels of a table that holds nothing else, a row for each image; [] for another one."""
    try:
        rows = _read_rows(content, where)
    except UploadError:
        return []
    if len(rows) < 2 or {len(row) for row in rows} != {1}:
        return []
    texts = [row[0] for row in rows]
    headed = "".join(words_of(texts[0])) in LABEL_NAMES or (
        not texts[0].isdigit() and texts[1].isdigit()
    )
    return texts[headed:]


def find_label_of(name: str, folder: PurePosixPath, label_of: Mapping[str, str]) -> str | None:
    """An image's label by its path, its file name, its stem, or the number that its stem is."""
    path = PurePosixPath(name)
    relative = path.relative_to(folder) if path.is_relative_to(folder) else path
    keys = [str(relative), name, path.name, str(relative.with_suffix("")), path.stem]
    if re.fullmatch(r"0*\d+", path.stem):
        keys.append(str(int(path.stem)))
    return next((label_of[key] for key in keys if key in label_of), None)
