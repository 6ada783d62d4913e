"""Choosing a true and a read class, by select boxes or by a click; both are in the URL."""

from __future__ import annotations

from digitlab.runs.run import Run
from digitlab.ui import url

ALL = "all"
Pair = tuple[int | None, int | None]


def choose_pair(run: Run, places: list) -> Pair:
    """Two select boxes, each in its place; None stands for any class."""
    names = {ALL: "any", **{str(i): name for i, name in enumerate(run.classes)}}
    with places[0]:
        true = url.choose("True class", names, param="true", default=ALL)
    with places[1]:
        read = url.choose("Read as", names, param="read", default=ALL)
    return _label(true), _label(read)


def take_pair(true: int | None, read: int | None) -> None:
    """Choose a pair from code: a click, say. The image opened before is forgotten."""
    for param, label in (("true", true), ("read", read)):
        url.put(param, ALL if label is None else label)
    url.drop("mistake")


def _label(choice: str) -> int | None:
    return None if choice == ALL else int(choice)


def in_words(names: tuple[str, ...], pair: Pair) -> str:
    """A pair as a person would say it."""
    true, read = pair
    if true is None and read is None:
        return "All mistakes"
    if read is None:
        return f"{names[true]} read as something else"
    if true is None:
        return f"Others read as {names[read]}"
    return f"{names[true]} read as {names[read]}"
