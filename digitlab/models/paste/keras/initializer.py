"""Initializers: a word for a layer's weights, or how a parameter of its own begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from digitlab.models.paste.keras.layer import initializer_name
from digitlab.models.paste.keras.tensor import Tensor
from digitlab.models.paste.keras.trace import Trace
from digitlab.models.paste.native import Native, NativeClass, Unknown

# A spec's init for the words that Keras's initializers begin with.
_INITS = {"he": "kaiming", "glorot": "xavier", "orthogonal": "orthogonal", "lecun": "normal"}

NAMES = (
    *("Zeros", "Ones", "Constant", "RandomNormal", "RandomUniform", "TruncatedNormal"),
    *("GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform"),
    *("Orthogonal", "VarianceScaling", "Identity"),
)
_ARGUMENTS = {
    "RandomNormal": ("mean", "stddev"),
    "TruncatedNormal": ("mean", "stddev"),
    "RandomUniform": ("minval", "maxval"),
    "Constant": ("value",),
}


class Initializer(Native):
    """An initializer by its word and its numbers; called with a shape it gives first values."""

    kind = "an initializer"

    def __init__(self, word: str, options: Mapping[str, Any]) -> None:
        self.word, self.options = word, options

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        shape = kwargs.get("shape", args[0] if args else None)
        return FirstValues(shape, self)


class InitializerClass(NativeClass):
    """`keras.initializers.HeNormal` and its old names."""

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        names = _ARGUMENTS.get(self.name, ())
        return Initializer(self.name, {**dict(zip(names, args, strict=False)), **kwargs})


class FirstValues(Native):
    """Numbers drawn for a variable: their shape and how they were drawn."""

    kind = "a tensor of first values"

    def __init__(self, shape: Any, initializer: Initializer) -> None:
        self.shape, self.initializer = shape, initializer


def parameter_init(value: Any) -> dict[str, Any]:
    """The arguments of a Parameter that begins as a Keras initializer says."""
    word = str(initializer_name(value) or "glorot_uniform").lower().replace("_", "")
    options = getattr(value, "options", {})
    options = value.get("config", {}) if isinstance(value, dict) else options

    def number(name: str, default: float) -> float:
        option = options.get(name, default)
        return option if type(option) in (int, float) else default

    if word.startswith("zero"):
        return {"init": "zeros"}
    if word.startswith("one"):
        return {"init": "ones"}
    if word == "constant":
        return {"init": "constant", "value": number("value", 0.0)}
    if word in ("randomnormal", "normal", "truncatednormal", "randomnormalinitializer"):
        init = "trunc_normal" if word.startswith("trunc") else "normal"
        return {"init": init, "std": number("stddev", 0.05)}
    if word in ("randomuniform", "uniform", "randomuniforminitializer"):
        low, high = number("minval", -0.05), number("maxval", 0.05)
        return {"init": "uniform", "low": low, "high": high}
    if word.startswith("he"):
        return {"init": "kaiming_normal"}
    return {"init": "xavier_normal" if "normal" in word else "xavier_uniform"}


def spec_init(trace: Trace) -> str:
    """The init of a spec, one for all layers: what most layers that name one begin with."""
    words: Counter[str] = Counter()
    for word, line in trace.inits:
        if isinstance(word, Unknown) or word is None:
            continue
        known = _snake_start(word)
        if known in _INITS:
            words[_INITS[known]] += 1
        else:
            trace.note(
                f"The initializer {word} in line {line} is left out; a spec begins by torch's own, "
                f"kaiming, xavier, orthogonal or normal."
            )
    if not words:
        return "default"
    init = words.most_common(1)[0][0]
    if len(words) > 1:
        trace.note(f"The layers name several initializers; all begin by {init} here.")
    return init


def _snake_start(word: str) -> str:
    """The first part of "he_normal", "HeNormal" and the like, in lower case."""
    lower = word.lower()
    return next((start for start in _INITS if lower.startswith(start)), lower)


def make_parameter(trace: Trace, shape: Any, initializer: Any) -> Tensor:
    """A learnt tensor without a batch; its name is found when the text keeps it."""
    sizes = getattr(shape, "sizes", shape)
    sizes = tuple(sizes) if isinstance(sizes, list | tuple) else (sizes,)
    if not sizes or any(type(size) is not int or size < 1 for size in sizes):
        trace.refuse(f"makes a weight of the shape {sizes}; it takes whole numbers")
    node = trace.add("Parameter", {"shape": sizes, **parameter_init(initializer)})
    return Tensor(trace, node, sizes, tuple(range(len(sizes))), batched=False)
