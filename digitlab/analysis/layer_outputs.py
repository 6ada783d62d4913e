"""What can be seen of a network: `LayerOutput` and `FirstWeights`. See `activations`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import torch

MOST = 64  # maps or weights of a layer that are shown


class LayerOutput(NamedTuple):
    """A layer that gives a tensor: its name in the network, its type, its output's shape."""

    name: str
    kind: str
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class FirstWeights:
    """Weights that can be seen: float32 [K, h, w] of the `total` that the layer has.

    `kind` is "pixels" where each unit has a weight for every pixel of the image, "kernels" where
    it is a convolution's. `per_class` says that unit k is the logit of class k itself.
    """

    layer: str
    kind: Literal["pixels", "kernels"]
    values: torch.Tensor | np.ndarray
    total: int
    per_class: bool
