"""A reading: what a run read in a drawing, and the digit of it that is selected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.analysis.recognize import find_calibrated_predictor
from digitlab.ui.drawing.source import Drawing
from digitlab.words import probability

if TYPE_CHECKING:
    from digitlab.drawing.recognition import Digit, Recognition
    from digitlab.runs.run import Run

KEEP_RULING = "ruling"  # URL parameter: "1" keeps what is printed on a photo
NO_DIGIT = "no digit"  # in the place of a class


@dataclass(frozen=True, eq=False)
class Reading:
    """`recognition` is what `run` read in `drawing`; `selected` is the index of a digit in it."""

    run: Run
    drawing: Drawing
    recognition: Recognition
    selected: int = 0

    @property
    def digit(self) -> Digit:
        return self.recognition.digits[self.selected]

    @property
    def several(self) -> bool:
        """Whether more than one digit was read."""
        return len(self.recognition.digits) > 1

    @property
    def image(self) -> np.ndarray:
        """What the network sees of the digit, uint8 [28, 28]."""
        return self.digit.framed.image

    @property
    def answer(self) -> str:
        """The name of the digit's most likely class, also where the run declined to answer."""
        return self.run.classes[self.digit.label]

    @property
    def runner_up(self) -> int:
        """The second most likely class."""
        return int(np.argsort(self.digit.probabilities)[-2])

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Images uint8 [N, 1, 28, 28] → calibrated probabilities float [N, C], as the digit's."""
        return find_calibrated_predictor(self.run)(images)

    def describe(self, probabilities: Sequence[float] | np.ndarray, *, short: bool = False) -> str:
        """The likeliest answer with its probability: "7 (98.1 %)", `short` "7 · 98.1 %"."""
        name, share = self.likeliest(probabilities)
        certainty = probability(share, short=short)
        return f"{name} · {certainty}" if short else f"{name} ({certainty})"

    def likeliest(self, probabilities: Sequence[float] | np.ndarray) -> tuple[str, float]:
        """The most likely class with its probability, or NO_DIGIT where that is more likely."""
        best = int(np.argmax(probabilities))
        share, rest = float(probabilities[best]), float(1 - sum(probabilities))
        return (NO_DIGIT, rest) if rest > share else (self.run.classes[best], share)
