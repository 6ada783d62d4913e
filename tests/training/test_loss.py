"""Losses equal torch's, take the last layers that they say, and mean the same everywhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import digitlab as dl
from digitlab.analysis.recognize import find_predictor
from digitlab.errors import ConfigError
from digitlab.training.config import TrainConfig
from digitlab.training.loss import compute_loss, scoring_spec, to_answers

LABELS = torch.arange(40) % 10
OUTPUTS = torch.randn(40, 10, generator=torch.Generator().manual_seed(0)) * 3
ONES = F.one_hot(LABELS, 10).float()
REFERENCES = {
    "cross-entropy": lambda x: F.cross_entropy(x, LABELS),
    "nll": lambda x: F.nll_loss(x, LABELS),
    "mse": lambda x: F.mse_loss(x, ONES),
    "multi-margin": lambda x: torch.nn.MultiMarginLoss()(x, LABELS),
    "binary": lambda x: torch.nn.BCEWithLogitsLoss()(x, ONES),
}
LOSSES = (*REFERENCES, "focal")


def spec(*ending, name="net"):
    layers = ["Flatten", {"Linear": {"out_features": 10}}, *ending]
    return dl.ModelSpec(name=name, layers=layers)


SOFTMAX, LOG_SOFTMAX = {"Softmax": {"dim": 1}}, {"LogSoftmax": {"dim": 1}}
FITTING = [  # a loss, and the last layers that it takes
    ("cross-entropy", ()),
    ("cross-entropy", (LOG_SOFTMAX,)),
    ("cross-entropy", (SOFTMAX,)),
    ("nll", (LOG_SOFTMAX,)),
    ("nll", (SOFTMAX, "Flatten")),
    ("nll", ({"LogSoftmax": {"name": "log", "dim": 1}}, {"Identity": {"from": "log"}})),
    ("cross-entropy", ({"Softmax": {"name": "p", "dim": 1}}, {"Flatten": {"from": "p"}})),
    ("focal", ()),
    ("focal", (SOFTMAX,)),
    ("multi-margin", ()),
    ("mse", ()),
    ("mse", (SOFTMAX,)),
    ("mse", ("Sigmoid",)),
    ("binary", ()),
    ("binary", ("Sigmoid",)),
]


@pytest.mark.parametrize("loss", REFERENCES)
def test_a_loss_is_torchs(loss):
    ours = compute_loss(OUTPUTS, LABELS, TrainConfig(loss=loss))
    assert ours.item() == pytest.approx(REFERENCES[loss](OUTPUTS).item(), rel=1e-6)


def test_the_focal_loss_is_cross_entropy_times_what_is_left_to_one():
    logs = OUTPUTS.log_softmax(1)[range(40), LABELS]
    expected = -((1 - logs.exp()) ** 2 * logs).mean()
    assert compute_loss(OUTPUTS, LABELS, TrainConfig(loss="focal")).item() == pytest.approx(
        expected.item(), rel=1e-5
    )
    plain = compute_loss(OUTPUTS, LABELS, TrainConfig(loss="focal", focal_gamma=0))
    assert plain.item() == pytest.approx(F.cross_entropy(OUTPUTS, LABELS).item(), rel=1e-6)


@pytest.mark.parametrize("loss", ["mse", "binary", "focal"])
def test_labels_are_smoothed_as_cross_entropy_smooths_them(loss):
    config = TrainConfig(loss=loss, label_smoothing=0.2, focal_gamma=0)
    smooth = ONES * 0.8 + 0.02
    expected = {
        "mse": F.mse_loss(OUTPUTS, smooth),
        "binary": F.binary_cross_entropy_with_logits(OUTPUTS, smooth),
        "focal": F.cross_entropy(OUTPUTS, LABELS, label_smoothing=0.2),
    }[loss]
    assert compute_loss(OUTPUTS, LABELS, config, 0.2).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("loss", ["nll", "multi-margin"])
def test_a_loss_that_cannot_take_smoothed_labels_refuses_them(loss):
    with pytest.raises(ConfigError, match="label_smoothing is for losses 'cross-entropy'"):
        TrainConfig(loss=loss, label_smoothing=0.1)


def test_an_old_recipe_means_cross_entropy():
    assert TrainConfig.from_dict({"epochs": 3}).loss == "cross-entropy"
    assert "loss" not in TrainConfig(epochs=3).differing()


@pytest.mark.parametrize(
    ("loss", "ending", "sentence"),
    [
        ("nll", (), "nll takes logarithms of probabilities, but net ends in Linear"),
        ("mse", (LOG_SOFTMAX,), "ones and zeros, but net ends in LogSoftmax"),
        ("multi-margin", (SOFTMAX,), "a score for each class by itself, but net ends in Softmax"),
        ("binary", (LOG_SOFTMAX,), "but net ends in LogSoftmax"),
    ],
)
def test_a_loss_that_does_not_fit_the_last_layer_is_refused(loss, ending, sentence, optdigits):
    with pytest.raises(ConfigError, match=sentence) as refused:
        dl.train(spec(*ending), optdigits, TrainConfig(loss=loss, epochs=1), progress=False)
    assert refused.value.field == "loss"


@pytest.mark.parametrize(("loss", "ending"), FITTING)
def test_probabilities_are_those_of_the_loss_wherever_they_are_read(
    loss, ending, train_tiny, optdigits
):
    slow = {"learning_rate": 0.001, "epochs": 20, "batch_size": 32} if loss == "mse" else {}
    run = train_tiny(spec(*ending), loss=loss, **slow)
    images, labels = optdigits.test.images, optdigits.test.labels
    probabilities = run.predict(images)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)

    network = dl.build(run.spec).eval()  # as its author would use it
    network.load_state_dict(run.model.state_dict())
    with torch.inference_mode():
        outputs = network(run.normalization(images)).double()
    if loss == "binary" and not ending:
        outputs = outputs.sigmoid()
    if loss == "mse":
        outputs = outputs.clamp(min=1e-9)
    if loss in ("mse", "binary"):
        expected = outputs / outputs.sum(1, keepdim=True)
    else:
        expected = outputs if ending and "Softmax" in ending[0] else outputs.softmax(1)
    np.testing.assert_allclose(probabilities, expected, atol=2e-5)

    result = run.evaluate("test")
    np.testing.assert_allclose(result.probabilities, probabilities, atol=1e-5)
    assert result.accuracy == (outputs.argmax(1) == labels).double().mean().item() > 0.8
    assert run.record.test_accuracy == result.accuracy
    last = run.history.epochs[-1]
    assert last["val_accuracy"] == pytest.approx(run.evaluate("val").accuracy)


def test_a_last_softmax_learns_what_log_softmax_and_raw_scores_learn(train_tiny, optdigits):
    runs = [train_tiny(spec(*ending)) for ending in ((), (LOG_SOFTMAX,), (SOFTMAX,))]
    answers = [run.predict(optdigits.test.images) for run in runs]
    np.testing.assert_allclose(answers[1], answers[0], atol=1e-4)
    np.testing.assert_allclose(answers[2], answers[1], atol=1e-6)


def test_what_is_done_with_a_last_softmax_is_said():
    assert "LogSoftmax in its place" in dl.summarize(spec(SOFTMAX)).notes[0]
    assert "log-probabilities" in dl.summarize(spec(LOG_SOFTMAX)).notes[0]
    assert "Binary heads" in dl.summarize(spec("Sigmoid")).notes[0]
    config = TrainConfig()
    assert scoring_spec(spec(SOFTMAX), config).layers[-1].type == "LogSoftmax"
    assert scoring_spec(spec(), config) == spec()


def test_the_validation_loss_is_the_recipes(train_tiny):
    squared = train_tiny(spec(), loss="mse", learning_rate=0.001, epochs=9).history.epochs[-1]
    assert 0.005 < squared["val_loss"] < 0.1
    assert squared["val_loss"] == pytest.approx(squared["train_loss"], rel=0.5)


def test_logits_of_outputs_keep_their_order_and_are_finite():
    outputs = torch.tensor([[-50.0, -0.5, 0.0, 1e-7, 0.3, 2.0]])
    for loss in LOSSES:
        logits = to_answers(outputs, TrainConfig(loss=loss))
        assert logits.isfinite().all()
        assert (logits.diff() > 0).all()


def test_binary_heads_may_all_say_no(train_tiny, optdigits):
    run = train_tiny(spec(), loss="binary")
    images = optdigits.test.images[:20].numpy()
    for weight in run.model.parameters():
        weight.data.fill_(-1.0) if weight.ndim == 1 else weight.data.zero_()
    shares = find_predictor(run)(images)
    np.testing.assert_allclose(shares, 0.1, atol=1e-5)  # their sum is above 1: shares of it
    for weight in run.model.parameters():
        weight.data.fill_(-5.0) if weight.ndim == 1 else weight.data.zero_()
    np.testing.assert_allclose(find_predictor(run)(images), 1 / (1 + np.exp(5)), atol=1e-6)


def test_members_of_an_ensemble_may_have_other_losses(train_tiny, optdigits):
    runs = [train_tiny(spec(), loss=loss) for loss in ("binary", "mse", "cross-entropy")]
    both = dl.ensemble(runs)
    images = optdigits.test.images
    mean = np.mean([run.predict(images) for run in runs], axis=0)
    np.testing.assert_allclose(both.predict(images), mean, atol=1e-5)
    np.testing.assert_allclose(both.evaluate("test").probabilities, mean, atol=1e-5)


@pytest.mark.parametrize(("loss", "ending"), [("binary", ()), ("mse", ()), ("nll", (SOFTMAX,))])
def test_an_onnx_file_gives_the_same_probabilities(loss, ending, train_tiny, optdigits, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    run = train_tiny(spec(*ending), loss=loss)
    session = runtime.InferenceSession(dl.export(run, "onnx", tmp_path / "net.onnx"))
    images = optdigits.test.images[:50].numpy()
    logits, probabilities = session.run(["logits", "probabilities"], {"images": images})
    np.testing.assert_allclose(probabilities, run.predict(images), atol=1e-5)
    np.testing.assert_allclose(
        logits, run.predict_logits(torch.from_numpy(images)), atol=1e-4, rtol=1e-4
    )
