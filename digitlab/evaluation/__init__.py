"""What logits and labels say about a classifier: metrics, their uncertainty and the mistakes."""

from digitlab.evaluation.checks import EvaluationError
from digitlab.evaluation.intervals import Interval, wilson_interval
from digitlab.evaluation.metrics import (
    Averages,
    ClassMetrics,
    Confused,
    Evaluation,
    evaluate_logits,
)
from digitlab.evaluation.mistakes import Mistake, Mistakes
from digitlab.evaluation.softmax import cross_entropy, log_softmax, softmax

__all__ = [
    "Averages",
    "ClassMetrics",
    "Confused",
    "Evaluation",
    "EvaluationError",
    "Interval",
    "Mistake",
    "Mistakes",
    "cross_entropy",
    "evaluate_logits",
    "log_softmax",
    "softmax",
    "wilson_interval",
]
