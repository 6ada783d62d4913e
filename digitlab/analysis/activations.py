"""Inside a network: the weights of its first layer as pictures, and what each layer makes of
an image.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import nn

from digitlab.analysis.layer_outputs import MOST, FirstWeights, LayerOutput
from digitlab.errors import RunError
from digitlab.models.classical.fitted import Fitted
from digitlab.models.sequence_layers import MultiheadAttention
from digitlab.training.normalize import Normalization

_NOTHING_NEW = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Flatten, nn.Unflatten)


def first_weights(model: nn.Module, shape: tuple[int, int, int]) -> FirstWeights | None:
    """The first layer's weights as pictures, for images of `shape` [C, H, W].

    None where they are none: the first layer that has weights sees something else than pixels, or
    the model has no weights at all (neighbours, trees).
    """
    order = _weighted(model, shape)
    if not order:
        return None
    name, module = order[0]
    weights = _matrix(module)
    channels, height, width = shape
    label = type(module).__name__ if not isinstance(module, Fitted) else module.name
    if isinstance(module, nn.Conv2d):
        kernels = weights.flatten(0, 1) if weights.shape[1] == 1 else weights.mean(1)
        kind, pictures = "kernels", kernels
    elif weights.shape[1] == channels * height * width:
        kind, pictures = "pixels", weights.view(-1, *shape).mean(1)
    else:
        return None
    per_class = kind == "pixels" and len(order) == 1
    values = pictures[:MOST].detach().float().cpu().clone()
    return FirstWeights(f"{label} {name}".strip(), kind, values, len(pictures), per_class)


def _weighted(model: nn.Module, shape: tuple[int, ...]) -> list[tuple[str, nn.Module]]:
    """Layers with weights of two or more dimensions, in the order in which they run."""
    fitted = [(name, part) for name, part in model.named_modules() if isinstance(part, Fitted)]
    if fitted:
        return [pair for pair in fitted if _matrix(pair[1]) is not None]
    ran = [(name, module) for name, module, _ in _run(model, torch.zeros(1, *shape))]
    return [pair for pair in ran if _matrix(pair[1]) is not None]


def _matrix(module: nn.Module) -> torch.Tensor | None:
    """What is multiplied with a layer's input: [units, inputs], or of a convolution's shape."""
    if isinstance(module, Fitted):
        weight = getattr(module, "coef", None)
        return weight if torch.is_tensor(weight) and weight.dim() == 2 else None
    weight = getattr(module, "weight", None)
    linear = isinstance(module, nn.Linear | nn.Conv2d)
    return weight if linear and torch.is_tensor(weight) else None


def list_outputs(model: nn.Module, shape: tuple[int, ...]) -> tuple[LayerOutput, ...]:
    """The layers whose output can be looked at, in the order in which they run.

    Without those that change nothing in use, such as dropout. Empty for classical models.
    """
    ran = _run(model, torch.zeros(1, *shape))
    return tuple(
        LayerOutput(name, module._get_name(), tuple(output.shape[1:]))
        for name, module, output in ran
        if not isinstance(module, (*_NOTHING_NEW, Fitted)) and output.dim() > 1
    )


def layer_maps(
    model: nn.Module,
    image: torch.Tensor,
    normalization: Normalization,
    name: str,
    *,
    side: int = 28,
) -> torch.Tensor:
    """What layer `name` makes of an image uint8 [C, H, W]: float32 [K, h, w], at most 64 maps.

    Maps larger than `side` are averaged down to it. What is not made of maps, a row of units or
    a sequence of tokens, comes as one picture [1, rows, columns]. RunError for an unknown layer.
    """
    for layer, _, output in _run(model, normalization(image[None]), only=name):
        if layer == name:
            return _as_maps(output[0].float(), side)
    raise RunError(f"The network has no layer {name!r} that gives an output.")


def _as_maps(output: torch.Tensor, side: int) -> torch.Tensor:
    if output.dim() >= 3:
        maps = output.reshape(-1, *output.shape[-2:])[:MOST]
        if max(maps.shape[1:]) > side:
            maps = F.adaptive_avg_pool2d(maps, tuple(min(side, size) for size in maps.shape[1:]))
        return maps
    if output.dim() == 2:
        size = tuple(min(4 * side, size) for size in output.shape)
        return F.adaptive_avg_pool2d(output[None], size)
    row = output.flatten()[: 64 * MOST]
    columns = len(row) if len(row) <= 32 else 32
    padded = F.pad(row, (0, -len(row) % columns), value=torch.nan)
    return padded.view(1, -1, columns)


@torch.no_grad()
def _run(
    model: nn.Module, pixels: torch.Tensor, only: str | None = None
) -> list[tuple[str, nn.Module, torch.Tensor]]:
    """Layers without parts of their own, as they ran, each with its last output.

    With `only`, that layer's alone. Outputs are copies: some layers change their input in place.
    """
    model = copy.deepcopy(model).eval()  # so that nobody else's images meet the hooks
    names = {module: name for name, module in model.named_modules()}
    ran: dict[str, tuple[str, nn.Module, torch.Tensor]] = {}

    def keep(module: nn.Module, _: object, output: object) -> None:
        output = output[0] if isinstance(output, tuple) else output
        if torch.is_tensor(output):
            tensor = output.cpu().clone() if only else torch.empty(output.shape, device="meta")
            ran[names[module]] = (names[module], module, tensor)

    for name, module in model.named_modules():
        whole = isinstance(module, MultiheadAttention) or not any(True for _ in module.children())
        if whole and (only is None or name == only):
            module.register_forward_hook(keep)
    device = next((tensor.device for tensor in model.parameters()), torch.device("cpu"))
    model(pixels.to(device))
    return list(ran.values())
