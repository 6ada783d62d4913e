"""Choosing a pair of a true and a read class; both are in the URL."""

from __future__ import annotations

from digitlab.runs.run import Run
from digitlab.ui import url

ALL = "all"
Pair = tuple[int | None, int | None]


def choose_pair(run: Run, columns: list) -> Pair:
    """Show two select boxes, one in each column, and return the pair; None stands for any class."""
    names = {ALL: "any", **{str(i): name for i, name in enumerate(run.classes)}}
    with columns[0]:
        true = url.choose("True class", names, param="true", default=ALL)
    with columns[1]:
        read = url.choose("Read as", names, param="read", default=ALL)
    return _label(true), _label(read)


def chosen_pair(run: Run) -> Pair:
    """The pair in the URL, where no select boxes are shown."""
    labels = [url.get(param) or ALL for param in ("true", "read")]
    known = [str(label) for label in range(len(run.classes))]
    true, read = (_label(label) if label in known else None for label in labels)
    return true, read


def set_pair(true: int | None, read: int | None) -> None:
    """Choose a pair from code, after a click for example, and close the open image."""
    for param, label in (("true", true), ("read", read)):
        url.put(param, ALL if label is None else label)
    url.drop("mistake")


def _label(choice: str) -> int | None:
    return None if choice == ALL else int(choice)


def describe_pair(names: tuple[str, ...], pair: Pair) -> str:
    """A pair in plain text: "4 read as 9"."""
    true, read = pair
    if true is None and read is None:
        return "All mistakes"
    if read is None:
        return f"{names[true]} read as something else"
    if true is None:
        return f"Other classes read as {names[read]}"
    return f"{names[true]} read as {names[read]}"
