"""What the steps of a training are made of: batches, gradients, and their clipping."""

from __future__ import annotations

import math

import torch

from digitlab.training.config import TrainConfig
from digitlab.training.loss import compute_loss, take_divergence


def make_batches(order: torch.Tensor, size: int) -> list[torch.Tensor]:
    """Batches of `size`; a single image left over is dropped, as batch norm needs two."""
    batches = list(order.split(size))
    left_over = size > 1 and len(batches) > 1 and len(batches[-1]) == 1
    return batches[:-1] if left_over else batches


def batch_loss(
    network: torch.nn.Module, outputs: torch.Tensor, targets: torch.Tensor, config: TrainConfig
) -> torch.Tensor:
    """A batch's mean loss, whose gradients are those of a step.

    `outputs` is what the network just gave for the batch; targets are labels int64 [N], or the
    pixels that an autoencoder is to give.
    """
    loss = compute_loss(outputs, targets, config, config.label_smoothing)
    if config.loss == "reconstruction":
        loss = loss + config.kl_weight * take_divergence(network, targets)
    return loss


def clip_gradient(model: torch.nn.Module, config: TrainConfig) -> torch.Tensor:
    """Shorten the gradient to the recipe's largest norm, if it has one; the norm before."""
    limit = math.inf if config.gradient_clip is None else config.gradient_clip
    return torch.nn.utils.clip_grad_norm_(model.parameters(), limit)
