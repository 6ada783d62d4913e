"""`Muon`: orthogonal steps for the weights that are matrices, AdamW for all others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch


class Muon(torch.optim.Optimizer):
    """`torch.optim.Muon` and AdamW as one optimizer with one learning rate and weight decay.

    Muon makes the mean of a matrix's gradients nearly orthogonal, so that a step is as large in
    all directions (Jordan et al. 2024, kellerjordan.github.io/posts/muon). What has fewer than two
    dimensions, biases and the weights of norms, is left to AdamW, and so is a weight that does not
    lie in memory as a matrix, such as the transpose of another. A convolution's weight is the
    matrix of its filters, [out_channels, in_channels · height · width], as in Jordan's
    cifar10-airbench. A matrix's steps are scaled to the usual size of AdamW's (Liu et al. 2025,
    arXiv:2502.16982), so that both take the same learning rates.
    """

    def __init__(self, parameters: Iterable[torch.Tensor], **options: Any) -> None:
        parameters = list(parameters)
        self.weights = [p for p in parameters if p.ndim > 1 and _lies_as_matrix(p)]
        matrices = {id(p) for p in self.weights}
        vectors = [p for p in parameters if id(p) not in matrices]
        self.matrices = [_as_matrix(p.detach(), p) for p in self.weights]  # in the same memory
        self.parts: list[torch.optim.Optimizer] = []
        if self.matrices:
            muon = torch.optim.Muon(self.matrices, adjust_lr_fn="match_rms_adamw", **options)
            self.parts.append(muon)
        if vectors:
            self.parts.append(torch.optim.AdamW(vectors, fused=True, **options))
        super().__init__([group for part in self.parts for group in part.param_groups], options)
        self._share()

    def _share(self) -> None:
        """Let the parts work on this optimizer's own groups and state."""
        for part, group in zip(self.parts, self.param_groups, strict=True):
            part.param_groups, part.state = [group], self.state

    def step(self, closure: None = None) -> None:
        """Take a step by the gradients of the parameters."""
        for weight, matrix in zip(self.weights, self.matrices, strict=True):
            matrix.grad = None if weight.grad is None else _as_matrix(weight.grad, weight)
        for part in self.parts:
            part.step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of the parameters."""
        for weight in self.weights:
            weight.grad = None
        super().zero_grad(set_to_none)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Resume from what `state_dict` returned."""
        super().load_state_dict(state_dict)
        self._share()


def _lies_as_matrix(weight: torch.Tensor) -> bool:
    return _as_matrix(weight.detach(), weight).data_ptr() == weight.data_ptr()


def _as_matrix(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Values of a weight's shape, [out, …], as [out, n], its columns in the weight's own order.

    A view, where the values lie in memory as the weight does: channels last, too. The order of the
    columns does not change what Muon does.
    """
    order = sorted(range(1, weight.ndim), key=weight.stride, reverse=True)
    return values.permute(0, *order).flatten(1)
