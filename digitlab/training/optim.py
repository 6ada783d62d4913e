"""Optimizers and learning-rate schedules by name."""

from __future__ import annotations

import bisect
import inspect
import math
from collections.abc import Callable
from functools import partial

import torch
from torch.optim.adam import adam

from digitlab.training.config import TrainConfig
from digitlab.training.muon import Muon

_ADAMS = {torch.optim.Adam: False, torch.optim.AdamW: True}  # whether weights decay by themselves

# At their first call torch loads its compiler, which takes seconds, to tell it not to look into
# them. It never does: only networks are compiled. Where a torch has no such mark, it loads.
for _name in ("add_param_group", "load_state_dict", "state_dict", "zero_grad"):
    _method = inspect.unwrap(getattr(torch.optim.Optimizer, _name))
    _method.__dynamo_disable = _method


def make_optimizer(model: torch.nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The recipe's optimizer over the model's parameters, in its fastest form here."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    common = {"lr": config.learning_rate, "weight_decay": config.weight_decay}
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, momentum=config.momentum, nesterov=config.nesterov, fused=True, **common
        )
    if config.optimizer == "adam":
        return torch.optim.Adam(parameters, fused=True, **common)
    if config.optimizer == "adamw":
        return torch.optim.AdamW(parameters, fused=True, **common)
    if config.optimizer == "muon":
        return Muon(parameters, **common)
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, momentum=config.momentum, **common)
    return torch.optim.Adadelta(parameters, **common)


def make_step(optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    """What `optimizer.step` does, to the bit; for Adam on a CPU without its bookkeeping.

    The method gathers its lists of tensors anew at each step and tells profilers of it, which takes
    a small network as long as the arithmetic; torch's function `adam` is given lists that are kept.
    Parameters without a gradient, as where a branch is not used, are left to the method.
    """
    take_step = _plain_step(optimizer)
    (group, *others) = optimizer.param_groups
    parameters = group["params"]
    if others or type(optimizer) not in _ADAMS or parameters[0].device.type != "cpu":
        return take_step
    lists: list[list[torch.Tensor]] = []

    @torch.no_grad()
    def step() -> None:
        gradients = [parameter.grad for parameter in parameters]
        states = optimizer.state
        if len(states) < len(parameters) or any(gradient is None for gradient in gradients):
            take_step()  # which also makes the state, in the first step
            return
        if not lists:
            names = ("exp_avg", "exp_avg_sq", "step")
            lists.extend([states[p][name] for p in parameters] for name in names)
        averages, squares, steps = lists
        adam(
            parameters,
            gradients,
            averages,
            squares,
            [],
            steps,
            fused=True,
            amsgrad=False,
            maximize=False,
            decoupled_weight_decay=_ADAMS[type(optimizer)],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
        )

    return step


def _plain_step(optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    """`optimizer.step` without what torch wraps around it, which loads its compiler, too.

    Hooks of the optimizer are part of that and not called: recipes register none.
    """
    for part in getattr(optimizer, "parts", ()):  # of Muon
        part.step = _plain_step(part)
    return torch.no_grad()(partial(inspect.unwrap(type(optimizer).step), optimizer))


def make_schedule(config: TrainConfig, steps_per_epoch: int) -> Callable[[int], float]:
    """The learning rate as a function of the step, counted from 0.

    One-cycle rises linearly over the first 30 % of the steps and falls as a cosine to nothing
    (Smith & Topin 2018, with the cosine of PyTorch's OneCycleLR). After each of the recipe's
    `restarts` the schedule begins anew and spans the epochs up to the next one. A warm-up
    multiplies the schedule by what rises linearly to 1 (Goyal et al. 2017), after a restart, too.
    """
    starts = [0, *config.restarts]
    ends = [*config.restarts, config.epochs]
    courses = [
        _course(config, end - start, steps_per_epoch)
        for start, end in zip(starts, ends, strict=True)
    ]
    if config.warmup_epochs:
        courses = [
            _warm_up(course, min(config.warmup_epochs, end - start) * steps_per_epoch)
            for course, start, end in zip(courses, starts, ends, strict=True)
        ]

    def rate(step: int) -> float:
        number = bisect.bisect_right(starts, step // steps_per_epoch) - 1
        return courses[number](step - starts[number] * steps_per_epoch)

    return rate if config.restarts else courses[0]


def _course(config: TrainConfig, epochs: int, steps_per_epoch: int) -> Callable[[int], float]:
    """One schedule from its first step to its last."""
    peak, total = config.learning_rate, epochs * steps_per_epoch
    if config.schedule == "step":
        return lambda step: (
            peak * config.step_factor ** (step // (config.step_epochs * steps_per_epoch))
        )
    if config.schedule == "cosine":
        return lambda step: peak * _half_cosine(step / total)
    if config.schedule == "one-cycle":
        rise = max(1, round(0.3 * total))
        fall = max(1, total - rise)
        return lambda step: (
            peak * (0.04 + 0.96 * step / rise)
            if step < rise
            else peak * max(_half_cosine((step - rise) / fall), 1e-5)
        )
    return lambda step: peak


def _warm_up(course: Callable[[int], float], steps: float) -> Callable[[int], float]:
    """The same schedule, risen to linearly over its first steps."""
    return lambda step: course(step) * min(1.0, (step + 1) / steps)


def _half_cosine(share: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * share))
