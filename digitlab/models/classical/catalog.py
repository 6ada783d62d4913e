"""The estimators of scikit-learn that a spec may name, and what each of them takes.

Arguments are the estimator's own (its signature and its own constraints), without those that are
code, that would return other things, or that the run decides: the seed, threads, stopping early.
Nothing here imports torch; scikit-learn is imported where a function needs it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec

PREFIX = "sklearn/"
SIZE_NOTE = (
    "The size of a classical model depends on the training data and is known once it has been "
    "fitted."
)


@dataclass(frozen=True)
class Kind:
    """An estimator of scikit-learn.

    `home` is its module, `family` how its arrays are stored, `fixed` what it is always made with.
    `stages` names the argument that counts its rounds where it learns in rounds (trees, boosting
    iterations, epochs), of which `at_once` make one stage. `growth` is the power of the number of
    images with which the time of a fit grows (measured on MNIST from 2,000 to 20,000 images).
    """

    name: str
    home: str
    family: str
    about: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    stages: str = ""
    at_once: int = 1
    growth: float = 1.0

    def estimator_class(self) -> type:
        """The class itself."""
        return getattr(importlib.import_module(f"sklearn.{self.home}"), self.name)

    def make(self, args: Mapping[str, Any], seed: int, threads: int = 1) -> Any:
        """An estimator that has not seen data yet, from a spec's arguments and a run's seed."""
        own = {name: value for name, value in args.items() if name != "num_classes"}
        constraints = self.estimator_class()._parameter_constraints
        of_run = (
            {"random_state": seed % 2**32, "n_jobs": threads}
            if self.family == "trees"
            else {"random_state": seed % 2**32}
        )
        of_run = {name: value for name, value in of_run.items() if name in constraints}
        return self.estimator_class()(**{**self.fixed, **of_run, **own})

    def rounds(self, args: Mapping[str, Any]) -> int:
        """How many rounds it learns in; 1 where it learns at once."""
        if not self.stages or args.get("solver") == "lbfgs":
            return 1
        rounds = args.get(self.stages)
        return int(rounds if rounds is not None else default(self, self.stages))

    def epochs(self, args: Mapping[str, Any]) -> int:
        """How many stages a run shows: rounds, several at once where they are quick."""
        return -(-self.rounds(args) // self.at_once)


_KINDS = (
    Kind(
        "LogisticRegression",
        "linear_model",
        "linear",
        "A weight for each pixel and class; probabilities by softmax.",
        growth=1.1,
    ),
    Kind(
        "LinearSVC",
        "svm",
        "linear",
        "A weight for each pixel and class, with the widest margin between one class and the rest.",
        growth=1.2,
    ),
    Kind(
        "SVC",
        "svm",
        "svm",
        "Compares an image with the training images that lie at the borders between two classes.",
        fixed={"cache_size": 500},
        growth=1.8,
    ),
    Kind(
        "KNeighborsClassifier",
        "neighbors",
        "neighbours",
        "Keeps the training images and lets the most similar ones vote.",
        fixed={"algorithm": "brute"},
    ),
    Kind(
        "RandomForestClassifier",
        "ensemble",
        "trees",
        "Decision trees, each grown on random images and pixels; their answers are averaged.",
        stages="n_estimators",
        at_once=10,
        growth=1.1,
    ),
    Kind(
        "ExtraTreesClassifier",
        "ensemble",
        "trees",
        "Like a random forest, with thresholds drawn at random.",
        stages="n_estimators",
        at_once=10,
        growth=1.1,
    ),
    Kind(
        "DecisionTreeClassifier",
        "tree",
        "trees",
        "A tree of thresholds on single pixels.",
        growth=1.2,
    ),
    Kind(
        "HistGradientBoostingClassifier",
        "ensemble",
        "trees",
        "Small trees, each of which corrects the errors of those before it.",
        fixed={"early_stopping": False},
        stages="max_iter",
        at_once=10,
    ),
    Kind(
        "GaussianNB",
        "naive_bayes",
        "bayes",
        "A normal distribution of each pixel in each class; pixels count as independent.",
    ),
    Kind(
        "BernoulliNB",
        "naive_bayes",
        "bayes",
        "How often each pixel has ink in each class; pixels count as independent.",
    ),
    Kind(
        "MultinomialNB",
        "naive_bayes",
        "bayes",
        "How the ink of each class is distributed over the pixels; pixels must not be negative.",
    ),
    Kind(
        "MLPClassifier",
        "neural_network",
        "perceptron",
        "A network of fully connected layers, trained by scikit-learn.",
        fixed={"early_stopping": False},
        stages="max_iter",
    ),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _KINDS}

# The run decides these, or they are code, or they ask for other answers than a class.
NEVER = {
    "random_state": "the seed is a setting of the run",
    "n_jobs": "the number of threads is a setting of the run",
    "verbose": "digitlab shows the progress",
    "warm_start": "a run is continued by digitlab",
    "early_stopping": "digitlab holds out validation images itself",
    "validation_fraction": "digitlab holds out validation images itself",
    "scoring": "digitlab measures accuracy",
    "probability": "digitlab shows the votes of the classes",
    "decision_function_shape": "each class gets one score",
    "oob_score": "digitlab holds out validation images itself",
    "penalty": "give l1_ratio instead",
    "priors": "priors follow from the data",
    "class_prior": "priors follow from the data",
    "algorithm": "all images are compared",
    "leaf_size": "all images are compared",
    "metric_params": "the metric has no further arguments",
    "monotonic_cst": "a pixel has no order",
    "interaction_cst": "any pixels may interact",
    "categorical_features": "pixels are numbers",
    "loss": "log_loss is the only one",
}
KEPT = {("LinearSVC", "loss"), ("LinearSVC", "penalty")}

# Narrower than scikit-learn's own: what the stored arrays can answer.
CHOICES: Mapping[tuple[str, str], Sequence[Any]] = {
    ("SVC", "kernel"): ("linear", "poly", "rbf", "sigmoid"),
    ("KNeighborsClassifier", "metric"): ("minkowski", "euclidean", "manhattan"),
    ("KNeighborsClassifier", "p"): (1, 2),
    ("LinearSVC", "multi_class"): ("ovr",),
    ("LogisticRegression", "solver"): ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"),
}
# Larger numbers would take longer than anybody waits, or more memory than there is.
MOST = {
    "n_estimators": 2_000,
    "max_iter": 100_000,
    "n_neighbors": 1_000,
    "degree": 20,
    "cache_size": 4_000,
    "max_depth": 500,
    "max_leaf_nodes": 1_000_000,
    "max_fun": 1_000_000,
    "n_iter_no_change": 100_000,
}
MAX_ROUNDS = 1_000  # of boosting and epochs
MAX_WIDTH, MAX_HIDDEN = 4_096, 10


def classical_kind(spec: ModelSpec) -> Kind | None:
    """The estimator that a spec names; None for a network."""
    first = spec.layers[0] if spec.layers else None
    if first is None or not first.type.startswith(PREFIX):
        return None
    return KINDS.get(first.type.removeprefix(PREFIX))


def classical_args(spec: ModelSpec) -> Mapping[str, Any]:
    """The arguments of a classical spec's estimator."""
    return spec.layers[0].args


def list_estimators() -> tuple[str, ...]:
    """The names of all estimators, such as "sklearn/SVC"."""
    return tuple(PREFIX + name for name in KINDS)


@cache
def defaults(name: str) -> Mapping[str, Any]:
    """The estimator's own default of every argument."""
    return KINDS[name].estimator_class()().get_params(deep=False)


def default(kind: Kind, argument: str) -> Any:
    """The default of one argument, as digitlab makes the estimator."""
    return kind.fixed.get(argument, defaults(kind.name)[argument])
