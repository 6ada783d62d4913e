"""`RobustnessCard`: a run's accuracy on corrupted images, as plain numbers in JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from digitlab import files
from digitlab.analysis.cache import cache_folder, is_cached
from digitlab.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path

    from digitlab.runs.run import Run

CARD = "robustness.json"
FORMAT = 1


class Level(NamedTuple):
    """At this severity, so many of the images were read rightly."""

    severity: float
    correct: int


@dataclass(frozen=True)
class Curve:
    """A corruption by its name, or an attack, over its severities, measured on `n` images."""

    name: str
    n: int
    levels: tuple[Level, ...]

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Shares read rightly, 0…1, one for each level."""
        return tuple(level.correct / self.n for level in self.levels)

    @property
    def worst(self) -> Level:
        """The level with the fewest images read rightly."""
        return min(self.levels, key=lambda level: level.correct)


class Elsewhere(NamedTuple):
    """Images of another dataset's test split, as they are."""

    dataset: str
    n: int
    correct: int


@dataclass(frozen=True)
class RobustnessCard:
    """What was measured on `n` test images of a run's own data, of `available`.

    `correct` of them as they are; `curves` under corruptions, `attacks` by gradient (none for
    models without one), `elsewhere` other datasets. `seconds` and `device` say what it took.
    """

    run_id: str
    dataset: str
    n: int
    available: int
    seed: int
    correct: int
    curves: tuple[Curve, ...]
    attacks: tuple[Curve, ...]
    elsewhere: tuple[Elsewhere, ...]
    device: str
    seconds: float

    @property
    def accuracy(self) -> float:
        """Of the images as they are, 0…1."""
        return self.correct / self.n

    def curve(self, name: str) -> Curve:
        """The curve of that corruption or attack; RunError where it was not measured."""
        for curve in (*self.curves, *self.attacks):
            if curve.name == name:
                return curve
        raise RunError(f"The card of run {self.run_id} has no curve {name!r}.", run_id=self.run_id)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RobustnessCard:
        """The card from the values of `to_dict`; KeyError or TypeError for anything else."""
        values = dict(values)
        if values.pop("format") != FORMAT:
            raise TypeError("another format")
        for name in ("curves", "attacks"):
            values[name] = tuple(
                Curve(curve["name"], curve["n"], tuple(Level(*level) for level in curve["levels"]))
                for curve in values[name]
            )
        values["elsewhere"] = tuple(Elsewhere(*entry) for entry in values["elsewhere"])
        return cls(**values)


def card_path(run: Run) -> Path:
    """Where a run's card is kept."""
    return cache_folder(run) / CARD


def read_card(run: Run) -> RobustnessCard | None:
    """The card of the run's present weights; None where there is none."""
    path = card_path(run)
    if not is_cached(run, path):
        return None
    try:
        return RobustnessCard.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # damaged, or of another version: it can be measured again


def write_card(run: Run, card: RobustnessCard) -> None:
    """Keep a card with its run; StoreError where the disk is full."""
    files.write_json(card_path(run), card.to_dict())
