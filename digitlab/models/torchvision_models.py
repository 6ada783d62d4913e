"""Whole models: every classification network of torchvision, by name, made to fit small images.

    - torchvision/resnet18: {num_classes: 10}

The first convolution is made for the channels that arrive, the head for `num_classes`. Images are
enlarged to `image_size` where the network needs more pixels than arrive. Weights are always drawn
anew: nothing is ever downloaded.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from digitlab.models.arguments import Argument, LayerSignature, check_arguments
from digitlab.models.layer import Layer
from digitlab.models.measure import measure
from digitlab.models.placement import Part, Placement, Shape, written

PREFIX = "torchvision/"
_SIZES = (32, 64, 96, 128, 224)  # tried in turn where a network cannot take images as they are
_LEAST_PATCHES = 4  # along each side of an image, for a network that cuts it into patches

ARGUMENTS = (
    Argument("num_classes", int, default=10, least=1),
    Argument("image_size", int, inferred=True, least=1),
)


class TorchvisionModel(nn.Module):
    """A network of torchvision for `channels` and `num_classes`, [N, C, H, W] → [N, classes].

    Images of another size than `image_size` are resampled to it first (None leaves them).
    """

    def __init__(self, name: str, channels: int, num_classes: int, image_size: int | None) -> None:
        super().__init__()
        from torchvision import models

        self.name, self.channels = name, channels
        self.num_classes, self.image_size = num_classes, image_size
        options: dict = {}
        if name in ("inception_v3", "googlenet"):
            options = {"aux_logits": False, "init_weights": False}
        if name.startswith("vit_"):
            options = {"image_size": image_size}
        self.model = models.get_model(name, weights=None, num_classes=num_classes, **options)
        modules = self.model.named_modules()
        stem_name, stem = next(pair for pair in modules if isinstance(pair[1], nn.Conv2d))
        if channels != stem.in_channels:
            new = nn.Conv2d(
                channels,
                stem.out_channels,
                stem.kernel_size,
                stem.stride,
                stem.padding,
                bias=stem.bias is not None,
            )
            self.model.set_submodule(stem_name, new)
        if isinstance(self.model, models.MNASNet):  # its own loader asks weights for a version
            loader = super(models.MNASNet, self.model)._load_from_state_dict
            self.model._load_from_state_dict = loader

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.image_size and x.shape[2:] != (self.image_size, self.image_size):
            size = (self.image_size, self.image_size)
            x = F.interpolate(x, size=size, mode="bilinear", antialias=True)
        return self.model(x)


@cache
def list_models() -> tuple[str, ...]:
    """The names of all whole models, such as "torchvision/resnet18", in alphabetical order."""
    from torchvision import models

    return tuple(sorted(PREFIX + name for name in models.list_models(module=models)))


def model_signature(name: str) -> LayerSignature:
    """What a whole model takes. Raises KeyError for a name that `list_models` does not have."""
    if name not in list_models():
        raise KeyError(name)
    about = f"The network {name.removeprefix(PREFIX)} of torchvision, with weights drawn anew."
    return LayerSignature(name, "block", about, ARGUMENTS)


def place_model(layer: Layer, shape: Shape, placement: Placement) -> Part:
    """Make a whole model for the shape that arrives. Raises SpecError."""
    _check_name(layer.type, placement)
    if "weights" in layer.args:
        raise placement.error(
            "is always drawn anew: digitlab never downloads weights. Leave weights out.",
            argument="weights",
        )
    check_arguments(layer.args, ARGUMENTS, placement)
    if len(shape) != 3:
        raise placement.error(
            f"needs [channels, height, width], but {written(shape)} reaches it; put it first."
        )
    name, classes = layer.type.removeprefix(PREFIX), layer.args.get("num_classes", 10)
    placement.count(_LAYERS)
    size = _fitting_size(name, shape, layer.args, placement)
    try:
        module = _make(name, shape[0], classes, size, placement.assembly.device)
        measured = placement.assembly.known.get(placement.key)
        cost = measured or measure(module, shape)
    except Exception as error:  # torch raises most of Python's errors for shapes
        reason = " ".join(str(error).split())[:160].rstrip(".")
        raise placement.error(
            f"cannot take {written(shape)} images at image_size {size} (torch: {reason})."
        ) from error
    row = placement.row(
        layer,
        cost.output_shape,
        shown={**layer.args, **({"image_size": size} if size else {})},
        kind="block",
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        operations=cost.operations,
        values=cost.values,
    )
    return Part(module, cost.output_shape, (row,))


_LAYERS = 200  # what a whole model counts towards the layers that a network may have


def _check_name(name: str, placement: Placement) -> None:
    if name in list_models():
        return
    plain = {model.removeprefix(PREFIX): model for model in list_models()}
    near = difflib.get_close_matches(name.removeprefix(PREFIX).lower(), plain, 3, 0.5)
    hint = (
        f"did you mean {' or '.join(plain[word] for word in near)}?"
        if near
        else "such as torchvision/resnet18."
    )
    raise placement.error(f"is not a classification model of torchvision; {hint}")


def _fitting_size(
    name: str, shape: Shape, args: Mapping[str, Any], placement: Placement
) -> int | None:
    """The side that images are resampled to; None where the network takes them as they are."""
    size = args.get("image_size")
    patch = _patch(name)
    if size is None:
        return _smallest_size(name, shape)
    if size > 1024 or (patch and size % patch):
        rule = f"a multiple of {patch} up to 1,024" if patch else "at most 1,024"
        raise placement.error(f"takes image_size {rule}; not {size}.", argument="image_size")
    return size


def _patch(name: str) -> int:
    return int(name.rsplit("_", 1)[-1]) if name.startswith("vit_") else 0


@cache
def _smallest_size(name: str, shape: Shape) -> int | None:
    """The first size at which the network gives an answer, found without values."""
    if name == "maxvit_t":
        return 224  # its windows of 7 fit no smaller image
    patch = _patch(name)
    if patch:
        return patch * max(_LEAST_PATCHES, -(-max(shape[1:]) // patch))
    for size in (None, *(size for size in _SIZES if size > min(shape[1:]))):
        try:
            measure(_make(name, shape[0], 10, size, "meta"), shape)
        except Exception:  # too small; torch says so in many ways
            continue
        return size
    return _SIZES[-1]


def _make(
    name: str, channels: int, classes: int, size: int | None, device: str
) -> TorchvisionModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if device == "meta" and name.startswith("regnet"):
            with _WeightsOnMeta():
                return TorchvisionModel(name, channels, classes, size)
        with torch.device(device):
            return TorchvisionModel(name, channels, classes, size)


class _WeightsOnMeta(TorchFunctionMode):
    """Makes weights without memory, but numbers that a constructor computes with for real."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.empty, torch.zeros, torch.ones):
            kwargs["device"] = "meta"
        return func(*args, **kwargs)
