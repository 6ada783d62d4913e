"""Losses: what a training minimises, and what the outputs of a network mean by it.

A network is trained and used as `scoring_spec` has it: its last layer may give probabilities, where
the loss takes their logarithms. `to_answers` makes of its outputs what every evaluation takes:
logits, whose softmax are the probabilities of the classes, or the pixels of an image.
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

# Layers after which a value means the same.
_KEEP_VALUES = ("Identity", "Flatten", "Unflatten", "Reshape", "Dropout")
_NORMALIZED = ("Softmax", "LogSoftmax")
_NOT_BINARY = ("Tanh", "ReLU", "ReLU6", "Hardtanh")  # they give no score from -inf to inf


def compute_loss(
    outputs: torch.Tensor, labels: torch.Tensor, config: TrainConfig, smoothing: float = 0.0
) -> torch.Tensor:
    """The recipe's mean loss, a scalar, of outputs float32 [N, C] for labels int64 [N].

    Cross-entropy, nll and focal are in nats; mse and binary are means over all outputs, as in
    torch. `smoothing` spreads a share of each label evenly over all classes. For reconstruction
    the "labels" are the images themselves, pixels from 0 to 1, and the loss is a mean over pixels.
    """
    if config.loss == "reconstruction":
        return pixel_errors(outputs, labels, config).mean()
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


def pixel_errors(outputs: torch.Tensor, pixels: torch.Tensor, config: TrainConfig) -> torch.Tensor:
    """The reconstruction error of each image, [N], a mean over its pixels.

    Outputs have as many values for each image as `pixels` [N, C, H, W], which are from 0 to 1.
    """
    outputs, pixels = outputs.flatten(1), pixels.flatten(1)
    if config.pixel_loss == "mse":
        return (outputs - pixels).square().mean(1)
    if config.pixel_loss == "binary":
        errors = F.binary_cross_entropy_with_logits(outputs, pixels, reduction="none")
        return errors.mean(1)


def answer_errors(answers: torch.Tensor, images: torch.Tensor, config: TrainConfig) -> torch.Tensor:
    """The error of each image uint8 [N, C, H, W], [N], by the pixels from 0 to 1 that were given.

    As `pixel_errors`, but of answers instead of outputs.
    """
    answers, pixels = answers.flatten(1), images.flatten(1).float() / 255
    if config.pixel_loss == "mse":
        return (answers - pixels).square().mean(1)
    return F.binary_cross_entropy(answers, pixels, reduction="none").mean(1)


def take_divergence(network: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """What a variational autoencoder adds to the loss of the batch that it was just given.

    The mean divergence of the images' latent values from a normal distribution, in nats, divided
    by the number of pixels, as the reconstruction error is. 0 for other autoencoders.
    """
    total = torch.zeros((), device=images.device)
    for module in network.modules():
        if hasattr(module, "divergence"):
            total = total + module.divergence.mean()
            module.divergence = None  # it would keep the whole batch, and cannot be copied
    return total / images[0].numel()


def to_answers(outputs: torch.Tensor, config: TrainConfig) -> torch.Tensor:
    """Outputs of a network trained by this recipe → logits [N, C], or an image's pixels [N, …].

    The softmax of logits are the probabilities of the classes. Binary heads give one sigmoid a
    class, and the squared error makes outputs estimates of the labels' ones and zeros: both are
    divided by their sum. What is larger stays larger. Pixels are from 0 to 1.
    """
    if config.loss == "reconstruction":
        return outputs.sigmoid() if config.pixel_loss == "binary" else outputs.clamp(0, 1)
    if config.loss == "binary":
        # logsigmoid, in a form that stays finite in ONNX
        return outputs.clamp(max=0) - (1 + (-outputs.abs()).exp()).log()
    if config.loss == "mse":
        least = 1e-6  # below it the logarithm's tangent, which is finite for what is negative, too
        return torch.where(
            outputs > least, outputs.clamp(min=least).log(), math.log(least) + outputs / least - 1
        )
    return outputs


def give_answers(network: torch.nn.Module, config: TrainConfig) -> torch.nn.Module:
    """The same network, whose outputs are from now on those of `to_answers`."""
    if config.loss in ("binary", "mse", "reconstruction"):
        network.register_forward_hook(lambda _module, _inputs, outputs: to_answers(outputs, config))
    return network


# ---- the last layer -----------------------------------------------------------------------------


def scoring_spec(spec: ModelSpec, config: TrainConfig) -> ModelSpec:
    """The network that is trained and used for `spec`: its outputs are what the loss takes.

    The loss takes logarithms of probabilities, which are most exact before they are rounded: a last
    Softmax becomes LogSoftmax. Binary heads and the binary cross-entropy of pixels take scores: a
    last Sigmoid is left out. The squared error of pixels takes what is from 0 to 1: the values of a
    last Tanh are moved there. Names and keys of all weights stay.
    """
    index = _last(spec)
    last = spec.layers[index]
    pixels = config.pixel_loss if config.loss == "reconstruction" else ""
    if config.takes_softmax_as_scores:
        return spec
    if last.type == "Softmax" and config.loss not in ("mse", "reconstruction"):
        changed = replace(last, type="LogSoftmax")
    elif last.type == "Sigmoid" and (config.loss == "binary" or pixels == "binary"):
        changed = replace(last, type="Identity", args={})
    elif last.type == "Tanh" and pixels == "mse":
        return spec.with_layers([*spec.layers, Layer("Scale", {"factor": 0.5, "offset": 0.5})])
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
    if config.task == "reconstruct" and last in _NORMALIZED:
        reason = (
            f"pixels do not depend on each other, but {spec.name} ends in {last}, which divides "
            "them by their sum. End it with Sigmoid."
        )
    if config.task == "reconstruct" and config.pixel_loss == "binary" and last in _NOT_BINARY:
        reason = (
            f"the binary cross-entropy of pixels takes any number, or what a last Sigmoid gives, "
            f"but {spec.name} ends in {last}. End it with Sigmoid, or choose pixel_loss: mse."
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
