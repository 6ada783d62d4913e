"""`Part`: what a file holds of one part of the data, before pixels and labels are brought to form.

Also the words by which people name such parts, labels and index columns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from digitlab.errors import UnclearFileError
from digitlab.words import shorten

IMAGE_NAMES = {
    *("images", "image", "imgs", "img", "x", "data", "pixels", "features", "inputs", "input"),
    *("digits", "arr", "samples", "pixel", "bytes"),
}
LABEL_NAMES = {
    *("label", "labels", "y", "class", "classes", "target", "targets", "digit", "lbl"),
    *("character", "char", "value", "answer", "groundtruth", "gt", "annotation", "classid"),
    *("labelid", "category"),
}
INDEX_NAMES = {"", "id", "index", "idx", "unnamed", "imageid", "row", "rowid", "no", "number", "nr"}
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("test", "testing", "t10k", "tst", "te", "eval"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
}
_KINDS = r"x|y|imgs?|images?|labels?|data|targets?"
_GLUED = re.compile(rf"({_KINDS})(train|test|val)|(train|test|val)({_KINDS})")


@dataclass(eq=False)
class Part:
    """Images and labels as they lie in a file.

    `images` is an array [N, H, W] or [N, pixels], uint8 where it fits and else float32; `labels`
    [N] whole numbers or texts, None where there are none; `where` names them for notes, `split` is
    train, val, test or "". `classes` are the names of classes that the file itself gives;
    `exported` is true for what digitlab wrote, of which nothing is judged.
    """

    where: str
    images: np.ndarray
    labels: np.ndarray | None
    split: str = ""
    classes: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    exported: bool = False


def words_of(name: str) -> list[str]:
    """The words of a name in small letters: `testX` and `X_test` have the same two."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    words = [word for word in re.split(r"[^a-z0-9]+", parted) if word]
    return [part for word in words for part in _apart(word)]


def _apart(word: str) -> list[str]:
    """xtrain and trainlabels as two words."""
    match = _GLUED.fullmatch(word)
    return [part for part in match.groups() if part] if match else [word]


def find_split(name: str) -> str:
    """train, val or test, where a word of the name says so; else ""."""
    splits = {SPLIT_WORDS[word] for word in words_of(name) if word in SPLIT_WORDS}
    return splits.pop() if len(splits) == 1 else ""


def strip_split(name: str) -> str:
    """The name without the words that say of which part it is, in small letters, joined."""
    return "".join(word for word in words_of(name) if word not in SPLIT_WORDS)


def choose_label(names: Sequence[str], column: str | int | None, where: str) -> int | None:
    """The position of the labels among the names of columns; None where no name says it.

    `column` is a name or a position that a person gave. UnclearFileError where several names do.
    """
    if column is not None:
        return find_column(names, column, where)
    named = [i for i, name in enumerate(names) if "".join(words_of(name)) in LABEL_NAMES]
    exact = [i for i in named if "".join(words_of(names[i])) in ("label", "labels")]
    if len(named) > 1 and len(exact) != 1:
        raise unclear_column(where, [names[i] for i in named])
    return (exact or named or [None])[0]


def find_column(names: Sequence[str], column: str | int, where: str) -> int:
    """The position of the column that a person named or counted; from the end if below 0."""
    if str(column) in names:
        return list(names).index(str(column))
    try:
        position = range(len(names))[int(column)]
    except (ValueError, IndexError):
        shown = ", ".join(shorten(name, 40) or "(no name)" for name in list(names)[:6])
        raise UnclearFileError(
            f"{where} has no column {str(column)[:40]!r}; its {len(names):,} columns are {shown}"
            f"{' …' if len(names) > 6 else ''}: give label_column a name or a position.",
            argument="label_column",
            choices=(),
        ) from None
    return position


def unclear_column(where: str, candidates: Sequence[str]) -> UnclearFileError:
    """The question which column holds the labels."""
    shown = " or ".join(repr(shorten(name, 40)) for name in candidates[:4])
    return UnclearFileError(
        f"Which column of {where} holds the labels: {shown}? Its name does not say it; "
        f"label_column={shorten(candidates[0], 40)!r} answers it.",
        argument="label_column",
        choices=tuple(candidates),
    )
