"""What the sections of the Draw page look at: a run, a drawing, its reading, and one digit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.ui.drawing.sheet import Drawing
from digitlab.words import probability

if TYPE_CHECKING:
    from digitlab.drawing.recognition import Digit, Recognition
    from digitlab.runs.run import Run


@dataclass(frozen=True, eq=False)
class Look:
    """`recognition` is what `run` read in `drawing`; `place` is the digit that is looked at."""

    run: Run
    drawing: Drawing
    recognition: Recognition
    place: int = 0

    @property
    def digit(self) -> Digit:
        return self.recognition.digits[self.place]

    @property
    def image(self) -> np.ndarray:
        """What the network sees of the digit, uint8 [28, 28]."""
        return self.digit.framed.image

    @property
    def answer(self) -> str:
        """The name of what the digit comes nearest to, also where it was declined."""
        return self.run.classes[self.digit.label]

    @property
    def runner_up(self) -> int:
        """The second most likely class."""
        return int(np.argsort(self.digit.probabilities)[-2])

    def ask(self, images: np.ndarray) -> np.ndarray:
        """Images uint8 [N, 1, 28, 28] → probabilities float [N, C] of each class, given a digit."""
        from digitlab.analysis.recognize import find_predictor

        given = np.asarray(find_predictor(self.run)(images))
        return given / np.maximum(given.sum(axis=1, keepdims=True), 1e-12)

    def words(self, probabilities: np.ndarray) -> str:
        """An answer in words: "7 (98.1 %)"."""
        best = int(np.argmax(probabilities))
        return f"{self.run.classes[best]} ({probability(float(probabilities[best]))})"
