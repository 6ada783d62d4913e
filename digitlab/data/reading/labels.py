"""Labels as people write them (7, 07, digit_7, seven, Sample008, A) → the class of each image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from digitlab.data.info import DIGITS
from digitlab.data.reading import limits
from digitlab.errors import UnclearFileError, UploadError
from digitlab.words import shorten

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_PREFIXED = re.compile(r"(?:digit|class|label|num|number|no|n|d|c|cls)[ _\-.=]?(\d{1,2})", re.I)
_SAMPLE = re.compile(r"sample0*(\d{1,2})", re.I)  # Chars74K numbers 0 to 9, A to Z, a to z from 1
CHARS74K = (*DIGITS, *map(chr, range(65, 91)), *map(chr, range(97, 123)))


@dataclass(eq=False)
class Labels:
    """`values` int64 [N] are indices into `classes`. `readings` are other ways to read them, which
    only the images can tell apart: by the arguments that choose each, values and how it is told.
    """

    values: np.ndarray
    classes: tuple[str, ...]
    notes: list[str] = field(default_factory=list)
    readings: dict[str, tuple[np.ndarray, str]] = field(default_factory=dict)


def find_digit(text: str) -> int | None:
    """The digit that a text names: 7, 07, 7.0, digit_7, seven, Sample008; None for none."""
    text = text.strip()
    if text.lower() in _WORDS:
        return _WORDS.index(text.lower())
    if match := _SAMPLE.fullmatch(text):
        return int(match[1]) - 1 if 1 <= int(match[1]) <= 10 else None
    match = _PREFIXED.fullmatch(text)
    number = _number(match[1] if match else text)
    return number if number is not None and 0 <= number <= 9 else None


def _number(text: str) -> int | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() and abs(number) < 1e9 else None


def read_labels(
    raw: np.ndarray, classes: Sequence[str] | None, names: Sequence[str], first_label: int | None
) -> Labels:
    """The classes of labels [N], whole numbers or texts.

    `classes` are those to fit in, None to find them; `names` those that the file gives for its
    numbers. `first_label` is the number of the first class, where they are numbers. UploadError for
    a label that is no class, UnclearFileError where numbers may count from 0 or from 1.
    """
    texts, inverse = np.unique(raw.astype(str), return_inverse=True)
    texts = [text.strip() for text in texts.tolist()]
    if len(texts) > limits.MAX_CLASSES:
        raise UploadError(f"There are {len(texts):,} different labels: these are no classes.")
    numbers = [_number(text) for text in texts]
    if names and None not in numbers:
        texts = [names[n] if 0 <= n < len(names) else str(n) for n in numbers]
        classes = classes or names
        numbers = [_number(text) for text in texts]
    if None not in numbers:
        result = _from_numbers(numbers, classes, first_label)
    elif classes is not None:
        result = Labels(np.array([_find_class(t, classes) for t in texts]), tuple(classes))
    else:
        result = _from_texts(texts)
    renamed = [
        f"{text!r} as {result.classes[value]}"
        for text, value in zip(texts, result.values.tolist(), strict=True)
        if text != result.classes[value] and _number(text) is None
    ]
    if renamed:
        result.notes.append(f"Labels were read: {', '.join(renamed[:10])}.")
    result.readings = {k: (v[inverse], note) for k, (v, note) in result.readings.items()}
    result.values = result.values[inverse].astype(np.int64)
    return result


def read_exported(raw: np.ndarray, classes: Sequence[str] | None, names: Sequence[str]) -> Labels:
    """The classes of labels [N] that digitlab exported: positions in `names`, or these themselves.

    `classes` are those to fit in, else `names` are. UploadError for a label that is none of them.
    """
    labels, inverse = np.unique(raw, return_inverse=True)
    if raw.dtype.kind in "iu":
        positions = labels.astype(np.int64)
    else:  # a table's cells are read without the spaces around them
        position_of = {name.strip(): position for position, name in enumerate(names)}
        positions = np.array([position_of.get(text, -1) for text in labels.tolist()])
    wrong = (positions < 0) | (positions >= len(names))
    if wrong.any():
        raise _no_class(str(labels[wrong][0]), names)
    texts, classes = [names[position] for position in positions], tuple(classes or names)
    if set(texts) <= set(classes):
        return Labels(np.array([classes.index(text) for text in texts])[inverse], classes)
    return read_labels(np.array(texts)[inverse], classes, (), None)


def _from_numbers(numbers: list[int], classes, first_label: int | None) -> Labels:
    values = np.array(numbers)
    if classes is None:
        if values.min() >= 0 and values.max() <= 9 and first_label in (None, 0):
            return Labels(values, DIGITS)
        if first_label is None and not (values.min() == 1 and values.max() == 10):
            if values.min() == 0 and values.max() < 2 * len(values):
                return Labels(values, tuple(map(str, range(values.max() + 1))))
            return Labels(np.arange(len(values)), tuple(map(str, numbers)))  # as they are sorted
        classes = DIGITS
    classes = tuple(classes)
    if values.min() == 1 and values.max() == len(classes) == 10 and classes == DIGITS:
        return _one_to_ten(values, first_label)
    if first_label is None and all(_number(name) is not None for name in classes):
        return Labels(np.array([_find_class(str(n), classes) for n in numbers]), classes)
    notes = []
    if first_label is None:
        first_label = 1 if values.min() >= 1 and values.max() == len(classes) else 0
        if values.min() >= 1 and not first_label:
            raise _from_which(values, classes)
        if first_label:
            notes.append(f"Labels count from 1: 1 was read as {classes[0]}.")
    wrong = (values < first_label) | (values - first_label >= len(classes))
    if wrong.any():
        raise _no_class(str(values[wrong][0]), classes)
    return Labels(values - first_label, classes, notes)


def _one_to_ten(values: np.ndarray, first_label: int | None) -> Labels:
    """Digits numbered 1 to 10: 10 is 0 (SVHN), or 1 is 0 (libsvm's USPS)."""
    ways = {
        "first_label=10": (values % 10, "10 was read as 0, as in SVHN"),
        "first_label=1": (values - 1, "labels count from 1: 1 was read as 0"),
    }
    if first_label is not None:
        chosen = ways.get(f"first_label={first_label}")
        if chosen is None:
            raise _no_class("10", DIGITS)
        return Labels(chosen[0], DIGITS)
    return Labels(values % 10, DIGITS, readings=ways)


def unclear_first(labels: Labels) -> UnclearFileError:
    """The question whether 10 is 0 or 1 is 0."""
    ways = " or ".join(f"{note} ({argument})" for argument, (_, note) in labels.readings.items())
    return UnclearFileError(
        f"The labels go from 1 to 10; they may be read in two ways: {ways}.",
        argument="first_label",
        choices=tuple(argument.partition("=")[2] for argument in labels.readings),
    )


def _from_which(values: np.ndarray, classes: Sequence[str]) -> UnclearFileError:
    return UnclearFileError(
        f"The labels are numbers from {values.min()} to {values.max()} and the classes are "
        f"{_list(classes)}: is 1 {classes[0]} or {classes[1]}? first_label=1 reads it as "
        f"{classes[0]}, first_label=0 as {classes[1]}.",
        argument="first_label",
        choices=("1", "0"),
    )


def _from_texts(texts: Sequence[str]) -> Labels:
    digits = [find_digit(text) for text in texts]
    if None not in digits:
        return Labels(np.array(digits), DIGITS)
    samples = [_SAMPLE.fullmatch(text) for text in texts]
    if all(samples) and all(1 <= int(match[1]) <= 62 for match in samples):
        note = "Folders are named as in Chars74K: Sample001 is 0, Sample011 is A, Sample037 is a."
        return Labels(np.array([int(match[1]) - 1 for match in samples]), CHARS74K, [note])
    return Labels(np.arange(len(texts)), tuple(texts))


def _find_class(text: str, classes: Sequence[str]) -> int:
    """The class that a text names, by its name, its number or as a digit."""
    classes = list(classes)
    if text in classes:
        return classes.index(text)
    same = [i for i, name in enumerate(classes) if name.lower() == text.lower()]
    if len(same) == 1:
        return same[0]
    digit = find_digit(text)
    if digit is not None and str(digit) in classes:
        return classes.index(str(digit))
    number = _number(text)
    if number is not None and 0 <= number < len(classes):
        return number
    raise _no_class(text, classes)


def _no_class(text: str, classes: Sequence[str]) -> UploadError:
    return UploadError(f"There is the label {text[:40]!r}; the classes are {_list(classes)}.")


def _list(classes: Sequence[str]) -> str:
    return ", ".join(shorten(name, 30) for name in list(classes)[:12]) + (
        " …" if len(classes) > 12 else ""
    )
