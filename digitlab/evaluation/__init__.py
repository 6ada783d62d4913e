"""Evaluating a classifier from logits and labels: metrics, their uncertainty, the mistakes."""

from digitlab.evaluation.calibration import (
    Calibration,
    Rescaled,
    calibrate,
    fit_temperature,
    rescale,
)
from digitlab.evaluation.checks import EvaluationError
from digitlab.evaluation.coverage import CoverageCurve, Declined, coverage_curve, decline_below
from digitlab.evaluation.curves import Curve, OneVsRest, one_vs_rest
from digitlab.evaluation.intervals import (
    Interval,
    bootstrap_intervals,
    f1_interval,
    wilson_interval,
)
from digitlab.evaluation.metrics import (
    Averages,
    ClassMetrics,
    Confused,
    Evaluation,
    evaluate_logits,
)
from digitlab.evaluation.mistakes import Mistake, Mistakes
from digitlab.evaluation.ordering import similarity_order
from digitlab.evaluation.softmax import cross_entropy, log_softmax, softmax

__all__ = [
    "Averages",
    "Calibration",
    "ClassMetrics",
    "Confused",
    "CoverageCurve",
    "Curve",
    "Declined",
    "Evaluation",
    "EvaluationError",
    "Interval",
    "Mistake",
    "Mistakes",
    "OneVsRest",
    "Rescaled",
    "bootstrap_intervals",
    "calibrate",
    "coverage_curve",
    "cross_entropy",
    "decline_below",
    "evaluate_logits",
    "f1_interval",
    "fit_temperature",
    "log_softmax",
    "one_vs_rest",
    "rescale",
    "similarity_order",
    "softmax",
    "wilson_interval",
]
