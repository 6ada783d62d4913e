"""The training loop: reproducible for a seed, stopped within a step, true in what it reports."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

import digitlab as dl
from digitlab.errors import ConfigError
from digitlab.training import window
from digitlab.training.config import TrainConfig
from digitlab.training.engine import never, train_events
from digitlab.training.events import EpochDone, Finished, Started, StepsDone
from digitlab.training.normalize import make_normalization
from digitlab.training.predict import predict_logits

DROPOUT = dl.ModelSpec.from_dict(
    {
        "name": "with-dropout",
        "input": [1, 28, 28],
        "layers": [
            "Flatten",
            {"Linear": {"out_features": 32}},
            "BatchNorm1d",
            "ReLU",
            {"Dropout": {"p": 0.3}},
            {"Linear": {"out_features": 10}},
        ],
    }
)
EXPLODES = dl.ModelSpec.from_dict(
    {
        "name": "three-linear",
        "input": [1, 28, 28],
        "layers": ["Flatten", *({"Linear": {"out_features": n}} for n in (64, 64, 10))],
    }
)


class Training:
    """One training, to its end: its events by kind, and the model it leaves."""

    def __init__(self, data, model="two-hidden-16-relu", ask=never, **recipe):
        self.config = TrainConfig(**{"batch_size": 64, "device": "cpu", **recipe})
        self.model = dl.build(dl.load_model(model), seed=self.config.seed)
        self.events = list(train_events(self.model, data, self.config, ask))
        self.started, self.finished = self.events[0], self.events[-1]
        assert isinstance(self.started, Started)
        assert isinstance(self.finished, Finished)
        self.steps = [event for event in self.events if isinstance(event, StepsDone)]
        self.epochs = [event for event in self.events if isinstance(event, EpochDone)]

    @property
    def weights(self):
        return self.model.state_dict()

    @property
    def history(self):
        """All that is learnt from the events but the clock's share."""
        steps = [(s.step, s.epoch, s.loss, s.loss_min, s.loss_max, s.grad_norm) for s in self.steps]
        epochs = [(e.train_loss, e.train_accuracy, e.val_loss, e.val_accuracy) for e in self.epochs]
        return steps, epochs


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def after(steps):
    """A visitor who wishes to stop when asked for the `steps`th time."""
    asked = itertools.count(1)
    return lambda: "stop" if next(asked) >= steps else None


AUGMENTED = {"augmentation": {"rotation": 10, "shift": 0.1, "thickness": 0.5}}


def test_the_same_seed_gives_the_same_weights_and_history_to_the_bit(optdigits):
    torch.manual_seed(111)
    first = Training(optdigits, DROPOUT, epochs=2, seed=7, **AUGMENTED)
    torch.manual_seed(222)  # whatever was drawn before does not matter
    second = Training(optdigits, DROPOUT, epochs=2, seed=7, **AUGMENTED)
    assert equal(first.weights, second.weights)
    assert first.history == second.history


def test_another_seed_gives_other_weights(optdigits):
    first = Training(optdigits, DROPOUT, epochs=1, seed=7)
    other = Training(optdigits, DROPOUT, epochs=1, seed=8)
    assert not equal(first.weights, other.weights)
    assert first.history != other.history


def test_the_seed_decides_order_too_not_only_first_weights(optdigits):
    finals = []
    for seed in (1, 2):
        network = dl.build(dl.load_model("two-hidden-16-relu"), seed=0)
        config = TrainConfig(epochs=1, seed=seed, device="cpu")
        list(train_events(network, optdigits, config))
        finals.append(network.state_dict())
    assert not equal(*finals)


def test_training_seeds_the_global_generator_and_says_so(optdigits):
    Training(optdigits, epochs=1, seed=41)
    assert torch.initial_seed() == 41
    assert "global one" in train_events.__doc__


def test_nothing_happens_to_the_data(optdigits):
    images, labels = optdigits.train.images.clone(), optdigits.train.labels.clone()
    Training(optdigits, epochs=1, normalization="half", **AUGMENTED)
    assert torch.equal(optdigits.train.images, images)
    assert torch.equal(optdigits.train.labels, labels)


def test_the_test_split_has_no_influence(optdigits):
    from dataclasses import replace

    labels = torch.zeros_like(optdigits.test.labels)
    other = replace(optdigits, test=replace(optdigits.test, labels=labels))
    choosing = {"epochs": 3, "keep": "best", "early_stopping": 1}
    first, second = Training(optdigits, **choosing), Training(other, **choosing)
    assert equal(first.weights, second.weights)
    assert first.history == second.history


def test_it_learns_and_reports_what_a_fresh_look_confirms(optdigits):
    run = Training(optdigits, epochs=5, learning_rate=5e-3)
    losses = [epoch.train_loss for epoch in run.epochs]
    assert losses[-1] < losses[0] / 2
    normalization = make_normalization("dataset", optdigits.train.images)
    assert (run.started.mean, run.started.std) == (normalization.mean, normalization.std)
    logits = predict_logits(run.model, optdigits.val.images, normalization)
    labels = optdigits.val.labels
    assert run.epochs[-1].val_loss == pytest.approx(float(F.cross_entropy(logits, labels)))
    assert run.epochs[-1].val_accuracy == float((logits.argmax(1) == labels).double().mean())
    assert run.epochs[-1].val_accuracy > 0.85


def test_counts_and_places_are_right(optdigits):
    run = Training(optdigits, epochs=3)
    per_epoch = math.ceil(1294 / 64)
    assert run.started.steps_per_epoch == per_epoch
    assert run.started.total_steps == 3 * per_epoch == run.finished.step == run.steps[-1].step
    assert (run.started.train_images, run.started.val_images) == (1294, 144)
    assert [epoch.epoch for epoch in run.epochs] == [1, 2, 3]
    assert [epoch.step for epoch in run.epochs] == [per_epoch, 2 * per_epoch, 3 * per_epoch]
    assert run.steps[per_epoch - 1].epoch == pytest.approx(1)
    assert run.finished.reason == "completed"
    assert (run.finished.epochs, run.finished.kept_epoch) == (3, 3)
    assert 0 < run.finished.train_seconds < 60


def test_windows_lose_no_step_and_no_extreme(optdigits, monkeypatch):
    every = Training(optdigits, epochs=2)
    assert [step.step for step in every.steps] == list(range(1, 43))
    monkeypatch.setattr(window, "WINDOWS", 6)  # three in each of the two epochs of 21 steps
    windowed = Training(optdigits, epochs=2)
    assert [step.step for step in windowed.steps] == [7, 14, 21, 28, 35, 42]
    for number, part in enumerate(windowed.steps):
        losses = [step.loss for step in every.steps[7 * number : 7 * number + 7]]
        assert part.loss_min <= part.loss <= part.loss_max
        assert part.loss == pytest.approx(sum(losses) / 7)
        assert (part.loss_min, part.loss_max) == (min(losses), max(losses))
    assert equal(every.weights, windowed.weights)  # looking does not change what is learnt


@pytest.mark.parametrize(
    ("epochs", "limit"), [(1, 1), (3, 20), (5, 20), (7, 20), (19, 20), (20, 20), (30, 30)]
)
def test_a_run_of_any_length_has_a_bounded_number_of_windows(optdigits, monkeypatch, epochs, limit):
    monkeypatch.setattr(window, "WINDOWS", min(limit, 20))
    run = Training(optdigits.subset(200), epochs=epochs, batch_size=16)
    assert len(run.steps) <= limit
    assert run.steps[-1].step == run.started.total_steps


def test_windows_are_about_1500_at_most():
    assert window.WINDOWS == 1500


@pytest.mark.parametrize("steps", [1, 5, 21, 30])
def test_a_stop_is_honoured_at_the_next_step_and_keeps_the_weights(optdigits, steps):
    run = Training(optdigits, epochs=50, ask=after(steps))
    assert run.finished.reason == "stopped"
    assert run.finished.step == steps == run.steps[-1].step
    assert run.finished.kept_epoch == pytest.approx(steps / 21)
    start = dl.build(dl.load_model("two-hidden-16-relu"), seed=0).state_dict()
    assert not equal(run.weights, start)
    again = Training(optdigits, epochs=50, ask=after(steps))
    assert equal(run.weights, again.weights)


def test_early_stopping_waits_as_long_as_it_says(optdigits):
    frozen = {"optimizer": "sgd", "learning_rate": 1e-15}  # nothing changes after the first epoch
    run = Training(optdigits, epochs=50, early_stopping=3, **frozen)
    assert run.finished.reason == "early-stopped"
    assert (run.finished.best_epoch, run.finished.epochs) == (1, 4)
    assert [epoch.best for epoch in run.epochs] == [True, False, False, False]


def test_early_stopping_leaves_alone_what_keeps_improving(optdigits):
    run = Training(optdigits, epochs=4, early_stopping=3, learning_rate=3e-3)
    assert run.finished.reason == "completed"


# The rate rises until the network forgets what it learnt in its first epochs.
FORGETS = {"learning_rate": 0.2, "schedule": "one-cycle", "epochs": 12, "batch_size": 32}


def val_accuracy(run, data):
    normalization = make_normalization("dataset", data.train.images)
    logits = predict_logits(run.model, data.val.images, normalization)
    return float((logits.argmax(1) == data.val.labels).double().mean())


def test_keep_best_ends_with_the_weights_of_the_best_epoch(optdigits):
    last, best = Training(optdigits, **FORGETS), Training(optdigits, keep="best", **FORGETS)
    accuracies = [epoch.val_accuracy for epoch in best.epochs]
    assert accuracies == [epoch.val_accuracy for epoch in last.epochs]
    assert accuracies[-1] < max(accuracies) - 0.2, "the recipe should get worse at the end"
    assert val_accuracy(best, optdigits) == max(accuracies)
    assert val_accuracy(last, optdigits) == accuracies[-1]
    assert best.finished.best_epoch == accuracies.index(max(accuracies)) + 1
    assert best.finished.kept_epoch == best.finished.best_epoch
    assert last.finished.kept_epoch == 12
    assert [e.epoch for e in best.epochs if e.best][-1] == best.finished.best_epoch


def test_a_loss_that_is_no_number_ends_the_training_as_diverged(optdigits):
    run = Training(optdigits, EXPLODES, epochs=50, optimizer="sgd", learning_rate=100)
    assert run.finished.reason == "diverged"
    assert run.finished.step < 100
    assert not math.isfinite(run.steps[-1].loss)
    assert all(math.isfinite(epoch.train_loss) for epoch in run.epochs)


def test_a_single_image_left_over_is_dropped_and_shares_stay_true(optdigits):
    data = optdigits.subset(65)
    assert len(data.train) == 65
    run = Training(data, DROPOUT, epochs=5, learning_rate=0.02)
    assert run.started.steps_per_epoch == 1
    for step, epoch in zip(run.steps, run.epochs, strict=True):
        assert epoch.train_loss == pytest.approx(step.loss)  # of the 64 images seen, not of 65
        assert (epoch.train_accuracy * 64).is_integer()


def test_batches_of_one_image_use_every_image(optdigits):
    data = optdigits.subset(30)
    run = Training(data, epochs=1, batch_size=1)
    assert run.started.steps_per_epoch == len(data.train)


def test_batches_of_one_image_and_batch_norm_are_refused_by_name(optdigits):
    with pytest.raises(ConfigError, match=r"batch normalisation.*at least 2") as caught:
        Training(optdigits, DROPOUT, epochs=1, batch_size=1)
    assert caught.value.field == "batch_size"


def test_a_batch_larger_than_the_data_is_the_data(optdigits):
    run = Training(optdigits, epochs=2, batch_size=8192)
    assert run.started.steps_per_epoch == 1
    assert len(run.steps) == 2


def test_without_a_validation_split_there_is_no_validation(optdigits):
    run = Training(optdigits.resplit(0), epochs=2)
    assert (run.started.train_images, run.started.val_images) == (1438, 0)
    assert [(e.val_loss, e.val_accuracy, e.best) for e in run.epochs] == [(None, None, False)] * 2
    assert run.finished.best_epoch is None
    assert run.finished.kept_epoch == 2


def step_length(data, **recipe):
    """How far one step of plain gradient descent at rate 1 moves the weights, and its event."""
    start = dl.build(dl.load_model("two-hidden-16-relu"), seed=0).state_dict()
    recipe = {"optimizer": "sgd", "learning_rate": 1.0, "batch_size": 8192, "epochs": 1, **recipe}
    run = Training(data, **recipe)
    moved = [(run.weights[name] - value).flatten() for name, value in start.items()]
    return float(torch.cat(moved).norm()), run.steps[0]


def test_gradient_clipping_limits_the_step_and_reports_the_norm_before(optdigits):
    free, event = step_length(optdigits)
    clipped, clipped_event = step_length(optdigits, gradient_clip=0.01)
    loose, _ = step_length(optdigits, gradient_clip=1000.0)
    assert free == pytest.approx(event.grad_norm, rel=1e-3)
    assert free > 0.1
    assert clipped == pytest.approx(0.01, rel=1e-2)
    assert clipped_event.grad_norm == pytest.approx(event.grad_norm)
    assert loose == pytest.approx(free)


def test_label_smoothing_is_in_the_training_loss_but_not_in_validation(optdigits):
    model = dl.build(dl.load_model("two-hidden-16-relu"), seed=0)
    normalization = make_normalization("dataset", optdigits.train.images)
    with torch.no_grad():
        logits = model(normalization(optdigits.train.images))
    labels = optdigits.train.labels
    expected = float(F.cross_entropy(logits, labels, label_smoothing=0.3))
    _, event = step_length(optdigits, label_smoothing=0.3)
    assert event.loss == pytest.approx(expected, rel=1e-4)
    assert event.loss != pytest.approx(float(F.cross_entropy(logits, labels)), rel=1e-4)
    frozen = {"learning_rate": 1e-15, "optimizer": "sgd", "epochs": 1}
    plain, smooth = (
        Training(optdigits, **frozen),
        Training(optdigits, label_smoothing=0.3, **frozen),
    )
    assert plain.epochs[0].val_loss == smooth.epochs[0].val_loss


def test_augmentation_reaches_training_but_not_validation(optdigits):
    frozen = {"learning_rate": 1e-15, "optimizer": "sgd", "epochs": 1}
    plain, changed = Training(optdigits, **frozen), Training(optdigits, **frozen, **AUGMENTED)
    assert plain.epochs[0].train_loss != changed.epochs[0].train_loss
    assert plain.epochs[0].val_loss == changed.epochs[0].val_loss


def test_a_device_that_is_not_here_is_refused(optdigits):
    with pytest.raises(ConfigError, match="cuda:63"):
        Training(optdigits, epochs=1, device="cuda:63")


def test_networks_learn_from_a_subset_too(optdigits):
    training = Training(optdigits, "logistic-regression", epochs=1, subset=200, batch_size=50)
    assert training.started.train_images == 200
    assert training.started.total_steps == 4
    config = training.config
    for seed, same in ((0, True), (5, False)):
        other = config.changed(seed=seed).take_subset(optdigits).train.indices
        assert torch.equal(other, config.take_subset(optdigits).train.indices) == same
