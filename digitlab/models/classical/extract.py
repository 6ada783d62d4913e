"""The arrays of a fitted estimator: all that its answers depend on, as plain numpy arrays.

Nothing here imports torch, so that the process that fits stays small.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


def extract(family: str, estimator: Any, images: np.ndarray, scale: float, offset: float) -> Arrays:
    """The arrays of a fitted `estimator` of a family, by the names under which they are stored.

    `images` uint8 [N, F] are those it was fitted on, as `images · scale − offset`; only
    neighbours keep them. All have `classes`, int64 [k]: the labels it has seen.
    """
    readers = {
        "linear": _linear,
        "svm": _svm,
        "trees": _trees,
        "bayes": _bayes,
        "perceptron": _perceptron,
    }
    if family == "neighbours":
        arrays = _neighbours(estimator, images, scale, offset)
    else:
        arrays = readers[family](estimator)
    arrays["classes"] = estimator.classes_.astype(np.int64)
    return {name: np.asarray(array, order="C") for name, array in arrays.items()}


def _linear(estimator: Any) -> Arrays:
    intercept = np.zeros(len(estimator.coef_)) + estimator.intercept_  # a number where none is fit
    return {"coef": estimator.coef_, "intercept": intercept}


def _svm(estimator: Any) -> Arrays:
    # libsvm's own signs: the public ones are turned where there are two classes
    return {
        "vectors": estimator.support_vectors_.astype(np.float32),
        "dual": estimator._dual_coef_,
        "counts": estimator.n_support_.astype(np.int64),
        "intercept": estimator._intercept_,
        "gamma": np.array(float(estimator._gamma)),
    }


def _neighbours(estimator: Any, images: np.ndarray, scale: float, offset: float) -> Arrays:
    return {
        "images": images,
        "labels": estimator._y.astype(np.int64),  # positions in classes
        "scale": np.array(scale, dtype=np.float64),
        "offset": np.array(offset, dtype=np.float64),
    }


def _bayes(estimator: Any) -> Arrays:
    if hasattr(estimator, "theta_"):
        return {
            "means": estimator.theta_,
            "variances": estimator.var_,
            "log_prior": np.log(estimator.class_prior_),
        }
    return {
        "log_probability": estimator.feature_log_prob_,
        "log_prior": estimator.class_log_prior_,
    }


def _perceptron(estimator: Any) -> Arrays:
    arrays = {f"weight_{i}": weight for i, weight in enumerate(estimator.coefs_)}
    return arrays | {f"bias_{i}": bias for i, bias in enumerate(estimator.intercepts_)}


# ---- trees -------------------------------------------------------------------------------------


def _trees(estimator: Any) -> Arrays:
    if hasattr(estimator, "_predictors"):
        trees = [_boosted(p.nodes) for stage in estimator._predictors for p in stage]
        baseline = np.ravel(estimator._baseline_prediction).astype(np.float64)
    else:
        grown = getattr(estimator, "estimators_", [estimator])
        trees = [_grown(tree.tree_) for tree in grown]
        baseline = np.zeros(len(estimator.classes_))
    return {**_joined(trees), "baseline": baseline}


def _boosted(nodes: np.ndarray) -> Arrays:
    leaf = nodes["is_leaf"].astype(bool)
    return {
        "feature": np.where(leaf, -1, nodes["feature_idx"]),
        "threshold": np.where(leaf, 0.0, nodes["num_threshold"]),
        "left": nodes["left"].astype(np.int64),
        "right": nodes["right"].astype(np.int64),
        "values": nodes["value"][:, None],
    }


def _grown(tree: Any) -> Arrays:
    leaf = tree.children_left < 0
    return {
        "feature": np.where(leaf, -1, tree.feature),
        "threshold": np.where(leaf, 0.0, tree.threshold),
        "left": tree.children_left,
        "right": tree.children_right,
        "values": tree.value[:, 0],  # shares of the classes
    }


def _joined(trees: list[Arrays]) -> Arrays:
    """All trees' nodes in one table; children and roots are rows of it, leaves name their values.

    Most leaves of a forest hold one class only: equal values are stored once.
    """
    sizes = [len(tree["feature"]) for tree in trees]
    roots = np.cumsum([0, *sizes[:-1]])
    whole: Mapping[str, np.ndarray] = {
        name: np.concatenate([tree[name] for tree in trees]) for name in trees[0]
    }
    shift = np.repeat(roots, sizes)
    leaf = whole["feature"] < 0
    values, rows = np.unique(whole["values"][leaf], axis=0, return_inverse=True)
    row_of = np.zeros(len(leaf), dtype=np.int32)
    row_of[leaf] = rows.ravel()
    return {
        "roots": roots.astype(np.int32),
        "feature": whole["feature"].astype(np.int32),
        "threshold": _rounded_down(whole["threshold"]),
        "left": np.where(leaf, 0, whole["left"] + shift).astype(np.int32),
        "right": np.where(leaf, 0, whole["right"] + shift).astype(np.int32),
        "row": row_of,
        "values": values.astype(np.float64),
    }


def _rounded_down(threshold: np.ndarray) -> np.ndarray:
    """The largest float32 that is not above: for a float32 x, x ≤ it exactly where x ≤ threshold.

    (scikit-learn compares float32 pixels with float64 thresholds.)
    """
    with np.errstate(over="ignore"):
        single = threshold.astype(np.float32)
    above = single > threshold
    single[above] = np.nextafter(single[above], np.float32(-np.inf))
    limit = np.finfo(np.float32).max
    return np.clip(single, -limit, limit)
