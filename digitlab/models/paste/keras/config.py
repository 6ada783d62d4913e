"""A Keras model's config, as `model.to_json()` and a `.keras` file hold it, as a network.

The forms of Keras 2 and 3 are read, Sequential and Functional, models inside models. Nothing in a
config is executed: a Lambda, or a class that Keras does not have, is refused by its layer's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.layer import shown
from digitlab.models.paste.keras import functions
from digitlab.models.paste.keras.layer import KerasLayer
from digitlab.models.paste.keras.library import ALIASES, KINDS
from digitlab.models.paste.keras.model import (
    FunctionalModel,
    KerasModel,
    SequentialModel,
    image_input,
)
from digitlab.models.paste.keras.network import KerasNetwork, read_network
from digitlab.models.paste.keras.trace import Trace
from digitlab.models.paste.native import Function

MAX_LAYERS = 2_000
MAX_NESTING = 8  # models and wrappers inside each other

# What a config says beside the options of a layer.
_NOT_OPTIONS = {
    *("dtype", "trainable", "batch_input_shape", "batch_shape", "ragged", "sparse", "optional"),
    *("query_shape", "key_shape", "value_shape", "attention_axes", "seed", "noise_shape", "unroll"),
    *("stateful", "time_major", "implementation", "zero_output_for_mask", "quantization_config"),
    *("synchronized", "renorm", "virtual_batch_size", "fused", "value_range", "input_dim", "rms"),
    *("renorm_momentum", "renorm_clipping", "adjustment", "ragged_rank", "use_legacy_format"),
    *("lora_rank", "lora_alpha", "autocast", "data_type", "input_spec", "mask_zero", "tie_weights"),
    *("moving_mean_initializer", "moving_variance_initializer", "beta_initializer", "input_length"),
    *("gamma_initializer", "supports_masking", "fill_mode", "fill_value", "interpolation"),
    *("input_tensor", "type_spec", "activity_regularizer", "build_config", "flash_attention"),
}


@dataclass(frozen=True)
class ConfigNetwork:
    """A network with what a config's weights need.

    `parts` gives for each layer of Keras that has weights its path of names (of the models that it
    stands in, and its own) with its class, its options, and the spec's layer of each part: "" is
    its own, "depthwise", "query" and the like those of a layer that became several.
    """

    network: KerasNetwork
    notes: tuple[str, ...]
    recipe: Mapping[str, Any]
    parts: tuple[KerasParts, ...]


@dataclass(frozen=True)
class KerasParts:
    """A layer of Keras with weights, and the names of the layers of the spec that it became."""

    path: tuple[str, ...]
    type: str
    options: Mapping[str, Any]
    layers: Mapping[str, str]


def read_config(config: Mapping[str, Any], *, exact: bool = True) -> ConfigNetwork:
    """The network of a model's config: `{"class_name": "Sequential", "config": {…}}`.

    All values are in Keras's order where `exact`, so that weights that Keras learnt fit; layers
    have the author's names. Raises SpecError that names the layer which has no translation.
    """
    trace = Trace(exact=exact)
    trace.language = functions.Language()
    reader = _Reader(trace)
    try:
        model = reader.model(config, 0)
        network = read_network(model, trace)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise SpecError(
            f"The config is not one that Keras writes ({type(error).__name__}: "
            f"{shown(str(error))}); save the model anew."
        ) from error
    return ConfigNetwork(network, tuple(trace.notes), trace.recipe, tuple(reader.parts()))


class _Reader:
    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.made: list[tuple[tuple[str, ...], KerasLayer]] = []
        self.path: tuple[str, ...] = ()
        self.functions = functions.tensor_functions(trace)

    def parts(self) -> list[KerasParts]:
        """All layers with weights that the network has."""
        parts = []
        for path, layer in self.made:
            names = {
                part: self.trace.makers[node].name
                for part, node in layer.nodes.items()
                if node in self.trace.makers
            }
            if names:
                parts.append(KerasParts(path, layer.type.name, layer.options, names))
        return parts

    # ---- models

    def model(self, data: Mapping[str, Any], depth: int) -> KerasModel:
        if depth > MAX_NESTING:
            raise SpecError(f"The config nests more than {MAX_NESTING} models.")
        name, config = data["class_name"], data["config"]
        if name == "Sequential":
            return self._sequential(config, depth)
        if name in ("Functional", "Model") and isinstance(config, Mapping) and "layers" in config:
            return self._functional(config, depth)
        raise SpecError(
            f"The model is a {shown(name)}, a class of the author's own whose layers the file does "
            f"not tell; save a Sequential or functional model, or paste its code."
        )

    def _sequential(self, config: Any, depth: int) -> SequentialModel:
        layers = config if isinstance(config, list) else config["layers"]
        name = "" if isinstance(config, list) else str(config.get("name", ""))
        model = SequentialModel(self.trace, None, name if depth else "")
        if isinstance(config, Mapping) and config.get("build_input_shape"):
            model.shape = tuple(_plain(config["build_input_shape"]))[1:]
        for data in _checked(layers):
            if data["class_name"] == "InputLayer":
                model.shape = self._input_shape(data)
            else:
                model.add(self.layer(data, depth))
        return model

    def _functional(self, config: Mapping[str, Any], depth: int) -> FunctionalModel:
        tensors: dict[tuple[str, int, int], Any] = {}
        calls = []
        for data in _checked(config["layers"]):
            name = data.get("name") or data["config"]["name"]
            if data["class_name"] == "InputLayer":
                tensors[name, 0, 0] = image_input(self.trace, self._input_shape(data), None, name)
                continue
            layer = self.layer(data, depth)
            nodes = data.get("inbound_nodes", [])
            calls += [(name, index, layer, node) for index, node in enumerate(nodes)]
        first = _first_calls(calls, config)
        calls = [(name, index + first.get(name, 0), *call) for name, index, *call in calls]
        while calls:
            waiting = [call for call in calls if not self._call(tensors, *call)]
            if len(waiting) == len(calls):
                raise SpecError(
                    f"The layer {shown(waiting[0][0])} reads layers that are not there."
                )
            calls = waiting
        ends = [_end_tensors(tensors, config[key]) for key in ("input_layers", "output_layers")]
        name = str(config.get("name", "")) if depth else ""
        return FunctionalModel(self.trace, ends[0], ends[1], None, name)

    def _call(
        self, tensors: dict[tuple[str, int, int], Any], name: str, index: int, layer: Any, node: Any
    ) -> bool:
        """Call a layer if all that it reads is there."""
        args, kwargs = _arguments(node)
        keys = [key for value in (args, kwargs) for key in _keys(value)]
        if any(key not in tensors for key in keys):
            return False
        args, kwargs = _filled(args, tensors), _filled(kwargs, tensors)
        skipped = ("training", "mask")
        kwargs = {k: v for k, v in kwargs.items() if k not in skipped and v is not None}
        self.trace.where = f"The layer {name}"
        result = layer(*args, **kwargs)
        results = result if isinstance(result, list | tuple) else [result]
        for at, tensor in enumerate(results):
            tensors[name, index, at] = tensor
        return True

    def _input_shape(self, data: Mapping[str, Any]) -> tuple[Any, ...]:
        config = data["config"]
        shape = config.get("batch_shape", config.get("batch_input_shape"))
        return tuple(_plain(shape))[1:] if shape else tuple(_plain(config["shape"]))

    # ---- layers

    def layer(self, data: Mapping[str, Any], depth: int) -> Any:
        """A layer, a model as a layer, or an operation, by its config."""
        kind, config = data["class_name"], data["config"]
        config = config if isinstance(config, Mapping | list) else {}
        name = str(data.get("name") or (config.get("name", "") if isinstance(config, dict) else ""))
        self.trace.where = f"The layer {name}" if name else "A layer"
        if kind in ("Sequential", "Functional", "Model"):
            before, self.path = self.path, (*self.path, name)
            try:
                return self.model(data, depth + 1)
            finally:
                self.path = before
        operation = self._operation(data)
        if operation is not None:
            return operation
        kind = ALIASES.get(kind, kind)
        if kind not in KINDS or kind == "Lambda":
            self.trace.refuse(
                f"is a {shown(data['class_name'])}, which has no translation to PyTorch"
            )
        if len(self.made) >= MAX_LAYERS:
            raise SpecError(f"The config has more than {MAX_LAYERS:,} layers.")
        before, self.path = self.path, (*self.path, name)
        options = self._options(kind, config, depth)
        self.path = before
        layer = KerasLayer(KINDS[kind], [], {**options, "name": name}, self.trace, None)
        shape = config.get("batch_shape", config.get("batch_input_shape"))
        if shape:
            layer.first_shape = tuple(_plain(shape))[1:]
        self.made.append(((*self.path, name), layer))
        return layer

    def _options(self, kind: str, config: Mapping[str, Any], depth: int) -> dict[str, Any]:
        known = KINDS[kind].defaults
        options = {}
        for name, value in config.items():
            if name in ("layer", "cell", "backward_layer") and isinstance(value, Mapping):
                options[name] = None if name == "backward_layer" else self.layer(value, depth + 1)
            elif name == "cells":
                options[name] = [self.layer(cell, depth + 1) for cell in value]
            elif name in known and (name in _ALWAYS or name not in _NOT_OPTIONS):
                options[name] = _plain(value)
            elif name == "data_format":
                options[name] = value
            elif name in _OLD:
                options[_OLD[name]] = _plain(value)
            elif name.endswith(_WEIGHTS) or name in ("name", *_NOT_OPTIONS):
                continue  # how weights begin and are held back is past
            elif value not in (None, False, [], {}):
                self.trace.refuse(f"has {name}={shown(value)}, which has no translation")
        if kind in ("LSTM", "GRU") and options.get("recurrent_activation") == "hard_sigmoid":
            self.trace.refuse("uses hard_sigmoid in its gates, which PyTorch does not have")
        return options

    def _operation(self, data: Mapping[str, Any]) -> Any:
        """A function of tensors that was used as a layer: keras.ops, or tf's operators."""
        module = str(data.get("module") or "")
        name = None
        if data["class_name"] in ("TFOpLambda", "SlicingOpLambda"):
            name = str(data["config"].get("function", "")).rpartition(".")[2]
        elif ".ops." in module or module.endswith(".ops"):
            name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", data["class_name"]).lower()
        if name is None:
            return None
        function = self.functions.get(name)
        if function is None:
            self.trace.refuse(f"is the function {shown(name)}, which has no translation to PyTorch")
        return _Operation(function, data["config"], self.trace)


class _Operation:
    """A function with the options that its config holds."""

    def __init__(self, function: Function, config: Mapping[str, Any], trace: Trace) -> None:
        self.function, self.trace = function, trace
        skipped = ("name", "dtype", "trainable", "function")
        self.options = {k: _plain(v) for k, v in config.items() if k not in skipped}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        options = {k: v for k, v in self.options.items() if v is not None}
        return self.function.call(list(args), {**options, **kwargs}, _Run(self.trace))


class _Run:
    """What a function needs of a reader, where there is no text."""

    line = None

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def refuse(self, problem: str) -> None:
        self.trace.refuse(problem)

    def charge(self, count: int) -> None:
        pass


_ALWAYS = ("interpolation", "fill_value")
_WEIGHTS = ("_initializer", "_regularizer", "_constraint")
_OLD = {"alpha": "negative_slope"}


def _checked(layers: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(layers, list) or len(layers) > MAX_LAYERS:
        raise SpecError(f"The config must have a list of up to {MAX_LAYERS:,} layers.")
    return layers


def _plain(value: Any) -> Any:
    """Tuples as Keras 3 writes them, lists as tuples, numbers and words as they are."""
    if isinstance(value, Mapping) and value.get("class_name") == "__tuple__":
        return tuple(_plain(item) for item in value["items"])
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    return value


def _arguments(node: Any) -> tuple[Any, dict[str, Any]]:
    """The arguments of a call, with keys of tensors in the place of tensors."""
    if isinstance(node, Mapping):  # Keras 3
        return [_keyed(arg) for arg in node["args"]], {
            name: _keyed(value) for name, value in node.get("kwargs", {}).items()
        }
    if node and isinstance(node[0], str):  # [name, node, tensor, kwargs]
        node = [node]
    keys = [_Key((str(part[0]), int(part[1]), int(part[2]))) for part in node]
    options = node[0][3] if len(node[0]) > 3 and isinstance(node[0][3], Mapping) else {}
    kwargs = {name: _old_keyed(value) for name, value in options.items()}
    return [keys[0] if len(keys) == 1 else keys], kwargs


@dataclass(frozen=True)
class _Key:
    """Which tensor: a layer's name, which of its calls, which of its outputs."""

    place: tuple[str, int, int]


def _old_keyed(value: Any) -> Any:
    triple = isinstance(value, list) and len(value) in (3, 4) and isinstance(value[0], str)
    if triple and all(isinstance(n, int) for n in value[1:3]):
        return _Key((value[0], value[1], value[2]))
    return _plain(value)


def _keyed(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.get("class_name") == "__keras_tensor__":
            name, index, at = value["config"]["keras_history"]
            return _Key((str(name), int(index), int(at)))
        if value.get("class_name") == "__tuple__":
            return [_keyed(item) for item in value["items"]]
        if value.get("class_name") == "__ellipsis__":
            return Ellipsis
        if value.get("class_name") == "__slice__":
            return slice(*(value["config"][name] for name in ("start", "stop", "step")))
        return {name: _keyed(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_keyed(item) for item in value]
    return value


def _first_calls(calls: Sequence[Any], config: Mapping[str, Any]) -> dict[str, int]:
    """By name the number of a layer's first call: 1 for models, whose call 0 is their own."""
    first: dict[str, int] = {}
    ends = [_old_keyed(end) for end in _ends(config["output_layers"])]
    for *_, node in calls:
        ends += _arguments(node)
    for name, index, _ in _keys(ends):
        first[name] = min(index, first.get(name, index))
    return first


def _ends(ends: Any) -> list[Any]:
    """Inputs or outputs of a model as a list: one, a list, or by name."""
    if isinstance(ends, Mapping):
        return list(ends.values())
    return [ends] if ends and isinstance(ends[0], str) else list(ends)


def _keys(value: Any) -> list[tuple[str, int, int]]:
    if isinstance(value, _Key):
        return [value.place]
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [key for item in value for key in _keys(item)]
    return []


def _filled(value: Any, tensors: Mapping[tuple[str, int, int], Any]) -> Any:
    if isinstance(value, _Key):
        return tensors[value.place]
    if isinstance(value, list | tuple):
        return [_filled(item, tensors) for item in value]
    if isinstance(value, Mapping):
        return {name: _filled(item, tensors) for name, item in value.items()}
    return value


def _end_tensors(tensors: Mapping[tuple[str, int, int], Any], ends: Any) -> Any:
    """The tensors that a model's inputs or outputs are: one, a list, or by name."""
    if isinstance(ends, Mapping):
        return {name: _end_tensors(tensors, end) for name, end in ends.items()}
    if ends and isinstance(ends[0], str):
        return tensors[ends[0], ends[1], ends[2]]
    return [_end_tensors(tensors, end) for end in ends]
