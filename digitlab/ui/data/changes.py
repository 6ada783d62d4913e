"""The changes of a dataset that a visitor has made and not saved yet: labels, and dropped images.

The URL keeps them in their order, so that they survive a reload and the last one can be undone:
`r12=7` gives image 12 of the official training part the label 7, `t90=x` drops image 90 of the
test part. A later change of an image replaces an earlier one. The changes of
a dataset that is made here begin with eight characters of its fingerprint, `5f0a93c1:r12=7`: once
it is deleted, another one may have its name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from digitlab.analysis.image_table import Place
from digitlab.data.catalog import CATALOG
from digitlab.data.own import Change
from digitlab.ui import url

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset

LONGEST_LINK = 3_000  # characters; more changes are kept for the visit only
_PARTS = {"r": "train", "t": "test"}
_CHANGE = re.compile(r"([rt])(\d{1,9})=(\d{1,4}|x)")


def list_changes(data: Dataset) -> list[Change]:
    """The changes that differ from the dataset, one for each image, in the order they were made."""
    last = {(change.split, change.index): change for change in _history(data)}
    return [c for c in last.values() if c.label != label_of(data, locate(data, c))]


def changed_labels(data: Dataset) -> dict[Place, int | None]:
    """The places of the changed images in the splits, with their new labels; None: dropped."""
    return {locate(data, change): change.label for change in list_changes(data)}


def locate(data: Dataset, change: Change) -> Place:
    """The split that a changed image is in, and its position there."""
    for name in ("train", "val") if change.split == "train" else ("test",):
        hits = np.flatnonzero(data.split(name).indices == change.index)
        if len(hits):
            return Place(name, int(hits[0]))
    raise AssertionError(f"{change} is checked when it is read")


def change_image(data: Dataset, place: Place, label: int | None) -> None:
    """Give an image another label or, with None, drop it; with its own label, as it was."""
    index = int(data.split(place.split).indices[place.position])
    part = "test" if place.split == "test" else "train"
    _write(data, [*_history(data), Change(split=part, index=index, label=label)])


def undo(data: Dataset) -> None:
    """Take back the last change."""
    _write(data, _history(data)[:-1])


def discard(data: Dataset) -> None:
    """Take back all changes."""
    _write(data, [])


def can_undo(data: Dataset) -> bool:
    """Whether there is a change to take back."""
    return bool(_history(data))


def turn(data: Dataset) -> int:
    """How many times the changes have changed in this visit."""
    return st.session_state.get(_key(data, "turn"), 0)


def fit_link(data: Dataset) -> bool:
    """Whether the changes are short enough for a link, and so survive a reload."""
    return len(_text(data)) <= LONGEST_LINK


def are_of_another(data: Dataset) -> bool:
    """Whether the link has changes of another dataset of this name; they do not count."""
    return bool(url.get(_param(data))) and not _text(data)


def label_of(data: Dataset, place: Place) -> int:
    """The label that an image has in the dataset, whatever was changed."""
    return int(data.split(place.split).labels[place.position])


def _param(data: Dataset) -> str:
    return f"changes-{data.name}"


def _mark(data: Dataset) -> str:
    """What the changes in a link begin with: nothing where a name always means the same images."""
    return "" if data.name in CATALOG else f"{data.fingerprint[:8]}:"


def _key(data: Dataset, what: str) -> str:
    return f"{what}:{_param(data)}:{_mark(data)}"


def _text(data: Dataset) -> str:
    """The changes as text: those of this visit, or else those of the link that opened the page.

    While keys change one image after the other, the browser's link is several changes late.
    """
    linked, mark = url.get(_param(data)) or "", _mark(data)
    changes = linked.removeprefix(mark) if linked.startswith(mark) else ""
    return st.session_state.setdefault(_key(data, "of-visit"), changes)


def _history(data: Dataset) -> list[Change]:
    """All changes in their order, those of a link that do not fit the dataset left out."""
    sizes = {"train": len(data.train) + len(data.val), "test": len(data.test)}
    changes = []
    for match in filter(None, map(_CHANGE.fullmatch, _text(data).split(","))):
        part, index = _PARTS[match[1]], int(match[2])
        label = None if match[3] == "x" else int(match[3])
        if index < sizes[part] and (label is None or label < len(data.classes)):
            changes.append(Change(split=part, index=index, label=label))
    return changes


def _write(data: Dataset, changes: list[Change]) -> None:
    text = ",".join(
        f"{'t' if change.split == 'test' else 'r'}{change.index}="
        f"{'x' if change.label is None else change.label}"
        for change in changes
    )
    st.session_state[_key(data, "of-visit")] = text
    st.session_state[_key(data, "turn")] = turn(data) + 1
    if not text:
        url.drop(_param(data))
    elif len(text) <= LONGEST_LINK:
        url.put(_param(data), _mark(data) + text)
    else:
        url.put_for_visit(_param(data), _mark(data) + text)
