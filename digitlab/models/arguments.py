"""The arguments that layers and blocks take: described for forms, checked with clear errors."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from digitlab.models.layer import shown
from digitlab.models.placement import Placement

MAX_SIZE = 2**20  # of any whole number: products of three still fit the integers torch counts in


@dataclass(frozen=True)
class Argument:
    """One argument of a layer or block, enough to make a form from it.

    `accepts` says in words what is taken ("a whole number or 2 whole numbers"); `annotation` is
    the Python type. `required` means it must be given; `inferred` that it may be left out because
    it follows from the shape that arrives. `choices` lists the words of a choice; `least` is the
    smallest whole number allowed.
    """

    name: str
    annotation: Any
    default: Any = None
    required: bool = False
    inferred: bool = False
    choices: tuple[str, ...] = ()
    least: int | None = None
    words: str = ""

    @property
    def accepts(self) -> str:
        """What is taken, in words."""
        if self.words:
            return self.words
        if self.choices:
            options = ", ".join(repr(choice) for choice in self.choices)
            return f"one of {options}"
        return describe(self.annotation)

    @property
    def about(self) -> str:
        """What it means, in a sentence; what is taken where there is none."""
        return ARGUMENT_WORDS.get(self.name, f"Takes {self.accepts}.")


@dataclass(frozen=True)
class LayerSignature:
    """A layer or block as a form needs it: `name`, `kind`, first line of its `about`, arguments.

    `kind` is one of convolution, linear, activation, normalisation, pooling, dropout, shape, block.
    """

    name: str
    kind: str
    about: str
    arguments: tuple[Argument, ...]


def check_arguments(
    args: Mapping[str, Any], arguments: Iterable[Argument], placement: Placement
) -> None:
    """Raise SpecError for an argument that is unknown, missing or of the wrong type or size."""
    by_name = {argument.name: argument for argument in arguments}
    for name, value in args.items():
        if name not in by_name:
            raise placement.error(
                f"has no argument {name!r}; {_valid(name, by_name)}.", argument=name
            )
        _check_value(by_name[name], value, placement)
    for name, argument in by_name.items():
        if argument.required and name not in args:
            raise placement.error(f"needs {name}, {argument.accepts}; {_valid(name, by_name)}.")


def _valid(name: str, by_name: Mapping[str, Argument]) -> str:
    if not by_name:
        return "it takes none"
    near = difflib.get_close_matches(name, [key for key in by_name if key != name], 1)
    hint = f"did you mean {near[0]}? Its" if near and name not in by_name else "its"
    return f"{hint} arguments are {', '.join(by_name)}"


def _check_value(argument: Argument, value: Any, placement: Placement) -> None:
    name = argument.name
    if value is None and argument.default is None and not argument.required:
        return
    fits = value in argument.choices if argument.choices else matches(argument.annotation, value)
    if not fits:
        message = f"takes as {name} {argument.accepts}; not {shown(value)}."
        raise placement.error(message, argument=name)
    numbers = [n for n in (value if isinstance(value, tuple) else (value,)) if type(n) is not bool]
    if argument.least is not None and any(_is_number(n) and n < argument.least for n in numbers):
        message = f"takes {name} of at least {argument.least}; not {shown(value)}."
        raise placement.error(message, argument=name)
    whole = argument.annotation is not float and any(type(n) is int for n in numbers)
    if whole and any(_is_number(n) and abs(n) > MAX_SIZE for n in numbers):
        message = f"takes {name} of at most {MAX_SIZE:,}; not {shown(value)}."
        raise placement.error(message, argument=name)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def matches(annotation: Any, value: Any) -> bool:
    """Whether a spec's value (lists are tuples there) is of the annotated type.

    Strict: true is not a number and 3.0 is not a whole number, but 3 is a number.
    """
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(matches(option, value) for option in inner)
    if origin is typing.Literal:
        return isinstance(value, str) and value in inner
    if origin is list:
        return isinstance(value, tuple) and all(type(item) is int for item in value)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if len(inner) == 2 and inner[1] is ...:
            return all(matches(inner[0], item) for item in value)
        return len(value) == len(inner) and all(map(matches, inner, value))
    if annotation is float:
        return type(value) in (int, float)
    if annotation in (None, type(None)):
        return value is None
    return type(value) is annotation


_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def describe(annotation: Any) -> str:
    """An annotation in words: `int | tuple[int, int]` is "a whole number or 2 whole numbers"."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(describe(option) for option in inner))
    if origin is typing.Literal:
        return "one of " + ", ".join(repr(choice) for choice in inner)
    if origin is list:
        return "a list of whole numbers"
    if origin is tuple:
        item = describe(inner[0]).replace("a ", "", 1).replace(" or null", "")
        if len(inner) == 1:
            return f"a list of one {item}"
        return f"a list of {item}s" if inner[1] is ... else f"{len(inner)} {item}s"
    if annotation in (None, type(None)):
        return "null"
    return _WORDS.get(annotation, str(annotation))


# What an argument means, in a sentence; a test checks that none is missing.
ARGUMENT_WORDS = {
    "in_channels": "Number of input channels; inferred from the layer before.",
    "in_features": "Number of input values; inferred from the layer before.",
    "num_features": "Number of input channels; inferred from the layer before.",
    "num_channels": "Number of input channels; inferred from the layer before.",
    "normalized_shape": "Last sizes of the input shape, over which values are normalised together.",
    "out_channels": "Number of filters; each gives one output channel.",
    "out_features": "Number of units; each is connected to all input values.",
    "kernel_size": "Height and width of the window: one number for both, or one each.",
    "stride": "Step of the window in pixels; 2 halves the size. The default of a pooling "
    "layer is its window.",
    "padding": "Pixels added on each side of the image; half the window keeps the size.",
    "output_padding": "Pixels added on one side of the output.",
    "dilation": "Distance between the pixels of a window; 1 leaves no gaps.",
    "groups": "Number of groups into which the channels are split; each is computed separately.",
    "bias": "Whether a learned constant is added to each output.",
    "padding_mode": "How the padding is filled: with zeros, or by continuing the image.",
    "ceil_mode": "Whether to round the output size up, so that a window may extend past "
    "the border.",
    "count_include_pad": "Whether padded pixels count in the mean.",
    "divisor_override": "Number to divide the sum by, instead of the window's size.",
    "output_size": "Height and width of the output, for any input.",
    "output_ratio": "Output size as a share of the input size, from 0 to 1.",
    "norm_type": "The power p of the mean (Σ xᵖ)^(1/p).",
    "p": "Share of the values that are set to zero during training.",
    "inplace": "Saves memory in torch; has no effect here.",
    "eps": "Added to the variance for numerical stability.",
    "momentum": "Weight of each batch in the running mean and variance.",
    "affine": "Whether a scale and a shift are learned for each channel.",
    "elementwise_affine": "Whether a scale and a shift are learned for each value.",
    "track_running_stats": "Whether a running mean and variance are kept for evaluation.",
    "num_groups": "Number of groups of channels; each is normalised separately.",
    "alpha": "Slope or scale for values below zero; of LocalResponseNorm, its strength.",
    "beta": "Exponent of LocalResponseNorm; of Softplus, its sharpness.",
    "k": "Constant that LocalResponseNorm adds before it divides.",
    "size": "Output size of the image; of LocalResponseNorm, the number of neighbouring channels.",
    "lambd": "Values closer to zero than this are set to zero.",
    "min_val": "Smallest output; smaller values are clipped.",
    "max_val": "Largest output; larger values are clipped.",
    "negative_slope": "Slope for values below zero.",
    "lower": "Smallest slope that is drawn for values below zero.",
    "upper": "Largest slope that is drawn for values below zero.",
    "threshold": "Input value at which the function changes.",
    "value": "Value that is filled in: around the image, or below the threshold.",
    "num_parameters": "Number of learned slopes: 1, or one for each channel.",
    "init": "Initial slope.",
    "approximate": "Approximation of GELU: none, or the faster tanh.",
    "dim": "Dimension to compute along (1 is the first after the batch); of Patches, the "
    "features of a token.",
    "start_dim": "First dimension to flatten; 1 is the first after the batch.",
    "end_dim": "Last dimension to flatten; -1 is the last.",
    "unflattened_size": "Sizes into which the dimension is split, such as 1, 28, 28.",
    "upscale_factor": "Factor by which height and width grow.",
    "downscale_factor": "Factor by which height and width shrink.",
    "scale_factor": "Factor by which height and width grow.",
    "mode": "How new pixels are interpolated from their neighbours.",
    "align_corners": "Whether the corner pixels keep their values when an image is resized.",
    "recompute_scale_factor": "Whether the factor is computed again from the rounded size.",
    "layers": "The layers inside the block.",
    "branches": "The branches, each a list of layers; an empty one passes its input on unchanged.",
    "join": "How the outputs of the branches are combined: concatenated, or value by value.",
    "times": "Number of times the layers are repeated.",
    "growth": "Number of channels that each step adds.",
    "reduction": "Channels per unit of the gate's hidden layer.",
    "patch_size": "Height and width of a patch; must divide those of the image.",
    "depth": "Number of transformer layers.",
    "heads": "Number of attention heads; must divide the number of features.",
    "hidden": "Hidden units of the MLP; by default four times the features.",
    "token_hidden": "Hidden units of the MLP across the tokens.",
    "dropout": "Share of the values that are set to zero during training.",
    "hidden_size": "Number of values in the state of the cell.",
    "cell": "Kind of recurrent cell.",
    "num_layers": "Number of recurrent layers; each reads the output of the one before.",
    "bidirectional": "Whether a second cell reads from the last row to the first.",
    "output": "The state after the last row, or the states at all rows.",
    "num_classes": "Number of classes: 10 for digits.",
    "equation": "Sums of products by Einstein's notation, such as bij,bjk->bik.",
    "keepdim": "Whether the dimension stays, with the size 1.",
    "index": "Number of the element, from 0; -1 is the last.",
    "start": "First element that is kept, from 0.",
    "stop": "First element that is no longer kept.",
    "step": "Distance between the elements that are kept.",
    "shape": "Sizes without the batch, one of which may be -1; of a Parameter, all its sizes.",
    "dims": "Dimensions, where 1 is the first after the batch and -1 the last.",
    "dim0": "The first of the two dimensions.",
    "dim1": "The second of the two dimensions.",
    "repeats": "How often the values come along each dimension but the batch.",
    "shifts": "By how many places the values move.",
    "factor": "Number that the values are multiplied by.",
    "offset": "Number that is added to the values.",
    "exponent": "The power to which the values are raised.",
    "min": "Smallest output; smaller values are clipped.",
    "max": "Largest output; larger values are clipped.",
    "unbiased": "Whether the sum is divided by one less than the number of values.",
    "is_causal": "Whether a position sees only itself and those before it.",
    "scale": "Factor of the scores; by default one over the root of the features.",
    "std": "Standard deviation.",
    "mean": "Mean of the first values.",
    "low": "Smallest first value.",
    "high": "Largest first value.",
    "layer": "Name of the earlier layer whose weights are shared.",
    "pattern": "The same number everywhere, or the waves of sine and cosine that mark positions.",
    "input_size": "Features of a step; inferred from the layer before.",
    "embed_dim": "Features of a step; inferred from the layer before.",
    "d_model": "Features of a step; inferred from the layer before.",
    "kdim": "Features of the keys; inferred from their layer.",
    "vdim": "Features of the values; inferred from their layer.",
    "num_heads": "Number of attention heads; must divide the number of features.",
    "nhead": "Number of attention heads; must divide the number of features.",
    "add_bias_kv": "Whether a learnt key and value are added to the others.",
    "add_zero_attn": "Whether a key and value of zeros are added to the others.",
    "dim_feedforward": "Hidden units of the MLP.",
    "activation": "Activation of the MLP.",
    "layer_norm_eps": "Added to the variance of LayerNorm for numerical stability.",
    "norm_first": "Whether LayerNorm comes before attention and MLP instead of after.",
    "nonlinearity": "Activation of the cell.",
    "image_size": "Side in pixels to which images are resized before the network.",
}
