"""Classical models: what a spec may say, and that the stored arrays answer as scikit-learn does."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

import digitlab as dl
from digitlab.errors import RunError, SpecError
from digitlab.models.build import check_fits
from digitlab.models.classical.arguments import estimator_signature
from digitlab.models.classical.build import fitted_module
from digitlab.models.classical.catalog import KINDS, classical_kind, list_estimators
from digitlab.models.classical.extract import extract
from digitlab.models.presets import list_presets
from digitlab.training.normalize import Normalization
from digitlab.training.predict import predict_logits

TRAIN = 400
QUICK = {
    "RandomForestClassifier": {"n_estimators": 15, "max_depth": 9},
    "ExtraTreesClassifier": {"n_estimators": 15, "max_leaf_nodes": 40},
    "HistGradientBoostingClassifier": {"max_iter": 3, "max_leaf_nodes": 7},
    "MLPClassifier": {"max_iter": 15, "hidden_layer_sizes": (20, 15)},
    "KNeighborsClassifier": {"n_neighbors": 4},
}
CASES = [(name, QUICK.get(name, {})) for name in KINDS] + [
    ("SVC", {"kernel": "linear", "class_weight": "balanced"}),
    ("SVC", {"kernel": "poly", "degree": 2, "coef0": 1.0}),
    ("SVC", {"kernel": "sigmoid", "gamma": 0.001, "break_ties": True}),
    ("SVC", {"C": 0.01}),
    ("KNeighborsClassifier", {"weights": "distance", "n_neighbors": 2}),
    ("KNeighborsClassifier", {"metric": "manhattan"}),
    ("LogisticRegression", {"fit_intercept": False}),
    ("MLPClassifier", {"activation": "tanh", "solver": "lbfgs", "max_iter": 20}),
]


def spec(name, **args):
    return dl.ModelSpec(name="one", layers=[{f"sklearn/{name}": args}])


def fit(name, args, data, normalization, classes=range(10)):
    """The fitted estimator, and the network of the spec with its arrays."""
    keep = torch.isin(data.train.labels, torch.tensor(list(classes)))
    images, labels = data.train.images[keep][:TRAIN], data.train.labels[keep][:TRAIN]
    kind = KINDS[name]
    values = normalization(images).flatten(1).numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = kind.make(args, seed=3).fit(values, labels.numpy())
    scale, offset = 1 / (255 * normalization.std), normalization.mean / normalization.std
    arrays = extract(kind.family, estimator, images.flatten(1).numpy(), scale, offset)
    network = dl.build(spec(name, **args))
    weights = {f"0.{key}": torch.from_numpy(array) for key, array in arrays.items()}
    network.load_state_dict(weights)
    return estimator, network


def normalization_of(name):
    return Normalization(0.0, 1.0) if name == "MultinomialNB" else Normalization(0.13, 0.31)


@pytest.mark.parametrize(("name", "args"), CASES, ids=str)
def test_it_answers_as_the_estimator_does(name, args, optdigits):
    normalization = normalization_of(name)
    estimator, network = fit(name, args, optdigits, normalization)
    images = optdigits.test.images
    logits = predict_logits(network, images, normalization)
    values = normalization(images).flatten(1).numpy()
    assert logits.dtype == torch.float32
    assert np.array_equal(logits.argmax(1).numpy(), estimator.predict(values))
    if hasattr(estimator, "predict_proba"):
        # shares of votes are smoothed by a thousandth for each class
        smoothed = KINDS[name].family in ("trees", "neighbours")
        apart = np.abs(logits.softmax(1).numpy() - estimator.predict_proba(values)).max()
        assert apart < (0.011 if smoothed else 1e-3)
    elif name == "SVC":
        expected = estimator.decision_function(values)
        plain = expected.argmax(1) == estimator.predict(values)  # where no tie of votes is broken
        assert plain.mean() > 0.98
        assert np.abs(logits.numpy() - expected)[plain].max() < 1e-3


@pytest.mark.parametrize("name", ["SVC", "LogisticRegression", "MLPClassifier"])
def test_two_classes_of_ten_are_told_apart_and_the_others_never_named(name, optdigits):
    normalization = Normalization(0.0, 1.0)
    estimator, network = fit(name, QUICK.get(name, {}), optdigits, normalization, (3, 8))
    logits = predict_logits(network, optdigits.test.images, normalization)
    values = normalization(optdigits.test.images).flatten(1).numpy()
    assert logits.shape[1] == 10
    assert np.array_equal(logits.argmax(1).numpy(), estimator.predict(values))
    assert logits.softmax(1)[:, [0, 1, 2, 9]].max() < 1e-6


def test_real_digits_are_read_as_scikit_learn_reads_them(mnist):
    data, normalization = mnist.subset(1_500, 0), Normalization(0.0, 1.0)
    for name, args in (("SVC", {"C": 5, "gamma": 0.05}), ("KNeighborsClassifier", {})):
        estimator, network = fit(name, args, data, normalization)
        images = mnist.test.images[:500]
        answers = predict_logits(network, images, normalization).argmax(1).numpy()
        expected = estimator.predict(normalization(images).flatten(1).numpy())
        assert np.array_equal(answers, expected), name


# ---- what a spec may say


@pytest.mark.parametrize("name", list_estimators())
def test_every_estimator_is_a_spec_that_fits_mnist_and_survives_text(name):
    one = dl.ModelSpec(name="one", layers=[name])
    summary = check_fits(one, (1, 28, 28), 10)
    assert summary.output_shape == (10,)
    assert "depends on the training data" in summary.notes[0]
    for again in (dl.ModelSpec.from_yaml(one.to_yaml()), dl.ModelSpec.from_json(one.to_json())):
        assert again == one
    signature = estimator_signature(name)
    assert signature.about
    for argument in signature.arguments:
        assert argument.accepts
        if argument.default is not None:  # each default may be written down
            check_fits(
                dl.ModelSpec(name="one", layers=[{name: {argument.name: argument.default}}]),
                (1, 28, 28),
                10,
            )


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        ("SVC", {"kernel": "rfb"}, "Did you mean 'rbf'"),
        ("SVC", {"kernel": "precomputed"}, "one of 'linear', 'poly', 'rbf', 'sigmoid'"),
        ("SVC", {"gama": 1}, "did you mean gamma"),
        ("SVC", {"C": 0}, r"range \(0.0, inf\]"),
        ("SVC", {"C": True}, "not True"),
        ("SVC", {"random_state": 3}, "seed is a setting of the run"),
        ("RandomForestClassifier", {"n_jobs": 4}, "threads"),
        ("RandomForestClassifier", {"n_estimators": 10**6}, "at most 2,000"),
        ("MLPClassifier", {"hidden_layer_sizes": [9, 0]}, "from 1 to 4,096"),
        ("KNeighborsClassifier", {"metric": "precomputed"}, "euclidean"),
        ("KNeighborsClassifier", {"n_neighbors": None}, "whole number"),
        ("SVCC", {}, "did you mean SVC"),
        ("Ridge", {}, "not an estimator"),
        ("LogisticRegression", {"num_classes": 1}, "num_classes"),
    ],
)
def test_a_wrong_argument_is_refused_in_a_sentence(name, args, said):
    with pytest.raises(SpecError, match=said) as caught:
        dl.summarize(spec(name, **args))
    assert caught.value.path[0] == 0


@pytest.mark.parametrize(
    "layers",
    [
        ["Flatten", "sklearn/SVC"],
        ["sklearn/SVC", "ReLU"],
        [{"Residual": {"layers": ["sklearn/SVC"]}}],
        ["sklearn/SVC", "sklearn/SVC"],
    ],
)
def test_an_estimator_stands_alone(layers):
    with pytest.raises(SpecError, match="only layer"):
        dl.build(dl.ModelSpec(name="mixed", layers=layers))


def test_an_estimator_by_itself_is_a_model_and_takes_other_data():
    one = dl.load_model("sklearn/GaussianNB")
    assert classical_kind(one).name == "GaussianNB"
    assert dl.summarize(one.for_data((1, 8, 8), 26)).output_shape == (26,)


def test_without_a_fit_it_says_so():
    network = dl.build(spec("SVC"))
    assert not fitted_module(network).fitted
    with pytest.raises(RunError, match="not been fitted"):
        network(torch.rand(1, 1, 28, 28))


def test_the_presets_are_what_they_are_called():
    kinds = {p.name: classical_kind(p.spec) for p in list_presets() if classical_kind(p.spec)}
    assert {name: kind.name for name, kind in kinds.items()} == {
        "logistic-regression-sklearn": "LogisticRegression",
        "svm": "SVC",
        "svm-tuned": "SVC",
        "linear-svm": "LinearSVC",
        "knn": "KNeighborsClassifier",
        "random-forest": "RandomForestClassifier",
        "gradient-boosting": "HistGradientBoostingClassifier",
        "naive-bayes": "BernoulliNB",
        "mlp-sklearn": "MLPClassifier",
    }
    assert dl.load_preset("svm").published == {"train_accuracy": 98, "val_accuracy": 92}


# ---- arrays from outside


def changed(array, place, value):
    array = array.clone()
    array[place] = value
    return array


DAMAGES = [
    ("RandomForestClassifier", "left", lambda a: changed(a, 0, 10**6)),
    ("RandomForestClassifier", "left", lambda a: changed(a, 0, 0)),  # would run in a circle
    ("RandomForestClassifier", "right", lambda a: changed(a, 0, -5)),
    ("RandomForestClassifier", "feature", lambda a: changed(a, 0, 784)),
    ("RandomForestClassifier", "row", lambda a: changed(a, -1, 10**6)),
    ("RandomForestClassifier", "roots", lambda a: changed(a, 0, -1)),
    ("RandomForestClassifier", "threshold", lambda a: changed(a, 0, float("nan"))),
    ("HistGradientBoostingClassifier", "roots", lambda a: a[1:]),
    ("SVC", "counts", lambda a: changed(a, 0, 10**9)),
    ("SVC", "dual", lambda a: a[:, 1:]),
    ("SVC", "gamma", lambda a: torch.tensor(float("inf"))),
    ("LogisticRegression", "coef", lambda a: a[:, :-1]),
    ("LogisticRegression", "classes", lambda a: a + 5),
    ("LogisticRegression", "classes", lambda a: a.flip(0)),
    ("KNeighborsClassifier", "labels", lambda a: changed(a, 0, 12)),
    ("KNeighborsClassifier", "images", lambda a: a.float()),
    ("GaussianNB", "variances", lambda a: changed(a, (0, 0), 0.0)),
    ("MLPClassifier", "weight_1", lambda a: a.T),
]


@pytest.mark.parametrize(("name", "array", "damage"), DAMAGES)
def test_arrays_that_make_no_sense_are_refused(name, array, damage, optdigits):
    args = QUICK.get(name, {})
    _, network = fit(name, args, optdigits, Normalization(0.0, 1.0))
    state = network.state_dict()
    state[f"0.{array}"] = damage(state[f"0.{array}"])
    fresh = dl.build(spec(name, **args))
    with pytest.raises(RunError, match=f"fitted arrays of sklearn/{name}"):
        fresh.load_state_dict(state)
    assert not fitted_module(fresh).fitted  # nothing half taken


def test_missing_strange_and_too_many_arrays_are_refused(optdigits, monkeypatch):
    _, network = fit("LogisticRegression", {}, optdigits, Normalization(0.0, 1.0))
    state = network.state_dict()
    fresh = dl.build(spec("LogisticRegression"))
    with pytest.raises(RuntimeError, match=r"0\.coef"):
        fresh.load_state_dict({k: v for k, v in state.items() if k != "0.coef"})
    with pytest.raises(RuntimeError, match=r"0\.more"):
        fresh.load_state_dict({**state, "0.more": torch.zeros(1)})
    monkeypatch.setenv("DIGITLAB_MAX_PARAMETERS", "1000")
    with pytest.raises(RunError, match="1,000 allowed"):
        fresh.load_state_dict(state)
