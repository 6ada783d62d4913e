"""First weights: how those of convolutions and linear layers are drawn, by a spec's `init`.

default     torch's own: uniform within ±1/√(inputs of a unit)
kaiming     normal with σ = √(2/inputs), for ReLU (He et al. 2015)
xavier      uniform within ±√(6/(inputs + outputs)), for sigmoid and tanh (Glorot & Bengio 2010)
orthogonal  a random rotation: no direction is stretched (Saxe et al. 2013)
normal      normal with σ = 1/√(inputs) and biases of zero, linear layers only

All but `default` set the biases they touch to zero. Normalisation, recurrent and attention layers
keep torch's own.
"""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

Module = TypeVar("Module", bound=nn.Module)


def initialise(network: Module, init: str) -> Module:
    """The same network, its weights drawn anew from torch's global generator as `init` says."""
    if init == "default":
        return network
    kinds = (nn.Linear,) if init == "normal" else (nn.Linear, _ConvNd)
    attention = {
        inner
        for module in network.modules()
        if isinstance(module, nn.MultiheadAttention)
        for inner in module.modules()
    }
    for module in network.modules():
        if isinstance(module, kinds) and module not in attention:
            _draw(module.weight, init)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


def _draw(weight: torch.Tensor, init: str) -> None:
    if init == "normal":
        nn.init.normal_(weight, std=1 / math.sqrt(weight.shape[1]))
    elif init == "kaiming":
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
    elif init == "xavier":
        nn.init.xavier_uniform_(weight)
    else:
        nn.init.orthogonal_(weight)
