"""Whole models: every classification network of torchvision and timm, made to fit small images.

    - torchvision/resnet18: {num_classes: 10}
    - timm/vit_tiny_patch16_224

The first convolution is made for the channels that arrive, the head for `num_classes`. Images are
enlarged to `image_size` where the network needs more pixels than arrive. Weights are always drawn
anew: nothing is ever downloaded. timm is optional.
"""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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
from digitlab.models.whole_model_names import TORCHVISION_MODELS, list_timm, list_whole_models

# Tried in turn where a network cannot take images as they are.
_SIZES = (32, 64, 96, 128, 224, 256, 512)
_LEAST_PATCHES = 4  # along each side of an image, for a network that cuts it into patches
_LAYERS = 200  # what a whole model counts towards the layers that a network may have

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


class TimmModel(nn.Module):
    """A network of timm for `channels` and `num_classes`, [N, C, H, W] → [N, classes].

    Images of another size than `image_size` are resampled to it first (None leaves them); a
    network that is made for one size is made for this one.
    """

    def __init__(self, name: str, channels: int, num_classes: int, image_size: int | None) -> None:
        super().__init__()
        import timm

        self.name, self.channels = name, channels
        self.num_classes, self.image_size = num_classes, image_size
        options = {"pretrained": False, "in_chans": channels, "num_classes": num_classes}
        try:
            self.model = timm.create_model(name, img_size=image_size, **options)
        except TypeError as error:
            if "img_size" not in str(error):
                raise
            self.model = timm.create_model(name, **options)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.image_size and x.shape[2:] != (self.image_size, self.image_size):
            size = (self.image_size, self.image_size)
            x = F.interpolate(x, size=size, mode="bilinear", antialias=True)
        return self.model(x)


@dataclass(frozen=True)
class _Library:
    """Where whole models come from: `names` lists them, `model` makes one.

    `windows` finds the names of networks whose windows fit no smaller image than 224 pixels.
    """

    example: str
    names: Callable[[], tuple[str, ...]]
    model: type[TorchvisionModel] | type[TimmModel]
    windows: str


_LIBRARIES = {
    "torchvision": _Library("resnet18", lambda: TORCHVISION_MODELS, TorchvisionModel, "maxvit"),
    "timm": _Library("resnet18", list_timm, TimmModel, "maxx?vit|coatnet"),
}


def model_signature(name: str) -> LayerSignature:
    """What a whole model takes. Raises KeyError for a name that `list_whole_models` lacks."""
    if name not in list_whole_models():
        raise KeyError(name)
    library, _, model = name.partition("/")
    about = f"The network {model} of {library}, with weights drawn anew."
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
    classes = layer.args.get("num_classes", 10)
    placement.count(_LAYERS)
    size = _fitting_size(layer.type, shape, layer.args, placement)
    try:
        module = _make(layer.type, shape[0], classes, size, placement.assembly.device)
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


def _check_name(name: str, placement: Placement) -> None:
    package, _, model = name.partition("/")
    library = _LIBRARIES[package]
    names = library.names()
    if name in names:
        return
    if not names:
        raise placement.error(
            f"is a network of {package}, which is not installed here; `pip install {package}` "
            f"installs it."
        )
    plain = {whole.partition("/")[2]: whole for whole in names}
    near = difflib.get_close_matches(model.lower(), plain, 3, 0.5)
    hint = (
        f"did you mean {' or '.join(plain[word] for word in near)}?"
        if near
        else f"such as {package}/{library.example}."
    )
    raise placement.error(f"is not a classification model of {package}; {hint}")


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


@cache
def _patch(name: str) -> int:
    """The side of the patches that the network cuts an image into, where few of them fit into a
    small image; else 0."""
    package, _, model = name.partition("/")
    if package == "torchvision":
        return int(model.rsplit("_", 1)[-1]) if model.startswith("vit_") else 0
    modules = _make(name, 3, 10, None, "meta").modules()
    size = next((inner.patch_size for inner in modules if hasattr(inner, "patch_size")), 0)
    size = size if isinstance(size, int) else size[0]
    return size if size >= 8 else 0


@cache
def _smallest_size(name: str, shape: Shape) -> int | None:
    """The first size at which the network gives an answer, found without values."""
    for size in _sizes(name, shape):
        try:
            measure(_make(name, shape[0], 10, size, "meta"), shape)
        except Exception:  # too small; torch says so in many ways
            continue
        return size
    return 224


def _sizes(name: str, shape: Shape) -> Iterator[int | None]:
    """The sizes to try, the smallest first."""
    package, _, model = name.partition("/")
    if re.match(_LIBRARIES[package].windows, model):
        yield 224
        return
    patch = _patch(name)
    if patch:
        yield patch * max(_LEAST_PATCHES, -(-max(shape[1:]) // patch))
    yield None
    yield from (size for size in _SIZES if size > min(shape[1:]))


def _make(name: str, channels: int, classes: int, size: int | None, device: str) -> nn.Module:
    package, _, model = name.partition("/")
    make = _LIBRARIES[package].model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if device == "meta" and name.startswith("torchvision/regnet"):
            with _WeightsOnMeta():
                return make(model, channels, classes, size)
        with torch.device(device):
            return make(model, channels, classes, size)


class _WeightsOnMeta(TorchFunctionMode):
    """Makes weights without memory, but numbers that a constructor computes with for real."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.empty, torch.zeros, torch.ones):
            kwargs["device"] = "meta"
        return func(*args, **kwargs)
