"""Autoencoders: they learn to give images back, and what is no autoencoder is told so."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import digitlab as dl
from digitlab.errors import ConfigError, RunError, SpecError
from digitlab.models.load import known_recipe
from digitlab.runs.snapshot import read_snapshot
from digitlab.training.config import TrainConfig
from digitlab.training.loss import compute_loss, scoring_spec, take_divergence
from digitlab.training.step import batch_loss

DENSE = ["Flatten", {"Linear": {"out_features": 24}}, "ReLU", {"Linear": {"out_features": 784}}]
UNFLATTEN = {"Unflatten": {"dim": 1, "unflattened_size": [1, 28, 28]}}
FAST = {"loss": "reconstruction", "learning_rate": 0.003}


def autoencoder(*ending, name="small"):
    return dl.ModelSpec(name=name, layers=[*DENSE, *ending])


@pytest.mark.parametrize("name", ["autoencoder", "autoencoder-conv", "vae"])
def test_a_preset_learns_to_give_images_back(name, train_tiny, optdigits):
    run = train_tiny(name, **{**known_recipe(name), "epochs": 6, "batch_size": 32})
    first, *_, last = run.history.epochs
    assert last["val_loss"] < first["val_loss"]
    assert last["val_accuracy"] is last["train_accuracy"] is None
    assert (run.record.test_accuracy, run.task) == (None, "reconstruct")
    images = optdigits.test.images[:50]
    given = run.reconstruct(images)
    assert given.shape == (50, 1, 28, 28)
    assert 0 <= given.min() < 0.1 < given.max() <= 1
    blank = F.mse_loss(images.float().mean(0) / 255 + torch.zeros(50, 1, 1, 1), images / 255)
    assert ((given - images.numpy() / 255) ** 2).mean() < 0.95 * float(blank)


@pytest.mark.parametrize("pixel_loss", ["binary", "mse"])
@pytest.mark.parametrize("ending", [(), ("Sigmoid",), (UNFLATTEN,), ("Sigmoid", UNFLATTEN)])
def test_the_errors_are_those_of_the_pixels(ending, pixel_loss, train_tiny, optdigits):
    run = train_tiny(autoencoder(*ending), pixel_loss=pixel_loss, **FAST)
    pixels = optdigits.test.images.float() / 255
    given = torch.from_numpy(run.reconstruct(optdigits.test.images))
    compare = F.binary_cross_entropy if pixel_loss == "binary" else F.mse_loss
    expected = compare(given, pixels, reduction="none").flatten(1).mean(1)
    measured = run.measure_reconstruction()
    np.testing.assert_allclose(measured.errors, expected, rtol=1e-4)
    assert run.record.test_loss == pytest.approx(measured.error, rel=1e-5)
    if not (pixel_loss == "mse" and "Sigmoid" not in ending):  # whose pixels are cut to 0…1
        assert run.history.epochs[-1]["val_loss"] == pytest.approx(run.record.val_loss, rel=1e-3)


def test_a_last_tanh_reaches_from_paper_to_ink(train_tiny):
    spec = autoencoder("Tanh")
    scaled = scoring_spec(spec, TrainConfig(pixel_loss="mse", **FAST)).layers[-1]
    assert (scaled.type, dict(scaled.args)) == ("Scale", {"factor": 0.5, "offset": 0.5})
    run = train_tiny(spec, pixel_loss="mse", **FAST)
    assert run.record.test_loss < 0.08
    with pytest.raises(ConfigError, match="choose pixel_loss: mse"):
        train_tiny(spec, **FAST)


def test_the_divergence_of_a_variational_autoencoder_is_kl(optdigits):
    network = dl.build(dl.load_model("vae"), seed=0)
    images = optdigits.train.images[:8].float() / 255
    parts = {}
    for name in ("mean", "log_variance"):
        module = network.get_submodule(name)
        module.register_forward_hook(lambda _m, _i, out, name=name: parts.update({name: out}))
    network(images)
    posterior = torch.distributions.Normal(parts["mean"], (parts["log_variance"] / 2).exp())
    prior = torch.distributions.Normal(0.0, 1.0)
    expected = torch.distributions.kl_divergence(posterior, prior).sum(1).mean() / 784
    assert take_divergence(network, images).item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_weight_of_the_divergence_is_used(optdigits):
    images = optdigits.train.images[:8].float() / 255
    losses = {}
    for weight in (0.0, 2.0):
        torch.manual_seed(0)
        config = TrainConfig(kl_weight=weight, **FAST)
        network = dl.build(scoring_spec(dl.load_model("vae"), config), seed=0)
        losses[weight] = batch_loss(network, network(images), images, config)
    assert losses[2.0] > losses[0.0] > 0


def test_noise_is_to_be_taken_away_again(optdigits):
    config = TrainConfig(augmentation={"noise": 0.5, "erasing": 0.5, "rotation": 20}, **FAST)
    from digitlab.training.engine import Training

    training = Training(dl.build(autoencoder(), seed=0), optdigits, config)
    inputs, pixels = training._prepare(optdigits.train.images[:64])
    seen = (inputs * training.normalization.std + training.normalization.mean).clamp(0, 1)
    assert (seen - pixels).abs().mean() > 0.05
    assert pixels.flatten(1).median(1).values.max() == 0  # the paper of what it is to give is clean


def test_live_snapshots_hold_images_and_what_became_of_them(train_tiny):
    run = train_tiny(autoencoder(), **FAST)
    snapshot = read_snapshot(run.id)
    assert snapshot.images.shape == snapshot.reconstructions.shape == (12, 1, 28, 28)
    assert snapshot.reconstructions.dtype == np.uint8
    np.testing.assert_allclose(
        snapshot.reconstructions, 255 * run.reconstruct(snapshot.images), atol=1.01
    )
    assert snapshot.confusion.size == snapshot.probabilities.size == 0


def test_the_smallest_loss_is_the_best_epoch(train_tiny):
    run = train_tiny(autoencoder(), **{**FAST, "learning_rate": 0.05}, epochs=6, keep="best")
    losses = [epoch["val_loss"] for epoch in run.history.epochs]
    assert run.record.best_epoch == 1 + losses.index(min(losses))
    assert run.record.val_loss == pytest.approx(min(losses), rel=1e-3)


def test_a_run_that_was_paused_ends_with_the_same_weights(optdigits):
    from digitlab.training.engine import Training

    spec, config = dl.load_model("vae"), TrainConfig(epochs=2, batch_size=256, device="cpu", **FAST)
    whole, cut, again = (dl.build(spec, seed=seed) for seed in (0, 0, 1))
    list(Training(whole, optdigits, config).events())
    first, wishes = Training(cut, optdigits, config), iter([None, None, "pause"])
    list(first.events(lambda: next(wishes)))
    list(Training(again, optdigits, config, first.state()).events())
    for weight, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(weight, other)


def test_without_a_recipe_an_autoencoder_is_recognised(optdigits):
    assert known_recipe(autoencoder(UNFLATTEN)) == {"loss": "reconstruction"}
    run = dl.train(autoencoder("Sigmoid"), optdigits.subset(100), progress=False)
    assert run.config.loss == "reconstruction"


@pytest.mark.parametrize(
    ("model", "loss", "sentence"),
    [
        (autoencoder(), "cross-entropy", "choose the loss reconstruction to train it as an autoe"),
        (autoencoder(UNFLATTEN), "cross-entropy", "gives 1×28×28 values for an image, but the da"),
        ("logistic-regression", "reconstruction", "gives 10 values for an image, but the loss rec"),
        ("sklearn/SVC", "reconstruction", "gives 10 values for an image, but the loss reconstruc"),
    ],
)
def test_what_does_not_go_together_is_told_so(model, loss, sentence, optdigits):
    with pytest.raises(SpecError, match=sentence):
        dl.train(model, optdigits, TrainConfig(loss=loss), progress=False)


@pytest.mark.parametrize("name", ["autoencoder", "autoencoder-conv", "vae"])
def test_an_autoencoder_stays_one_for_other_data(name):
    spec = dl.load_model(name)
    assert spec.for_data((1, 28, 28), 47) == spec
    if name != "autoencoder-conv":  # whose decoder says the sizes of its maps
        assert dl.summarize(spec.for_data((3, 32, 32), 10)).output_shape == (3, 32, 32)
    classifier = dl.load_model("lenet-5").for_data((1, 28, 28), 47)
    assert dl.summarize(classifier).output_shape == (47,)


def test_what_an_autoencoder_cannot_say_is_told_in_a_sentence(train_tiny, optdigits):
    run, classifier = train_tiny(autoencoder(), **FAST), train_tiny()
    images, drawing = optdigits.test.images[:3], np.full((60, 60), 255, np.uint8)
    drawing[10:50, 28:33] = 0
    for ask in (
        lambda: run.evaluate(),
        lambda: run.predict(images),
        lambda: dl.recognize(drawing, run),
        lambda: dl.ensemble([run, classifier]),
        lambda: dl.measure_robustness(run),
    ):
        with pytest.raises(RunError, match="is an autoencoder"):
            ask()
    for ask in (classifier.measure_reconstruction, lambda: classifier.reconstruct(images)):
        with pytest.raises(RunError, match="is a classifier"):
            ask()


def test_its_loss_is_the_mean_over_pixels():
    config = TrainConfig(pixel_loss="mse", loss="reconstruction")
    outputs, pixels = torch.full((2, 784), 0.5), torch.zeros(2, 1, 28, 28)
    assert compute_loss(outputs, pixels, config).item() == 0.25
