"""How well photographs are read: rendered ones in every condition, and a folder of real ones.

Each row says what share is right, declined and wrong; a declined answer is not right, except where
nothing can be read: a digit that was struck out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.drawing.photograph import CHEQUES, CONDITIONS, photograph
from digitlab.drawing.strokes import PenDigit
from digitlab.errors import DatasetMissingError, DrawingError

if TYPE_CHECKING:
    from digitlab.runs.run import Run

LABELS = "labels.csv"  # in a folder of photos: columns `file` and `label`
UNREAD = "?"


def measure_conditions(
    run: Run, digits: Sequence[PenDigit], count: int, seed: int
) -> Iterator[dict[str, Any]]:
    """Shares of `count` rendered photographs of each condition: of one digit, of an amount."""
    for condition in (*CONDITIONS, *CHEQUES):
        rng = np.random.default_rng(seed)
        photos = (photograph(digits, condition, rng) for _ in range(count))
        yield from _count(
            f"photo, {condition}", ((photo.pixels, photo.text) for photo in photos), run
        )


def measure_photos(folder: str | Path, run: Run | None = None) -> list[dict[str, Any]]:
    """Shares of the photos of a folder, by its labels.csv (columns `file` and `label`).

    Raises DatasetMissingError where there is no such file.
    """
    from digitlab.analysis.recognize import default_reader

    path = Path(folder) / LABELS
    if not path.is_file():
        raise DatasetMissingError(
            f"There is no {LABELS} in {str(folder)!r}: give a folder with photos and that file, "
            "with a line `file,label` for each photo.",
            name="photos",
        )
    with path.open(newline="", encoding="utf-8") as file:
        rows = [(path.parent / row["file"], row["label"]) for row in csv.DictReader(file)]
    return list(_count(f"photos, {path.parent.name}", rows, run or default_reader()))


def _count(name: str, photos: Iterable[tuple[Any, str]], run: Run) -> Iterator[dict[str, Any]]:
    outcomes = [_outcome(source, text, run) for source, text in photos]
    for outcome in ("right", "declined", "wrong"):
        share = outcomes.count(outcome) / max(1, len(outcomes))
        yield {"name": f"{name}: {outcome}", "value": share, "unit": "share", "n": len(outcomes)}


def _outcome(source: Any, text: str, run: Run) -> str:
    from digitlab.analysis.recognize import recognize

    try:
        read = recognize(source, run).text
    except DrawingError:
        read = UNREAD
    if UNREAD in read:
        return "declined" if text else "right"
    return "right" if read == text else "wrong"
