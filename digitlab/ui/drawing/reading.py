"""A reading: what a run read in a drawing, and the digit of it that is selected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.ui.drawing.source import Drawing
from digitlab.words import probability

if TYPE_CHECKING:
    from digitlab.drawing.recognition import Digit, Recognition
    from digitlab.runs.run import Run


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
        """Images uint8 [N, 1, 28, 28] → probabilities float [N, C] of each class, given a digit."""
        from digitlab.analysis.recognize import find_predictor

        probabilities = np.asarray(find_predictor(self.run)(images))
        return probabilities / np.maximum(probabilities.sum(axis=1, keepdims=True), 1e-12)

    def describe(self, probabilities: np.ndarray) -> str:
        """The most likely class with its probability: "7 (98.1 %)"."""
        best = int(np.argmax(probabilities))
        return f"{self.run.classes[best]} ({probability(float(probabilities[best]))})"
