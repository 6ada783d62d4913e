"""The arguments that layers and blocks take: described for forms, checked with clear errors."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

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
            words = ", ".join(repr(choice) for choice in self.choices)
            return f"one of {words}"
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
    known = {argument.name: argument for argument in arguments}
    for name, value in args.items():
        if name not in known:
            raise placement.error(
                f"has no argument {name!r}; {_valid(name, known)}.", argument=name
            )
        _check_value(known[name], value, placement)
    for name, argument in known.items():
        if argument.required and name not in args:
            raise placement.error(f"needs {name}, {argument.accepts}; {_valid(name, known)}.")


def _valid(name: str, known: Mapping[str, Argument]) -> str:
    if not known:
        return "it takes none"
    near = difflib.get_close_matches(name, [key for key in known if key != name], 1)
    hint = f"did you mean {near[0]}? Its" if near and name not in known else "its"
    return f"{hint} arguments are {', '.join(known)}"


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
    if origin is list or annotation is torch.Size:
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
    if origin is list or annotation is torch.Size:
        return "a list of whole numbers"
    if origin is tuple:
        item = describe(inner[0]).replace("a ", "", 1).replace(" or null", "")
        if len(inner) == 1:
            return f"a list of one {item}"
        return f"a list of {item}s" if inner[1] is ... else f"{len(inner)} {item}s"
    if annotation in (None, type(None)):
        return "null"
    return _WORDS.get(annotation, str(annotation))


ARGUMENT_WORDS = {
    "in_channels": "Channels that arrive; follows from the layer before.",
    "in_features": "Values that arrive; follows from the layer before.",
    "num_features": "Channels that arrive; follows from the layer before.",
    "num_channels": "Channels that arrive; follows from the layer before.",
    "normalized_shape": "The last sizes of the shape, which are normalised together.",
    "out_channels": "Filters, each of which gives one channel of the output.",
    "out_features": "Units, each of which sees all values that arrive.",
    "kernel_size": "Height and width of the window: one number, or one for each side.",
    "stride": "Steps by which the window moves; 2 halves the size. A pooling's default is its "
    "window.",
    "padding": "Pixels put around the image; with half the window, the size is kept.",
    "output_padding": "Pixels added to one side of the output.",
    "dilation": "Distance between the pixels that the window looks at; 1 leaves no gaps.",
    "groups": "Parts into which the channels are split, each on its own.",
    "bias": "Whether a learned constant is added to each output.",
    "padding_mode": "What is put around the image: zeros, or a continuation of it.",
    "ceil_mode": "Whether a window that reaches over the border counts.",
    "count_include_pad": "Whether padded pixels count in a mean.",
    "divisor_override": "What a sum is divided by instead of the window's size.",
    "output_size": "Height and width of what comes out, whatever arrives.",
    "output_ratio": "Share of height and width that remains.",
    "norm_type": "The power p of the mean (Σ xᵖ)^(1/p).",
    "p": "Share of the values that are set to zero in training.",
    "inplace": "Saves memory in torch; has no effect here.",
    "eps": "Added to the variance, so that nothing is divided by zero.",
    "momentum": "Share of each batch in the running mean and variance.",
    "affine": "Whether a scale and a shift are learned for each channel.",
    "elementwise_affine": "Whether a scale and a shift are learned for each value.",
    "track_running_stats": "Whether running means are kept for use after training.",
    "num_groups": "Groups of channels that are normalised together.",
    "alpha": "Slope or size of the part below zero; of LocalResponseNorm, its strength.",
    "beta": "Exponent of LocalResponseNorm; of Softplus, its sharpness.",
    "k": "Constant that LocalResponseNorm adds before it divides.",
    "size": "Size that the image is brought to; of LocalResponseNorm, neighbouring channels.",
    "lambd": "Values nearer to zero than this are set to zero.",
    "min_val": "Values below are cut off here.",
    "max_val": "Values above are cut off here.",
    "negative_slope": "Slope of the part below zero.",
    "lower": "Smallest slope that is drawn for the part below zero.",
    "upper": "Largest slope that is drawn for the part below zero.",
    "threshold": "Where the function changes its course.",
    "value": "What is put in: around the image, or below the threshold.",
    "num_parameters": "Slopes that are learned: 1, or one for each channel.",
    "init": "Slope to begin with.",
    "approximate": "Whether GELU is computed by the faster tanh.",
    "dim": "Dimension that is worked along (1 is the first after the batch); of Patches, features "
    "of a token.",
    "start_dim": "First dimension that is merged; 1 is the first after the batch.",
    "end_dim": "Last dimension that is merged; -1 is the last.",
    "unflattened_size": "Sizes that the dimension is split into, such as 1, 28, 28.",
    "upscale_factor": "How many times larger height and width become.",
    "downscale_factor": "How many times smaller height and width become.",
    "scale_factor": "How many times larger height and width become.",
    "mode": "How new pixels are found from those around them.",
    "align_corners": "Whether the corner pixels keep their values when an image is enlarged.",
    "recompute_scale_factor": "Whether the factor is found anew from the rounded size.",
    "layers": "The layers inside.",
    "branches": "The branches, each a list of layers; an empty one passes its input on.",
    "join": "How what the branches give becomes one: side by side, or value by value.",
    "times": "How many times the layers stand one after the other.",
    "growth": "Channels that each step adds.",
    "reduction": "How many times fewer units the gate has than there are channels.",
    "patch_size": "Height and width of a patch; must divide the image's.",
    "depth": "Layers of attention, one after the other.",
    "heads": "Ways in which tokens look at each other side by side; must divide the features.",
    "hidden": "Units of the MLP; four times the features unless given.",
    "token_hidden": "Units of the MLP across the tokens.",
    "dropout": "Share of the values that are set to zero in training.",
    "hidden_size": "Values that the cell remembers from row to row.",
    "cell": "Kind of recurrent cell.",
    "num_layers": "Recurrent layers on top of each other.",
    "bidirectional": "Whether a second cell reads from the last row to the first.",
    "output": "The state after the last row, or the states at all rows.",
    "num_classes": "Classes that are told apart: 10 for digits.",
    "image_size": "Side in pixels that images are resampled to before the network sees them.",
}
