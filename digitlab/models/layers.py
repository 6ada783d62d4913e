"""Every `torch.nn` class that maps one tensor to one tensor, as a layer of a spec.

The registry is derived from `torch.nn` by rule (`_is_layer`), arguments from each class's own
signature. Input sizes (in_channels, in_features, num_features, …) follow from the shape that
arrives; where they are given all the same, they must agree with it.
"""

from __future__ import annotations

import difflib
import inspect
import math
import types
import typing
import warnings
from contextlib import suppress
from functools import cache, lru_cache
from typing import Any

import torch
from torch import nn

from digitlab.models.arguments import Argument, LayerSignature, check_arguments
from digitlab.models.layer import INPUT_SIZES, Arguments, Layer
from digitlab.models.measure import operations
from digitlab.models.placement import Part, Placement, Shape, written
from digitlab.models.shape_checks import check_shape, explain

_KINDS = {
    "conv": "convolution",
    "linear": "linear",
    "activation": "activation",
    "batchnorm": "normalisation",
    "instancenorm": "normalisation",
    "normalization": "normalisation",
    "pooling": "pooling",
    "dropout": "dropout",
    "padding": "shape",
    "flatten": "shape",
    "fold": "shape",
    "pixelshuffle": "shape",
    "channelshuffle": "shape",
    "upsampling": "shape",
}

# Not a spec's to say: where numbers live, what else is returned, a layer's random draw.
_NEVER = {"device", "dtype", "return_indices", "_random_samples", "min_value", "max_value"}
# CrossMapLRN2d is LocalResponseNorm in slow Python; SyncBatchNorm needs several GPUs.
_LEFT_OUT = {"CrossMapLRN2d", "SyncBatchNorm"}
_FROM_CHANNELS = {"in_channels", "num_features", "num_channels"}
_CHOICES = {
    ("GELU", "approximate"): ("none", "tanh"),
    ("Upsample", "mode"): (
        "nearest",
        "linear",
        "bilinear",
        "bicubic",
        "trilinear",
        "nearest-exact",
    ),
}
# torch accepts some sizes below these and fails, or divides by zero, only when data comes.
_AT_LEAST_ONE = {
    *INPUT_SIZES,
    "dilation",
    "divisor_override",
    "downscale_factor",
    "groups",
    "kernel_size",
    "norm_type",
    "num_groups",
    "num_parameters",
    "out_channels",
    "out_features",
    "output_size",
    "size",
    "stride",
    "upscale_factor",
}

_COMMON = {
    *("activation", "batchnorm", "conv", "dropout", "instancenorm", "linear", "normalization"),
    "pooling",
}
_UNCOMMON = ("ConvTranspose", "Fractional", "LocalResponse")  # of these: what grows, or is drawn
SMALL_TRIAL = 10**6  # weights, numbers given and twenty operations, tried at once: about 10 ms
MAX_TRIAL = 10**8  # operations for one image that are still tried out on the CPU, about 0.1 s

# What does the work of a class that cannot stand in a spec.
_IN_BLOCK = {"Transformer": "TransformerEncoder: {depth: 2, heads: 4}"}

# What other libraries call a layer.
_ALSO_CALLED = {
    "dense": "Linear",
    "fullyconnected": "Linear",
    "batchnormalization": "BatchNorm2d",
    "layernormalization": "LayerNorm",
    "groupnormalization": "GroupNorm",
    "maxpooling2d": "MaxPool2d",
    "averagepooling2d": "AvgPool2d",
    "globalaveragepooling2d": "AdaptiveAvgPool2d",
    "swish": "SiLU",
    "reshape": "Unflatten",
    "conv": "Conv2d",
    "batchnorm": "BatchNorm2d",
    "maxpool": "MaxPool2d",
    "avgpool": "AvgPool2d",
}


def list_layers() -> tuple[str, ...]:
    """The names of all layers, in alphabetical order."""
    return tuple(_registry())


def layer_signature(name: str) -> LayerSignature:
    """What a layer takes. Raises KeyError for a name that `list_layers` does not have."""
    return _signature(_registry()[name])


def argument_names(name: str) -> tuple[str, ...]:
    """The names of all arguments in the order of the class itself, for a call by position."""
    return tuple(inspect.signature(_registry()[name].__init__).parameters)[1:]


def explain_unknown(name: str, others: tuple[str, ...]) -> str:
    """What to say of a layer that neither torch.nn nor `others` has (a message's end)."""
    if name in _IN_BLOCK:
        return f"does not map one tensor to one tensor by itself; use {_IN_BLOCK[name]}."
    if hasattr(nn, name):
        return "cannot be a layer of a spec: it does not map one tensor to one tensor."
    near = nearest_names(name, others)
    if not near:
        return (
            "is unknown; a layer is a class of torch.nn, such as Conv2d, MaxPool2d, Flatten, "
            "Linear, ReLU, an operation, such as Add, Concatenate, Mean, or a block, such as "
            "Residual, Parallel, Repeat."
        )
    return f"is unknown; did you mean {' or '.join(near)}?"


def nearest_names(name: str, blocks: tuple[str, ...]) -> tuple[str, ...]:
    """The layers and blocks that a wrong name may mean, the likeliest first; at most three."""
    names = {**_ALSO_CALLED, **{layer.lower(): layer for layer in (*blocks, *_registry())}}
    near = difflib.get_close_matches(name.lower().replace("_", ""), names, 3, 0.6)
    return tuple(dict.fromkeys(names[key] for key in near))


def place_layer(layer: Layer, shape: Shape, placement: Placement) -> Part:
    """Make a layer for the `shape` that reaches it, and find its output shape by a trial.

    Raises SpecError where the layer takes no such arguments or cannot take the shape, KeyError
    where there is no such layer.
    """
    cls = _registry()[layer.type]
    signature = _signature(cls)
    check_arguments(layer.args, signature.arguments, placement)
    check_shape(layer, shape, placement)
    args = _with_inferred(layer, signature, shape, placement)
    module, output_shape = _try_out(cls, args, shape, placement)
    row = placement.row(
        layer,
        output_shape,
        shown=layer.args,
        kind=signature.kind,
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        operations=operations(module, shape, output_shape),
        values=math.prod(output_shape),
        made=args,
    )
    return Part(module, output_shape, (row,))


@cache
def _registry() -> dict[str, type[nn.Module]]:
    names = sorted(name for name, value in vars(nn).items() if _is_layer(name, value))
    return {name: getattr(nn, name) for name in names}


def _is_layer(name: str, value: Any) -> bool:
    if not (isinstance(value, type) and issubclass(value, nn.Module)):
        return False
    module = value.__module__.rsplit(".", 1)[-1]
    if module not in _KINDS or name.startswith("Lazy") or name in _LEFT_OUT:
        return False
    _, *inputs = inspect.signature(value.forward).parameters.values()
    return sum(parameter.default is parameter.empty for parameter in inputs) == 1


def _without_size(annotation: Any) -> Any:
    """The annotation with a list of whole numbers for torch.Size, so that it names no torch."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.Union[tuple(map(_without_size, typing.get_args(annotation)))]  # noqa: UP007
    return list[int] if annotation is torch.Size else annotation


@cache
def _signature(cls: type[nn.Module]) -> LayerSignature:
    hints = typing.get_type_hints(cls.__init__)
    arguments = []
    for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        name = parameter.name
        if name in _NEVER or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        default = None if parameter.default is parameter.empty else parameter.default
        choices = _CHOICES.get((cls.__name__, name), ())
        if typing.get_origin(hints[name]) is typing.Literal:
            choices = typing.get_args(hints[name])
        arguments.append(
            Argument(
                name=name,
                annotation=_without_size(hints[name]),
                default=default,
                required=parameter.default is parameter.empty and name not in INPUT_SIZES,
                inferred=name in INPUT_SIZES or (name == "dim" and default is None),
                choices=choices,
                least=_least(cls, name),
            )
        )
    about = (inspect.getdoc(cls) or cls.__name__).strip().split("\n\n")[0].replace("\n", " ")
    kind = _KINDS[cls.__module__.rsplit(".", 1)[-1]]
    return LayerSignature(cls.__name__, kind, about, tuple(arguments))


def _least(cls: type[nn.Module], name: str) -> int | None:
    if name in _AT_LEAST_ONE:
        return 1
    # a negative padding of a padding layer cuts the border off, but round a circle torch fails
    crops = "Pad" in cls.__name__ and not cls.__name__.startswith("Circular")
    return 0 if name in ("padding", "output_padding") and not crops else None


def _with_inferred(
    layer: Layer, signature: LayerSignature, shape: Shape, placement: Placement
) -> dict[str, Any]:
    """The arguments as torch gets them: sizes of the input filled in, given ones compared."""
    args: dict[str, Any] = dict(layer.args)
    for argument in signature.arguments:
        name = argument.name
        if name == "inplace":
            # It only saves memory, and would spoil a shortcut or a gradient that needs the input.
            args["inplace"] = False
        elif name == "dim" and argument.inferred and args.get("dim") is None:
            args["dim"] = 1  # over the classes or channels; torch's own choice depends on the rank
        elif name in INPUT_SIZES:
            args[name] = _inferred(name, args.get(name), shape, placement)
    return args


def _inferred(name: str, value: Any, shape: Shape, placement: Placement) -> Any:
    if name == "normalized_shape":
        sizes = (value,) if isinstance(value, int) else value
        if sizes and shape[len(shape) - len(sizes) :] != sizes:
            raise placement.error(
                f"was given normalized_shape {written(sizes)}, but {written(shape)} reaches it; "
                f"leave it out or give the last sizes of that shape.",
                argument=name,
            )
        return sizes or shape
    arrives = shape[0] if name in _FROM_CHANNELS else shape[-1]
    if value is not None and value != arrives:
        fix = f"leave {name} out or set it to {arrives}"
        if name == "in_features" and math.prod(shape) == value and len(shape) > 1:
            fix = f"insert Flatten before it, which gives {value}"
        elif name == "in_features" and len(shape) == 3:
            fix = f"insert Flatten before it and leave {name} out, as it reads only the last size"
        raise placement.error(
            f"was given {name} {value}, but {written(shape)} reaches it"
            f"{f', which has {arrives}' if len(shape) > 1 else ''}; {fix}.",
            argument=name,
        )
    return arrives


def _try_out(
    cls: type[nn.Module], args: dict[str, Any], shape: Shape, placement: Placement
) -> tuple[nn.Module, Shape]:
    """The module and the shape it gives, found by passing two images of zeros through it.

    On the meta device they are shapes without memory. On the CPU the same is done for real, in
    eval mode (so that nothing is drawn or counted), which proves that the layer runs; a layer
    known to be slow is spared.
    """
    device = placement.assembly.device
    measured = placement.assembly.known.get(placement.key)
    try:
        with warnings.catch_warnings(), torch.no_grad(), torch.device(device):
            warnings.simplefilter("ignore")
            module = cls(**args)
            if measured and measured.operations > MAX_TRIAL:
                return module, measured.output_shape
            if device == "meta":
                batch, *sides = _sizes_of_output(cls, Arguments(args), shape)
            else:
                batch, *sides = _sizes(module.eval()(torch.zeros(2, *shape)))
            module.train()
    except Exception as error:  # torch raises most of Python's errors for arguments
        raise placement.error(explain(args, shape, error)) from error
    output_shape = tuple(sides)
    if not output_shape or batch != 2:
        raise placement.error("mixes the images of a batch; keep the first dimension as it is.")
    if min(output_shape) < 1:
        raise placement.error(
            f"leaves nothing of the {written(shape)} that reaches it: {written(output_shape)}."
        )
    placement.check_values(output_shape)
    return module, output_shape


@lru_cache(maxsize=4_096)
def _sizes_of_output(cls: type[nn.Module], args: Arguments, shape: Shape) -> tuple[int, ...]:
    """The sizes of what a layer gives for two images on the meta device, which is current.

    Torch takes a millisecond or two to find them: an edit of a long network looks most of them up.
    A small layer is tried on the CPU instead, with any weights and without drawing any: the first
    one on the meta device would import SymPy, TorchDynamo and Triton, a second and 150 MB.
    """
    module = cls(**args)
    if _is_small(module, shape):
        with suppress(Exception), torch.device("cpu"):  # what goes wrong is told by the meta device
            states = module.state_dict().items()
            states = {name: torch.empty(each.shape, dtype=each.dtype) for name, each in states}
            module.load_state_dict(states, assign=True)  # `to_empty` would import SymPy
            return _pass_zeros(module.train("norm" in cls.__module__), shape)
        module = cls(**args)
    return _pass_zeros(module, shape)


def _pass_zeros(module: nn.Module, shape: Shape) -> tuple[int, ...]:
    sizes = _sizes(module(torch.zeros(2, *shape)))
    if "norm" in type(module).__module__:
        module.eval()(torch.zeros(1, *shape))  # some cannot answer for a single image
    return sizes


def _is_small(module: nn.Module, shape: Shape) -> bool:
    """Whether passing images through a layer, of the common kinds, surely takes little."""
    kind, name = type(module).__module__.rsplit(".", 1)[-1], type(module).__name__
    if kind not in _COMMON or name.startswith(_UNCOMMON):
        return False
    parameters = sum(parameter.numel() for parameter in module.parameters())
    most = _most_output(module, shape)
    cost = max(parameters, math.prod(most), operations(module, shape, most) // 20)
    return cost <= SMALL_TRIAL


def _most_output(module: nn.Module, shape: Shape) -> Shape:
    """A shape that what a layer of the common kinds gives does not pass."""
    if isinstance(module, nn.Linear):
        return (*shape[:-1], module.out_features)
    padding, size = getattr(module, "padding", 0), getattr(module, "output_size", 0)
    added = 0 if isinstance(padding, str) else 2 * max(_numbers(padding))
    sides = (max(side + added, *_numbers(size)) for side in shape[1:])
    return (getattr(module, "out_channels", shape[0]), *sides)


def _numbers(value: Any) -> tuple[int, ...]:
    return tuple(each or 0 for each in (value if isinstance(value, tuple | list) else (value,)))


def _sizes(output: Any) -> tuple[int, ...]:
    return tuple(output.shape) if isinstance(output, torch.Tensor) else (0,)
