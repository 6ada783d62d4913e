"""Faster Dropout and Flatten on a CPU, used while a network trains.

Flatten gives the same result bit for bit; Dropout drops with the same probability, but uses other
random numbers than PyTorch's.

Measured on two cores of a Xeon with AMX, a step of PyTorch's MNIST example in batches of 64:
18.5 ms without, 13.6 ms with this dropout, 10.4 ms with both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

_LEVELS = 2**16  # probabilities are rounded to a 65,536th: an element takes 16 random bits
_DTYPES = (torch.float32, torch.bfloat16)


@contextmanager
def use_fast_layers(model: nn.Module) -> Iterator[None]:
    """In this context `model`'s Dropout draws fewer bits and its Flatten keeps the memory layout.

    Subclasses of the two, and functional calls within a module, are unchanged.
    """
    undo = []
    for module in model.modules():
        if type(module) is nn.Flatten and module.start_dim == 1:
            undo.append(module.register_forward_pre_hook(_keep_layout).remove)
        elif type(module) is nn.Dropout and "forward" not in vars(module):
            module.forward = _Dropout(module)
            undo.append(lambda module=module: delattr(module, "forward"))
    try:
        yield
    finally:
        for restore in undo:
            restore()


class _Dropout:
    """The forward pass of a dropout module, with 16 random bits per element instead of 64.

    PyTorch's draws a double for each element, which takes longer than the convolution before it.
    The bits come from the same global generator.
    """

    def __init__(self, module: nn.Dropout) -> None:
        self.module = module

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        dropped = round(self.module.p * _LEVELS)
        dense = inputs.is_contiguous() or inputs.is_contiguous(memory_format=torch.channels_last)
        if (
            not (self.module.training and dense and 0 < dropped < _LEVELS)
            or self.module.inplace
            or inputs.dtype not in _DTYPES
            or inputs.device.type != "cpu"
        ):
            return type(self.module).forward(self.module, inputs)
        count = inputs.numel()
        bits = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        mask = bits.view(torch.int16)[:count] >= dropped - _LEVELS // 2
        factors = mask.to(inputs.dtype).mul_(_LEVELS / (_LEVELS - dropped))
        return inputs * factors.as_strided(inputs.shape, inputs.stride())


def _keep_layout(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    """Return the gradient in the memory layout of the input.

    The gradient of a flattened channels-last tensor comes back channels-first, and every layer
    before it, max-pooling above all, would then read two layouts at once.
    """
    last = torch.channels_last
    for x in inputs:
        if x.requires_grad and x.ndim == 4 and x.is_contiguous(memory_format=last):
            x.register_hook(lambda gradient: gradient.contiguous(memory_format=last))
