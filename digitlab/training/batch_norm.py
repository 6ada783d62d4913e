"""Batch normalisation on several devices: mean and variance are those of the whole batch.

PyTorch's SyncBatchNorm does that on GPUs only. On CPUs the same is computed here from sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

from digitlab.training.ranks import Ranks

_KINDS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@contextmanager
def shared_statistics(model: nn.Module, ranks: Ranks) -> Iterator[None]:
    """In this context `model`'s batch normalisation uses the images of all ranks in training.

    Subclasses that do more (timm has some) keep the statistics of their rank's images.
    """
    kinds = _KINDS if ranks.size > 1 else ()
    modules = [module for module in model.modules() if type(module) in kinds]
    for module in modules:
        module.forward = _Shared(module)
    try:
        yield
    finally:
        for module in modules:
            del module.forward


class _Shared:
    """The forward pass of a module of batch normalisation."""

    def __init__(self, module: nn.BatchNorm2d) -> None:
        self.module = module
        self.on_gpu = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # with the same tensors

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        module = self.module
        if not module.training:
            return type(module).forward(module, inputs)
        if inputs.device.type == "cpu":
            return _normalize(module, inputs)
        return self.on_gpu.train()(inputs)


def _normalize(module: nn.BatchNorm2d, inputs: torch.Tensor) -> torch.Tensor:
    values = inputs.float()
    axes = [axis for axis in range(values.ndim) if axis != 1]
    count = values.new_tensor([values.numel() / values.shape[1]])
    sums = _Total.apply(torch.cat([values.sum(axes), count]))
    total = float(sums[-1].detach())
    if total < 2:
        F.batch_norm(inputs, None, None, training=True)  # which says what is wrong
    mean = sums[:-1] / total
    shape = [-1 if axis == 1 else 1 for axis in range(values.ndim)]
    centred = values - mean.view(shape)
    variance = _Total.apply(centred.square().sum(axes)) / total
    outputs = centred * (variance + module.eps).rsqrt().view(shape)
    if module.weight is not None:
        outputs = outputs * module.weight.view(shape)
    if module.bias is not None:
        outputs = outputs + module.bias.view(shape)
    if module.track_running_stats:
        _track(module, mean.detach(), variance.detach() * (total / (total - 1)))
    return outputs.to(inputs.dtype)


@torch.no_grad()
def _track(module: nn.BatchNorm2d, mean: torch.Tensor, variance: torch.Tensor) -> None:
    module.num_batches_tracked.add_(1)
    momentum = module.momentum
    share = 1 / float(module.num_batches_tracked) if momentum is None else momentum
    module.running_mean.lerp_(mean, share)
    module.running_var.lerp_(variance, share)


class _Total(torch.autograd.Function):
    """The sum over the ranks; its gradient is the sum of theirs."""

    @staticmethod
    def forward(_context: Any, values: torch.Tensor) -> torch.Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, gradient: torch.Tensor) -> torch.Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total
