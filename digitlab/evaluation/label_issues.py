"""Label issues: images whose label is probably wrong, by cleanlab; for a run see `analysis`.

Flags, not corrections: a suspicious image may be labelled rightly and merely be hard to read.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from digitlab.evaluation.checks import EvaluationError, checked_labels
from digitlab.evaluation.softmax import softmax

FOLDS = 5
_COMPONENTS = 64  # of the features that a quick model is fitted to
_FIT_ROWS = 10_000  # images that the principal components are found from
_NEIGHBOURS = 15
_LEAST_ERROR = 1e-3  # some thousand images cannot tell smaller ones apart
_LEAST_BELIEF = 1e-6
QUICK_MODELS = ("logistic-regression", "nearest-neighbours")


@dataclass(frozen=True, eq=False)
class LabelIssues:
    """N images, the most suspicious label first.

    `position` int64 [N] is an image's row; `quality` float32 [N] is the probability of its given
    label, 0…1; `suggested` int64 [N] the likeliest class; `flagged` bool [N] whether confident
    learning takes the label for wrong, too.
    """

    position: np.ndarray
    quality: np.ndarray
    suggested: np.ndarray
    flagged: np.ndarray

    def __len__(self) -> int:
        return len(self.position)

    def first(self, count: int) -> LabelIssues:
        """The `count` most suspicious ones."""
        columns = (self.position, self.quality, self.suggested, self.flagged)
        return LabelIssues(*(column[:count] for column in columns))


def find_label_issues(probabilities: np.ndarray, labels: np.ndarray) -> LabelIssues:
    """All images in the order of how little the probabilities believe in their labels.

    `probabilities` [N, C] must be out of sample, of models that did not learn from the image they
    speak of; `labels` [N]. The order is cleanlab's label quality score (self-confidence), the
    flags are from confident learning (Northcutt, Jiang, Chuang: Confident learning: estimating
    uncertainty in dataset labels, 2021). Raises EvaluationError where they do not fit together.
    """
    from cleanlab.rank import get_label_quality_scores

    probabilities = np.asarray(probabilities, dtype=np.float64)
    if probabilities.ndim != 2 or not len(probabilities):
        raise EvaluationError(
            f"probabilities must have the shape [images, classes]; not {list(probabilities.shape)}."
        )
    labels = checked_labels(labels, *probabilities.shape)
    quality = get_label_quality_scores(labels, probabilities, method="self_confidence")
    order = np.argsort(quality, kind="stable")
    return LabelIssues(
        order,
        quality[order].astype(np.float32),
        probabilities.argmax(axis=1)[order],
        _flag(probabilities, labels)[order],
    )


def pool_probabilities(probabilities: Sequence[np.ndarray], errors: Sequence[float]) -> np.ndarray:
    """The probabilities of several classifiers in a logarithmic pool, float32 [N, C].

    `probabilities` holds [N, C] of each, `errors` the share 0…1 that it misreads of other images:
    one with half the errors counts twice. None can rule a class out for all, as less than one in
    a million counts as that. Raises EvaluationError where they do not fit together.

    A label that different networks doubt is more likely wrong than one that only one of them
    does. On MNIST's test set the nine bundled runs together bring 12 of the 15 labels that a
    crowd rejected (Northcutt, Athalye, Mueller: Pervasive label errors in test sets, 2021) among
    the first 60 and all among the first 88; each of them alone at most 12, and all at best among
    the first 171.
    The pool: Genest, Zidek: Combining probability distributions, 1986.
    """
    if not probabilities or len(probabilities) != len(errors):
        raise EvaluationError(
            f"Probabilities are pooled with an error for each set; not {len(probabilities)} sets "
            f"with {len(errors)} errors."
        )
    if len({np.shape(matrix) for matrix in probabilities}) > 1 or np.ndim(probabilities[0]) != 2:
        raise EvaluationError(
            "Probabilities that are pooled must be of the same images and classes."
        )
    weights = 1 / np.maximum(np.asarray(errors, dtype=np.float64), _LEAST_ERROR)
    weights /= weights.sum()
    together = sum(
        weight * np.log(np.maximum(matrix, _LEAST_BELIEF, dtype=np.float64))
        for weight, matrix in zip(weights, probabilities, strict=True)
    )
    return softmax(together)


def _flag(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The images that confident learning prunes: bool [N]; none where there is one class only."""
    from cleanlab.filter import find_label_issues

    if len(np.unique(labels)) < 2:
        return np.zeros(len(labels), dtype=bool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes without images, which are no mistake
        return find_label_issues(labels, probabilities, n_jobs=1)


def cross_validate(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    *,
    model: str = "logistic-regression",
    folds: int = FOLDS,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Probabilities float32 [N, classes], each from a quick model that has not seen the image.

    Features [N, D] are reduced to 64 principal components; `model` is one of QUICK_MODELS, fitted
    again for each of the stratified `folds`. `on_progress` is called with folds done and in total.
    Raises EvaluationError where there are too few images of a class for the folds.
    """
    from sklearn.decomposition import PCA
    from sklearn.model_selection import StratifiedKFold

    if model not in QUICK_MODELS:
        raise EvaluationError(f"The model is one of {', '.join(QUICK_MODELS)}; not {model!r}.")
    labels = checked_labels(labels, len(features), classes)
    counts = np.bincount(labels, minlength=classes)
    if (counts > 0).sum() < 2 or counts[counts > 0].min() < folds:
        raise EvaluationError(
            f"Cross-validation in {folds} parts needs two classes or more, each with at least "
            f"{folds} images; the smallest class has {counts[counts > 0].min()}."
        )
    features = np.asarray(features, dtype=np.float32).reshape(len(labels), -1)
    rows = np.random.default_rng(seed).permutation(len(features))[:_FIT_ROWS]
    components = min(_COMPONENTS, features.shape[1], len(rows))
    reduced = PCA(components, svd_solver="randomized", random_state=seed).fit(features[rows])
    features = reduced.transform(features).astype(np.float32)
    features /= max(
        float(features[:, 0].std()), 1e-6
    )  # one scale for all: solvers converge best near 1
    answers = np.zeros((len(labels), classes), dtype=np.float32)
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed).split(features, labels)
    for done, (learn, ask) in enumerate(parts, start=1):
        fitted = _quick_model(model).fit(features[learn], labels[learn])
        answers[np.ix_(ask, fitted.classes_)] = fitted.predict_proba(features[ask])
        if on_progress:
            on_progress(done, folds)
    return answers


def _quick_model(name: str):
    if name == "nearest-neighbours":
        from sklearn.neighbors import KNeighborsClassifier

        return KNeighborsClassifier(_NEIGHBOURS, weights="distance", algorithm="brute")
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=200, tol=1e-3)
