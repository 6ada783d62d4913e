"""Tables of pixels: CSV with any separator and ARFF → a `Part`; where the labels are is asked.

A row is an image. The label's column is known by its name, wherever it stands. Without names it is
the first or the last column, whichever alone can hold labels: the other is a corner of the images
and always paper. Where both can, or a head names neither, the reader asks.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from digitlab.data.reading import limits
from digitlab.data.reading.part import (
    INDEX_NAMES,
    LABEL_NAMES,
    Part,
    choose_label,
    unclear_column,
    words_of,
)
from digitlab.data.reading.pixels import compact
from digitlab.data.reading.text import to_utf8
from digitlab.errors import UploadError

MAX_LINE = 200_000  # characters; 28×28 need 7,000 with names, 128×128 in floats 200,000
_AT_ONCE = 1_000  # rows
_FIRST_ROWS = 200  # by which columns are judged
_MOST_ONE_HOT = 62  # columns that are one label: digits, capital and small letters
_ONE, _ZERO = re.compile(r"1(\.0*)?"), re.compile(r"0(\.0*)?")
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", None: "spaces"}
Progress = Callable[[int, int], None] | None
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|nan|[+-]?inf", re.I)


@dataclass(frozen=True)
class Layout:
    """How a table is to be read: its separator, its names (positions without a head), and which
    columns hold the label (None: none does) and the pixels, these in their order. `one_hot` are the
    columns of which one is 1 and its position the label, where there are such.
    """

    separator: str | None
    names: tuple[str, ...]
    label: int | None
    pixels: np.ndarray
    decimal_comma: bool = False
    one_hot: np.ndarray | None = None

    def find_labels(self, numbers: np.ndarray, where: str) -> np.ndarray | None:
        """The labels [N], whole numbers or texts, of rows of numbers; None where none are there."""
        if self.one_hot is not None:
            return find_one_hot(numbers[:, self.one_hot], where)
        return None if self.label is None else _whole(numbers[:, self.label])


def find_one_hot(values: np.ndarray, where: str) -> np.ndarray:
    """The position of the 1 in each row [N, K]; UploadError for a row that has not one."""
    if not (np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all()):
        raise UploadError(f"{where} has a row whose label is not one 1 among {values.shape[1]}.")
    return values.argmax(axis=1)


def read_csv(
    content: bytes, where: str, label_column: str | int | None, on_progress: Progress = None
) -> Part:
    """Images and labels of a CSV's bytes; UploadError where it cannot be read.

    A line's length is checked before it is taken apart.
    """
    lines = _lines(_decode_table(content, where), where)
    first = _without_preamble(list(islice(lines, _FIRST_ROWS + 1)))
    if not first:
        raise UploadError(f"{where} has no rows of numbers.")
    separator = _find_separator(first)
    cells = [_split(line, separator) for line in first]
    commas = {cell for row in cells[1:] or cells for cell in row if "," in cell}
    comma = separator in (";", "\t") and not all(map(_THOUSANDS.fullmatch, commas))
    if comma:
        cells = [[cell.replace(",", ".") for cell in row] for row in cells]
    head = _is_head(cells)
    if head and len(cells) == 1:
        raise UploadError(f"{where} has no rows of numbers.")
    named = head and any(not _NUMBER.fullmatch(cell) for cell in cells[0])
    names = tuple(cells[0]) if named else tuple(map(str, range(len(cells[0]))))
    body = cells[1:] if head else cells
    notes = [] if separator == "," else [f"{where} is separated by {_SEPARATORS[separator]}."]
    layout, more = find_layout(names, body, where, label_column, named, separator, comma)
    rows = first[1:] if head else first
    tell = _tell_rows(content, on_progress)
    part = read_rows(_chain(rows, lines), layout, where, tell)
    part.notes += notes + more
    return part


def _chain(rows: Sequence[str], lines: Iterator[str]) -> Iterator[str]:
    yield from rows
    yield from lines


def _decode_table(content: bytes, where: str) -> io.BufferedIOBase:
    try:
        content = to_utf8(content)
    except UnicodeDecodeError as e:
        raise UploadError(f"{where} is no text in UTF-16.") from e
    if b"\0" in content[:4_096]:
        raise UploadError(
            f"{where} is none of the forms that are read: images in folders, CSV, NPZ, NPY, IDX, "
            "Parquet, MAT, HDF5, ARFF, libsvm, JSON lines, packed or not (ZIP, TAR, gzip)."
        )
    if b"\n" not in content[:MAX_LINE] and b"\r" in content[:MAX_LINE]:
        content = content.replace(b"\r", b"\n")
    return io.BytesIO(content)


def _lines(file: io.BufferedIOBase, where: str) -> Iterator[str]:
    while raw := file.readline(MAX_LINE + 1):
        if len(raw) > MAX_LINE:
            raise UploadError(
                f"A row of {where} is longer than {MAX_LINE:,} characters: it is no table of "
                "images."
            )
        try:
            line = raw.decode()
        except UnicodeDecodeError as e:
            raise UploadError(f"{where} is not text: use a CSV in UTF-8, a ZIP or an NPZ.") from e
        if line.strip():
            yield line.rstrip("\r\n")


def _without_preamble(lines: list[str]) -> list[str]:
    """The lines without what may stand before a table: Excel's `sep=;`, and comments.

    A comment may be the head, as NumPy's `savetxt` writes it: `# label,pixel0,pixel1`.
    """
    if lines and re.fullmatch(r'"?sep=."?', lines[0].strip(), re.I):
        lines = lines[1:]
    while len(lines) > 1 and lines[0].startswith("#"):
        head = lines[0].lstrip("# ")
        signs = [sign for sign in _SEPARATORS if sign and lines[1].count(sign)]
        names = any(head.count(sign) == lines[1].count(sign) for sign in signs)
        lines = [head, *lines[1:]] if names else lines[1:]
    return lines


def _find_separator(lines: Sequence[str]) -> str | None:
    """What parts the cells: the sign that is most frequent in the row with the fewest of it."""
    counts = {sign: min(line.count(sign) for line in lines[:20]) for sign in _SEPARATORS if sign}
    best = max(counts, key=counts.get)
    if counts["\t"] == counts[best] or (best == "," and counts[";"] * 2 > counts[","] > 0):
        best = "\t" if counts["\t"] == counts[best] and counts["\t"] else ";"
    if counts[best]:
        return best
    return None if any(" " in line.strip() for line in lines[:20]) else ","


def _split(line: str, separator: str | None) -> list[str]:
    if separator is None:
        return line.split()
    if '"' in line or "'" in line:
        try:
            cells = next(csv.reader([line], delimiter=separator), [])
        except csv.Error as e:
            raise UploadError(f"The row {line[:40]!r} … cannot be read ({e}).") from e
        return [cell.strip().strip("'\"").strip() for cell in cells]
    return [cell.strip() for cell in line.split(separator)]


def _is_head(cells: Sequence[Sequence[str]]) -> bool:
    """Whether the first row holds names, or numbers that only count the columns."""
    first = [cell for cell in cells[0] if cell]
    words = sum(not _NUMBER.fullmatch(cell) for cell in first)
    if any("".join(words_of(cell)) in LABEL_NAMES for cell in first) or 2 * words > len(first):
        return True
    if words and len(cells) > 1 and not _has_words(cells[1]):
        return True
    counted = [cell.partition(".")[0] for cell in cells[0][-50:]]
    end = len(cells[0])
    for start in (0, 1):
        if counted == [str(i + start) for i in range(end - len(counted), end)] and end > 50:
            return True
    return False


def _has_words(row: Sequence[str]) -> bool:
    return any(cell and not _NUMBER.fullmatch(cell) for cell in row)


def find_layout(
    names: tuple[str, ...],
    rows: Sequence[Sequence[str]],
    where: str,
    label_column: str | int | None,
    named: bool,
    separator: str | None = ",",
    decimal_comma: bool = False,
) -> tuple[Layout, list[str]]:
    """Which columns hold the label and the pixels, and notes where that was not plain."""
    for number, row in enumerate(rows):
        if len(row) != len(names):
            raise UploadError(
                f"Row {number + 1:,} of {where} has {len(row):,} columns and the first has "
                f"{len(names):,}."
            )
    label = choose_label(names, label_column, where) if named or label_column is not None else None
    notes, one_hot = [], None
    others = [i for i in range(len(names)) if i != label]
    index = _find_index(names, rows, others, named, label is not None)
    others = [i for i in others if i != index]
    if label is None and not _is_square(len(others)):
        one_hot = _find_one_hot_columns(rows, others)
    if one_hot is not None:
        others = [i for i in others if i not in one_hot]
        notes.append(
            f"{where} has {len(one_hot)} columns of which one is 1: its position was read as the "
            "label."
        )
    elif label is None and not _is_square(len(others)):
        label, notes = _judge_columns(names, rows, others, where, named)
        others = [i for i in others if i != label]
    if not _is_square(len(others)):
        raise UploadError(
            f"{where} has {len(others):,} columns of pixels; a square image has as many as "
            f"28×28 = {28 * 28}"
            + (", beside the label." if label is not None else f" and a label, {28 * 28 + 1}.")
        )
    if index is not None:
        notes.append(f"Column {names[index] or index!r} of {where} numbers the rows: left out.")
    pixels, note = _order(names, others, named)
    notes += [f"{where}: {note}"] if note else []
    return Layout(separator, names, label, pixels, decimal_comma, one_hot), notes


def _find_one_hot_columns(rows, others: Sequence[int]) -> np.ndarray | None:
    """The columns at the end, or the beginning, that are one-hot in all rows; None for none."""
    for count in range(2, min(_MOST_ONE_HOT, len(others) - 4) + 1):
        if not _is_square(len(others) - count):
            continue
        for columns in (others[-count:], others[:count]):
            cells = [[row[i] for i in columns] for row in rows]
            ones = {tuple(k for k, cell in enumerate(row) if _ONE.fullmatch(cell)) for row in cells}
            zeros = {sum(bool(_ZERO.fullmatch(cell)) for cell in row) for row in cells}
            if zeros == {count - 1} and {len(places) for places in ones} == {1} and len(ones) > 1:
                return np.array(columns)
    return None


def _is_square(count: int) -> bool:
    grey, colour = math.isqrt(count), math.isqrt(count // 3)
    return count > 3 and (grey * grey == count or 3 * colour * colour == count)


def _find_index(names, rows, others: Sequence[int], named: bool, labelled: bool) -> int | None:
    """The column that only numbers the rows, where there is one more than fits."""
    if _is_square(len(others)):
        return None
    for i in (others[:1] + others[-1:]) if not named else others:
        known = "".join(word for word in words_of(names[i]) if not word.isdigit()) in INDEX_NAMES
        numbers = [row[i] for row in rows]
        counting = [str(k) for k in range(len(rows))], [str(k + 1) for k in range(len(rows))]
        counts = known if named else len(rows) > 2 and numbers in counting
        if counts and _is_square(len(others) - (1 if labelled else 2)):
            return i
    return None


def _judge_columns(names, rows, others, where, named) -> tuple[int, list[str]]:
    """The label's column by what it holds, where no name tells it; asked where that is unclear."""
    if not _is_square(len(others) - 1):
        count = len(others)
        hint = " and no label" if _is_square(count) else ""
        raise UploadError(
            f"Row 1 of {where} has {count:,} columns{hint}; it needs {28 * 28 + 1}: the label and "
            f"{28 * 28} pixels, or another square." + (" Is the label missing?" if hint else "")
        )
    ends = others[:1] + others[-1:]
    holds = [i for i in ends if _could_be_labels([row[i] for row in rows])]
    if named:
        odd = _odd_names([names[i] for i in others])
        raise unclear_column(where, odd or [names[i] for i in holds or ends])
    if len(holds) != 1:
        raise unclear_column(where, [names[i] for i in holds or ends])
    other = "last" if holds[0] == ends[0] else "first"
    place = "first" if other == "last" else "last"
    return holds[0], [
        f"{where} names no column: its {place} was read as the label, as the {other} is the same "
        "in the first rows, like the corner of an image."
    ]


def _could_be_labels(cells: Sequence[str]) -> bool:
    """Whether cells differ and are few short words or whole numbers."""
    different = set(cells)
    if len(different) == 1 and (len(cells) > 1 or cells[0] in ("", "0", "0.0", "255")):
        return False
    return len(different) <= 100 and all(
        not _NUMBER.fullmatch(cell) or float(cell).is_integer() for cell in different
    )


def _odd_names(names: Sequence[str]) -> list[str]:
    """Names that do not follow the pattern of the others: `y` beside `p0`, `p1`, …"""
    patterns = [re.sub(r"\d+", "#", name) for name in names]
    usual = max(set(patterns), key=patterns.count)
    odd = [name for name, pattern in zip(names, patterns, strict=True) if pattern != usual]
    return odd if 0 < len(odd) <= 4 else []


def _order(names, others: Sequence[int], named: bool) -> tuple[np.ndarray, str]:
    """The columns of pixels in the order that their names count them."""
    columns = np.array(others)
    numbers = [re.fullmatch(r"\D*(\d+)", names[i]) for i in others] if named else [None]
    if all(numbers):
        counted = np.array([int(number[1][:9]) for number in numbers])
        if len(set(counted.tolist())) == len(counted) and (np.diff(counted) < 0).any():
            note = "the columns of pixels were put in the order of their numbers."
            return columns[np.argsort(counted, kind="stable")], note
    return columns, ""


def _tell_rows(content: bytes, on_progress: Progress) -> Callable[[int], None]:
    """What tells how many rows are done, of about as many as there are lines."""
    if on_progress is None:
        return lambda done: None
    total = content.count(b"\n") + 1
    return lambda done: on_progress(min(done, total), total)


def read_rows(
    lines: Iterator[str], layout: Layout, where: str, tell: Callable[[int], None]
) -> Part:
    """The images and labels of all rows; UploadError for what is no number."""
    images, labels, row = [], [], 1
    while chunk := list(islice(lines, _AT_ONCE)):
        if row + len(chunk) - 1 > limits.MAX_IMAGES:
            raise UploadError(f"{where} has more than {limits.MAX_IMAGES:,} rows.")
        numbers, texts = _numbers(chunk, layout, row, where)
        labels.append(texts)
        images.append(compact([numbers]))
        row += len(chunk)
        tell(row - 1)
    whole = images[0] if len(images) == 1 else np.concatenate(images)
    labelled = layout.label is not None or layout.one_hot is not None
    return Part(where, whole, np.concatenate(labels) if labelled else None)


def _numbers(chunk, layout: Layout, row: int, where: str) -> tuple[np.ndarray, np.ndarray]:
    """The pixels float32 [n, pixels] and the labels [n], whole numbers or texts, of some rows."""
    if layout.decimal_comma:
        chunk = [line.replace(",", ".") for line in chunk]
    labels = None
    try:
        numbers = _load(chunk, layout.separator)
    except ValueError as e:
        numbers, labels = _without_texts(chunk, layout, row, where, e)
    if numbers.shape[1] != len(layout.names):
        raise UploadError(
            f"Row {row:,} of {where} has {numbers.shape[1]:,} columns and the first has "
            f"{len(layout.names):,}."
        )
    if labels is None:
        labels = layout.find_labels(numbers, where)
    pixels = numbers[:, layout.pixels]
    broken = np.argwhere(~np.isfinite(pixels))
    if len(broken):
        raise UploadError(f"Row {row + int(broken[0, 0]):,} of {where} holds NaN or infinity.")
    return pixels, labels if labels is not None else np.zeros(len(pixels), np.int64)


def _load(chunk: Sequence[str], separator: str | None) -> np.ndarray:
    quote = '"' if '"' in chunk[0] else None
    return np.loadtxt(
        chunk, delimiter=separator, dtype=np.float32, ndmin=2, comments=None, quotechar=quote
    )


def _without_texts(chunk, layout: Layout, row: int, where: str, error: ValueError):
    """The numbers of rows whose label is a text, and these texts."""
    rows = [_split(line, layout.separator) for line in chunk]
    for i, cells in enumerate(rows):
        if len(cells) != len(layout.names):
            raise UploadError(
                f"Row {row + i:,} of {where} has {len(cells):,} columns and the first has "
                f"{len(layout.names):,}."
            ) from error
    one_hot = [] if layout.one_hot is None else layout.one_hot.tolist()
    drop = set(range(len(layout.names))) - {*layout.pixels.tolist(), *one_hot}
    labels = [cells[layout.label] for cells in rows] if layout.label is not None else []
    for cells in rows:
        for k in drop:
            cells[k] = "0"
    try:
        numbers = _load(list(map(",".join, rows)), ",")
    except ValueError as e:
        raise _no_number(rows, row, where) from e
    return numbers, np.array(labels) if labels else None


def _no_number(rows: Sequence[Sequence[str]], row: int, where: str) -> UploadError:
    for i, cells in enumerate(rows):
        wrong = next((cell for cell in cells if not _NUMBER.fullmatch(cell)), None)
        if wrong is not None:
            return UploadError(f"{where} has {wrong[:40]!r}, not a number, in row {row + i:,}.")
    return UploadError(f"{where} has a row from row {row:,} on that is no row of numbers.")


def _whole(values: np.ndarray) -> np.ndarray:
    whole = np.isfinite(values) & (values == np.rint(values))
    if whole.all():
        return values.astype(np.int64)
    return np.array([f"{value:g}" for value in values])


# ARFF


def read_arff(
    content: bytes, where: str, label_column: str | int | None, on_progress: Progress = None
) -> Part:
    """Images and labels of an ARFF file (Weka, OpenML), dense or sparse; see `read_csv`."""
    lines = _lines(_decode_table(content, where), where)
    names, nominal = [], []
    for line in lines:
        word = line.split(None, 1)[0].lower()
        if word == "@data":
            break
        if word == "@attribute":
            match = re.match(r"""@attribute\s+('[^']*'|"[^"]*"|\S+)\s*(.*)""", line.strip(), re.I)
            if not match or len(names) > limits.MAX_SIDE**2:
                raise UploadError(f"{where} has an attribute without a name: {line[:60]!r}.")
            names.append(match[1].strip("'\""))
            nominal.append(match[2].startswith("{"))
    if not names:
        raise UploadError(f"{where} declares no attributes.")
    if label_column is None and sum(nominal) == 1:  # the only one that is no number
        label_column = nominal.index(True)
    rows = (line for line in lines if not line.startswith("%"))
    first = list(islice(rows, _FIRST_ROWS))
    if not first:
        raise UploadError(f"{where} has no rows.")
    sparse = first[0].lstrip().startswith("{")
    most = limits.FREE_CELLS + limits.SPARSE_CELLS * len(content)
    if sparse and content.count(b"{") * len(names) > most:
        raise UploadError(f"{where} has too many rows of {len(names):,} numbers for its size.")
    dense = _dense(names, where) if sparse else str
    first = list(map(dense, first))
    cells = [_split(line, ",") for line in first]
    layout, notes = find_layout(tuple(names), cells, where, label_column, True)
    tell = _tell_rows(content, on_progress)
    part = read_rows(_chain(first, map(dense, rows)), layout, where, tell)
    part.notes += notes
    return part


def _dense(names: Sequence[str], where: str):
    """A sparse row, `{3 255, 784 7}`, as a dense one; what it leaves out is 0."""

    def fill(line: str) -> str:
        cells = ["0"] * len(names)
        try:
            for pair in filter(None, map(str.strip, line.strip().strip("{}").split(","))):
                place, value = pair.split(None, 1)
                cells[int(place)] = value
        except (ValueError, IndexError) as e:
            raise UploadError(f"{where} has a row that is not sparse ARFF: {line[:60]!r}.") from e
        return ",".join(cells)

    return fill
