"""Losses: what a training minimises, and what the outputs of a network mean by it.

A network is trained and used as `scoring_spec` has it: its last layer may give probabilities, where
the loss takes their logarithms. `to_logits` makes of its outputs what every evaluation takes:
logits, whose softmax are the probabilities of the classes.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from digitlab.errors import ConfigError
from digitlab.models.graph import AT_INPUT, resolve
from digitlab.models.layer import Layer
from digitlab.models.spec import ModelSpec

if TYPE_CHECKING:
    from digitlab.training.config import TrainConfig

_KEEP_VALUES = ("Identity", "Flatten", "Dropout")  # layers after which a value means the same
_NORMALIZED = ("Softmax", "LogSoftmax")


def compute_loss(
    outputs: torch.Tensor, labels: torch.Tensor, config: TrainConfig, smoothing: float = 0.0
) -> torch.Tensor:
    """The recipe's mean loss, a scalar, of outputs float32 [N, C] for labels int64 [N].

    Cross-entropy, nll and focal are in nats; mse and binary are means over all outputs, as in
    torch. `smoothing` spreads a share of each label evenly over all classes.
    """
    if config.loss == "cross-entropy":
        return F.cross_entropy(outputs, labels, label_smoothing=smoothing)
    if config.loss == "nll":
        return F.nll_loss(outputs, labels)
    if config.loss == "multi-margin":
        return F.multi_margin_loss(outputs, labels)
    if config.loss == "focal":
        return _focal_loss(outputs, _smooth(labels, outputs, smoothing), config.focal_gamma)
    if config.loss == "mse":
        return F.mse_loss(outputs, _smooth(labels, outputs, smoothing))
    if config.loss == "binary":
        return F.binary_cross_entropy_with_logits(outputs, _smooth(labels, outputs, smoothing))


def _smooth(labels: torch.Tensor, outputs: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Labels as ones and zeros, of which a share is spread evenly over all classes, [N, C]."""
    classes = outputs.shape[1]
    return F.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes


def _focal_loss(outputs: torch.Tensor, targets: torch.Tensor, gamma: float) -> torch.Tensor:
    """Cross-entropy in which a class that is nearly right counts less (Lin et al. 2017)."""
    logs = outputs.log_softmax(1)
    doubts = (1 - logs.exp()).clamp(min=1e-6) ** gamma
    return -(targets * doubts * logs).sum(1).mean()


def to_logits(outputs: torch.Tensor, config: TrainConfig) -> torch.Tensor:
    """Outputs float32 [N, C] of a network trained by this recipe → logits [N, C].

    The softmax of logits are the probabilities of the classes. Binary heads give one sigmoid a
    class, and the squared error makes outputs estimates of the labels' ones and zeros: both are
    divided by their sum. What is larger stays larger.
    """
    if config.loss == "binary":
        # logsigmoid, in a form that stays finite in ONNX
        return outputs.clamp(max=0) - (1 + (-outputs.abs()).exp()).log()
    if config.loss == "mse":
        least = 1e-6  # below it the logarithm's tangent, which is finite for what is negative, too
        return torch.where(
            outputs > least, outputs.clamp(min=least).log(), math.log(least) + outputs / least - 1
        )
    return outputs


def give_logits(network: torch.nn.Module, config: TrainConfig) -> torch.nn.Module:
    """The same network, whose outputs are from now on those of `to_logits`."""
    if config.loss in ("binary", "mse"):
        network.register_forward_hook(lambda _module, _inputs, outputs: to_logits(outputs, config))
    return network


# ---- the last layer -----------------------------------------------------------------------------


def scoring_spec(spec: ModelSpec, config: TrainConfig) -> ModelSpec:
    """The network that is trained and used for `spec`: its outputs are what the loss takes.

    The loss takes logarithms of probabilities, which are most exact before they are rounded: a last
    Softmax becomes LogSoftmax. Binary heads take scores: a last Sigmoid is left out. Names and keys
    of all weights stay.
    """
    index = _last(spec)
    last = spec.layers[index]
    if last.type == "Softmax" and config.loss != "mse":
        changed = replace(last, type="LogSoftmax")
    elif last.type == "Sigmoid" and config.loss == "binary":
        changed = replace(last, type="Identity", args={})
    else:
        return spec
    return spec.with_layers([*spec.layers[:index], changed, *spec.layers[index + 1 :]])


def check_loss(spec: ModelSpec, config: TrainConfig) -> None:
    """ConfigError where the recipe's loss cannot take what the network of `spec` gives."""
    last = last_layer(spec).type
    reason = ""
    if config.loss == "nll" and last not in _NORMALIZED:
        reason = (
            f"nll takes logarithms of probabilities, but {spec.name} ends in {last}. End it with "
            "LogSoftmax: {dim: 1}, or choose cross-entropy, which takes raw scores."
        )
    if config.loss == "mse" and last == "LogSoftmax":
        reason = (
            f"the squared error is taken to ones and zeros, but {spec.name} ends in LogSoftmax. "
            "End it with Softmax: {dim: 1} or Linear, or choose nll."
        )
    if config.loss in ("multi-margin", "binary") and last in _NORMALIZED:
        reason = (
            f"{config.loss} takes a score for each class by itself, but {spec.name} ends in "
            f"{last}, which makes them depend on each other. Remove that layer, or choose "
            "cross-entropy."
        )
    if reason:
        raise ConfigError(f"loss: {reason}", field="loss")


def last_layer(spec: ModelSpec) -> Layer:
    """The layer that decides what the outputs mean."""
    return spec.layers[_last(spec)]


def _last(spec: ModelSpec) -> int:
    reads = resolve(spec.layers)
    last = index = len(spec.layers) - 1
    while spec.layers[index].type in _KEEP_VALUES and reads[index] != (AT_INPUT,):
        (index,) = reads[index]
    others = [n for n, sources in enumerate(reads) if index in sources]
    return last if len(others) > 1 else index  # what others read, too, is left as it is
