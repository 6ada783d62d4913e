"""Cost: multiply-adds of a layer, and of a whole module by passing images without values."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Cost:
    """`output_shape` without the batch; `operations` (multiply-adds) and `values` (floats that
    its innermost layers give) for one image, forward."""

    output_shape: Shape
    operations: int
    values: int


class _Counter(TorchDispatchMode):
    """Counts floating-point operations by PyTorch's own table.

    Not its FlopCounterMode, whose hooks are global and would also run in other threads.
    """

    def __init__(self) -> None:
        from torch.utils.flop_counter import flop_registry  # which imports triton, 80 MB

        super().__init__()
        self._formulas, self.flops = flop_registry, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        formula = self._formulas.get(func._overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=output)
        return output


def operations(module: nn.Module, shape: Shape, output_shape: Shape) -> int:
    """Multiply-adds (convolution, linear) or comparisons and sums (windows) for one image."""
    weight = getattr(module, "weight", None)
    name = type(module).__name__
    if weight is not None and name.startswith("ConvTranspose"):
        return weight.numel() * math.prod(shape[1:])
    if weight is not None and name.startswith("Conv"):
        return weight.numel() * math.prod(output_shape[1:])
    if isinstance(module, nn.Linear):
        return weight.numel() * math.prod(output_shape[:-1])
    window = getattr(module, "kernel_size", 1)
    if isinstance(module, nn.LocalResponseNorm):
        window = module.size
    count = math.prod(window) if isinstance(window, tuple) else window ** (len(shape) - 1)
    return math.prod(output_shape) * count if count > 1 else 0


def count_operations(module: nn.Module, inputs: Sequence[torch.Tensor]) -> tuple[torch.Tensor, int]:
    """What a module gives for these tensors, and the multiply-adds that PyTorch's table counts."""
    with _Counter() as counter:
        output = module(*inputs)
    return output, counter.flops // 2


def measure(module: nn.Module, shape: Shape) -> Cost:
    """The cost of a module on the meta device for images of `shape`; torch's errors pass through.

    Its training mode is tried with two images and its evaluation mode with one.
    """
    values = 0

    def count(inner: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal values
        output = output[0] if isinstance(output, tuple) else output
        values += math.prod(output.shape[1:])

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        module.train()
        innermost = [inner for inner in module.modules() if not any(inner.children())]
        hooks = [inner.register_forward_hook(count) for inner in innermost]
        # training mode: attention's fast path of evaluation is one step that no counter sees into
        with _Counter() as counter:
            output = module(torch.empty(2, *shape, device="meta"))
        for hook in hooks:
            hook.remove()
        module.eval()(torch.empty(1, *shape, device="meta"))
    module.train()
    return Cost(tuple(output.shape[1:]), counter.flops // 4, values)
