"""What the steps of a training are made of: batches, gradients, and their clipping."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from digitlab.training.config import TrainConfig
from digitlab.training.loss import compute_loss


def make_batches(order: torch.Tensor, size: int) -> list[torch.Tensor]:
    """Batches of `size`; a single image left over is dropped, as batch norm needs two."""
    batches = list(order.split(size))
    left_over = size > 1 and len(batches) > 1 and len(batches[-1]) == 1
    return batches[:-1] if left_over else batches


def compute_gradients(
    forward: Callable[[torch.Tensor], torch.Tensor],
    inputs: torch.Tensor,
    labels: torch.Tensor,
    config: TrainConfig,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Add the gradients of a batch's mean loss to the parameters; the loss, and the outputs [N, C].

    `forward` maps inputs float32 [N, C, H, W] to outputs; labels are int64 [N].
    """
    outputs = forward(inputs)
    loss = compute_loss(outputs, labels, config, config.label_smoothing)
    loss.backward()
    return loss.detach(), outputs.detach()


def clip_gradient(model: torch.nn.Module, config: TrainConfig) -> torch.Tensor:
    """Shorten the gradient to the recipe's largest norm, if it has one; the norm before."""
    limit = math.inf if config.gradient_clip is None else config.gradient_clip
    return torch.nn.utils.clip_grad_norm_(model.parameters(), limit)
