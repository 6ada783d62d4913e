"""Tensors by name: how the parts of a state are put into one flat file and found again."""

from __future__ import annotations

from collections.abc import Mapping

import torch

Tensors = dict[str, torch.Tensor]


def named(prefix: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Copies on the CPU, each name after `prefix`."""
    return {
        f"{prefix}.{name}": value.detach().to("cpu", copy=True).contiguous()
        for name, value in tensors.items()
    }


def part(tensors: Mapping[str, torch.Tensor], prefix: str) -> Tensors:
    """The tensors whose names come after `prefix`."""
    start = f"{prefix}."
    return {name[len(start) :]: value for name, value in tensors.items() if name.startswith(start)}
