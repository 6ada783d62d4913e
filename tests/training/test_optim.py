"""Every optimizer and schedule learns, and the learning rate takes the course that was promised."""

from __future__ import annotations

import itertools

import pytest
import torch

import digitlab as dl
from digitlab.training.config import TrainConfig
from digitlab.training.engine import Training, train_events
from digitlab.training.events import EpochDone, StepsDone
from digitlab.training.optim import make_optimizer, make_schedule, make_step

RATES = {
    **{"sgd": 0.03, "adam": 3e-3, "adamw": 3e-3, "muon": 3e-3},
    **{"rmsprop": 3e-3, "adadelta": 1.0},
}


def learn(data, **recipe):
    model = dl.build(dl.load_model("two-hidden-16-relu"), seed=0)
    return list(train_events(model, data, TrainConfig(batch_size=32, device="cpu", **recipe)))


def last_epoch(events):
    return [event for event in events if isinstance(event, EpochDone)][-1]


@pytest.mark.parametrize("optimizer", RATES)
def test_every_optimizer_learns_digits(optdigits, optimizer):
    events = learn(optdigits, epochs=8, optimizer=optimizer, learning_rate=RATES[optimizer])
    assert last_epoch(events).val_accuracy > 0.85


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one-cycle"])
def test_every_schedule_learns_digits(optdigits, schedule):
    events = learn(optdigits, epochs=5, learning_rate=5e-3, schedule=schedule, step_epochs=2)
    assert last_epoch(events).val_accuracy > 0.85


def test_the_training_follows_the_schedule(optdigits):
    config = {"epochs": 2, "learning_rate": 5e-3, "schedule": "cosine"}
    events = learn(optdigits, **config)
    rate = make_schedule(TrainConfig(**config), steps_per_epoch=41)
    steps = [event for event in events if isinstance(event, StepsDone)]
    assert steps[-1].step == 82  # 1,294 images by 32, and a single one is not left over
    assert len({event.learning_rate for event in steps}) == len(steps) > 10
    assert [event.learning_rate for event in steps] == [rate(event.step - 1) for event in steps]


def course(schedule, epochs=10, steps_per_epoch=20, peak=0.4, **recipe):
    config = TrainConfig(epochs=epochs, learning_rate=peak, schedule=schedule, **recipe)
    rate = make_schedule(config, steps_per_epoch)
    return [rate(step) for step in range(epochs * steps_per_epoch)]


def test_constant_stays():
    assert set(course("constant")) == {0.4}


def test_step_multiplies_by_its_factor_every_so_many_epochs():
    rates = course("step", step_epochs=3, step_factor=0.1)
    by_epoch = [set(rates[20 * epoch : 20 * epoch + 20]) for epoch in range(10)]
    assert all(len(rates) == 1 for rates in by_epoch)
    assert [rates.pop() for rates in by_epoch] == pytest.approx(
        [0.4] * 3 + [0.04] * 3 + [0.004] * 3 + [0.0004]
    )


def test_cosine_falls_from_its_peak_through_half_to_nearly_nothing():
    rates = course("cosine")
    assert rates[0] == 0.4
    assert rates[100] == pytest.approx(0.2)
    assert 0 < rates[-1] < 0.4 / 1000
    assert all(later < earlier for earlier, later in itertools.pairwise(rates))


def test_one_cycle_rises_to_its_peak_at_30_percent_and_falls_to_nearly_nothing():
    rates = course("one-cycle")
    assert rates.index(max(rates)) == 60
    assert max(rates) == pytest.approx(0.4)
    assert rates[0] == pytest.approx(0.4 / 25)
    assert 0 < rates[-1] < 0.4 / 1000
    assert rates[:61] == sorted(rates[:61])
    assert rates[60:] == sorted(rates[60:], reverse=True)


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one-cycle"])
def test_a_warm_up_rises_linearly_to_the_schedule_and_then_follows_it(schedule):
    plain, warm = course(schedule), course(schedule, warmup_epochs=1.5)
    shares = [rate / full for rate, full in zip(warm, plain, strict=True)]
    assert shares[:30] == pytest.approx([(step + 1) / 30 for step in range(30)])
    assert warm[29:] == plain[29:]


def test_a_restart_warms_up_again_and_a_run_continues_its_warm_up(optdigits):
    warm = course("constant", warmup_epochs=1, restarts=[4])
    assert warm[80:100] == warm[:20] == pytest.approx([0.4 * (n + 1) / 20 for n in range(20)])
    assert set(warm[20:80]) == set(warm[100:]) == {0.4}

    config = TrainConfig(epochs=2, batch_size=256, warmup_epochs=2, device="cpu")
    whole, cut = (dl.build(dl.load_model("two-hidden-16-relu"), seed=0) for _ in range(2))
    list(train_events(whole, optdigits, config))
    first = Training(cut, optdigits, config)
    wishes = iter([None, None, "pause"])
    list(first.events(lambda: next(wishes)))
    again = dl.build(dl.load_model("two-hidden-16-relu"), seed=1)
    list(Training(again, optdigits, config, first.state()).events())
    for weight, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(weight, other)


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one-cycle"])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_shortest_trainings_have_a_learning_rate_above_zero(schedule, steps):
    assert all(rate > 0 for rate in course(schedule, epochs=1, steps_per_epoch=steps))


def test_an_optimizer_has_the_recipes_numbers():
    model = torch.nn.Linear(3, 2)
    config = TrainConfig(
        optimizer="sgd", momentum=0.8, nesterov=True, weight_decay=0.01, learning_rate=0.3
    )
    group = make_optimizer(model, config).param_groups[0]
    assert (group["momentum"], group["nesterov"]) == (0.8, True)
    assert (group["weight_decay"], group["lr"]) == (0.01, 0.3)


@pytest.mark.parametrize("optimizer", RATES)
def test_weight_decay_shrinks_weights_that_nothing_pulls(optimizer):
    model = torch.nn.Linear(4, 4, bias=False)
    before = float(model.weight.detach().abs().sum())
    config = TrainConfig(optimizer=optimizer, weight_decay=0.5, learning_rate=0.01)
    steps = make_optimizer(model, config)
    for _ in range(10):
        model.weight.grad = torch.zeros_like(model.weight)
        steps.step()
    assert float(model.weight.detach().abs().sum()) < before


@pytest.mark.parametrize("optimizer", RATES)
def test_a_step_without_bookkeeping_is_the_optimizers_own_to_the_bit(optimizer):
    config = TrainConfig(optimizer=optimizer, weight_decay=0.01, learning_rate=0.01)
    images = torch.randn(8, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    results = []
    for plain in (True, False):
        model = dl.build(dl.load_model("two-hidden-16-relu"), seed=0)
        method = make_optimizer(model, config)
        step = method.step if plain else make_step(method)
        for k in range(4):
            method.param_groups[0]["lr"] = 0.01 / (k + 1)
            method.zero_grad()
            loss = model(images).square().mean()
            if k < 3:
                loss.backward()
            else:  # the last layer's bias has no gradient this time
                loss.backward(inputs=list(model.parameters())[:-1])
            step()
        results.append([p.detach().clone() for p in model.parameters()])
    for weights, expected in zip(*results, strict=True):
        assert torch.equal(weights, expected)


def test_a_warm_up_ends_within_an_epoch_that_is_added():
    config = dl.TrainConfig(epochs=5, restarts=(4,), schedule="cosine", warmup_epochs=3.0)
    rate = make_schedule(config, 10)
    assert max(rate(step) for step in range(40, 50)) > 0.3 * config.learning_rate
