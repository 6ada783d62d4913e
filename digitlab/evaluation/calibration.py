"""Is a confidence of 90 % right 90 % of the time? Reliability, Brier score and temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from digitlab.evaluation.checks import EvaluationError
from digitlab.evaluation.intervals import Interval, wilson_interval
from digitlab.evaluation.metrics import Evaluation
from digitlab.evaluation.softmax import cross_entropy, log_softmax

BINS = 15
COLDEST, HOTTEST = 0.01, 100.0  # beyond, a temperature only says that the fit has no end


class Bin(NamedTuple):
    """Images whose confidence lies in (low, high]; None where there are none."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Calibration:
    """How well confidences match accuracies.

    `bins` of equal width; `ece`, the expected calibration error, is the mean distance between
    confidence and accuracy over the bins, weighted by images, 0…1; it depends on how many bins
    there are. `brier` is the mean squared distance of the probabilities from the truth, summed
    over classes, 0…2; `loss` the mean cross-entropy in nats. Both are honest: only true
    probabilities make them smallest.

    Sources: C. Guo et al., "On calibration of modern neural networks", ICML 2017; G. W. Brier,
    "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78
    (1950).
    """

    bins: tuple[Bin, ...]
    ece: float
    brier: float
    loss: float
    confidence: float
    accuracy: float


class Rescaled(NamedTuple):
    """What dividing all logits by `temperature` changes on the images of `before`.

    Predictions stay as they are. It can make the ECE worse, even where the loss becomes smaller.
    """

    temperature: float
    before: Calibration
    after: Calibration


def calibrate(result: Evaluation, bins: int = BINS, temperature: float = 1.0) -> Calibration:
    """Calibration of an evaluation, its logits first divided by `temperature`.

    EvaluationError unless there are 1 to 1,000 bins and the temperature is positive.
    """
    if not 1 <= bins <= 1_000:
        raise EvaluationError(f"There are 1 to 1,000 bins; not {bins}.")
    if not temperature > 0:
        raise EvaluationError(f"A temperature is positive; not {temperature}.")
    log_probabilities = log_softmax(result.logits / np.float64(temperature))
    with np.errstate(under="ignore"):
        probabilities = np.exp(log_probabilities)
    confidence = probabilities[np.arange(result.n), result.predictions]
    right = result.predictions == result.labels
    filled = _bins(confidence, right, bins)
    gaps = [bin_.count * abs(bin_.confidence - bin_.accuracy) for bin_ in filled if bin_.count]
    return Calibration(
        bins=filled,
        ece=float(sum(gaps) / result.n),
        brier=_brier(probabilities, result.labels),
        loss=cross_entropy(log_probabilities, result.labels),
        confidence=float(confidence.mean()),
        accuracy=result.accuracy,
    )


def fit_temperature(result: Evaluation) -> float:
    """The temperature, 0.01…100, by which logits are divided to make the loss smallest.

    Fit it on validation images, never on those that it is judged by. Above 1 the network was too
    sure of itself, below 1 too shy.

    Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    from scipy.optimize import minimize_scalar

    logits = result.logits.astype(np.float64)

    def loss(log_temperature: float) -> float:
        return cross_entropy(log_softmax(logits / np.exp(log_temperature)), result.labels)

    bounds = (float(np.log(COLDEST)), float(np.log(HOTTEST)))
    minimum = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(minimum.x))


def rescale(validation: Evaluation, judged: Evaluation, bins: int = BINS) -> Rescaled:
    """The temperature fitted on `validation`, and what it changes on `judged`.

    EvaluationError where the two do not tell the same classes apart.
    """
    if validation.classes != judged.classes:
        raise EvaluationError(
            f"A temperature fitted on {len(validation.classes)} classes cannot be used for "
            f"{len(judged.classes)} classes: fit it on the same classes."
        )
    temperature = fit_temperature(validation)
    return Rescaled(temperature, calibrate(judged, bins), calibrate(judged, bins, temperature))


def _bins(confidence: np.ndarray, right: np.ndarray, bins: int) -> tuple[Bin, ...]:
    edges = np.linspace(0, 1, bins + 1)
    positions = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    counts = np.bincount(positions, minlength=bins)
    sums = np.bincount(positions, weights=confidence, minlength=bins)
    hits = np.bincount(positions, weights=right, minlength=bins)
    return tuple(
        Bin(
            low=float(edges[i]),
            high=float(edges[i + 1]),
            count=int(count),
            confidence=float(sums[i] / count) if count else None,
            accuracy=float(hits[i] / count) if count else None,
            interval=wilson_interval(int(hits[i]), int(count)),
        )
        for i, count in enumerate(counts)
    )


def _brier(probabilities: np.ndarray, labels: np.ndarray) -> float:
    of_true = probabilities[np.arange(len(labels)), labels]
    # Σ (p − y)² = Σ p² − 2 p_true + 1, without a one-hot copy of the truth
    squares = np.einsum("ij,ij->i", probabilities, probabilities)
    return max(0.0, float((squares - 2 * of_true + 1).mean()))
