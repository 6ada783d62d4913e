"""Tensors by name: the parts of a state are stored in one flat file, each under its prefix."""

from __future__ import annotations

from collections.abc import Mapping

import torch

Tensors = dict[str, torch.Tensor]


def named(prefix: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Contiguous copies on the CPU, named `prefix.NAME`."""
    return {
        f"{prefix}.{name}": value.detach().to("cpu", copy=True).contiguous()
        for name, value in tensors.items()
    }


def part(tensors: Mapping[str, torch.Tensor], prefix: str) -> Tensors:
    """The tensors named `prefix.NAME`, by NAME."""
    start = f"{prefix}."
    return {name[len(start) :]: value for name, value in tensors.items() if name.startswith(start)}
