"""When an answer is accepted: calibrated probabilities, and the reason for declining."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitlab.words import probability


@dataclass(frozen=True)
class Abstention:
    """What an answer must reach, both from 0 to 1; zeros decline nothing.

    Probabilities `p` are those of a predictor (what a row lacks to 1 is "no digit"); all are
    first raised to 1 / `temperature` and scaled to sum to 1 again, which is what dividing the
    logits by it does (C. Guo et al., On calibration of modern neural networks, ICML 2017).
    """

    temperature: float = 1.0
    digit: float = 0.0  # probability of being a digit at all
    confidence: float = 0.0  # probability of the most likely digit

    def calibrate(self, probabilities: np.ndarray) -> np.ndarray:
        """Calibrated `float64 [..., C]` of rows `[..., C]`; what a row lacks to 1 is no digit's."""
        whole = probabilities.sum(axis=-1, keepdims=True, dtype=np.float64)
        none = np.where(whole > 1 - 1e-5, 0.0, 1 - whole)
        every = np.concatenate([np.maximum(probabilities, 1e-12, dtype=np.float64), none], axis=-1)
        powers = every ** (1 / self.temperature)
        return (powers / powers.sum(axis=-1, keepdims=True))[..., :-1]

    def decline(self, calibrated: np.ndarray) -> str | None:
        """Why an answer is declined, as a sentence for the user; None where it is not."""
        whole, best = float(calibrated.sum()), float(calibrated.max())
        if whole < self.digit:
            return "This does not look like a digit."
        if best < self.confidence:
            return f"This could be several digits: the likeliest has {probability(best)}."
        return None
