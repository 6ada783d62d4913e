"""`read_module`: an nn.Module as the data of a spec, with the weights that it holds.

The module is watched while it runs, what it calls is written as layers, and the network that these
layers build is run beside the module: only where both give the same is it the same network.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from digitlab.errors import SpecError
from digitlab.models.layer import Layer
from digitlab.models.layers import list_layers, place_layer
from digitlab.models.modules.functions import FUNCTIONS, base_name
from digitlab.models.modules.graph import BATCHES
from digitlab.models.modules.layers import is_layer, read_layer
from digitlab.models.modules.reader import Reader
from digitlab.models.modules.trace import Ref, trace
from digitlab.models.operations import OPERATIONS, place_operation
from digitlab.models.parameters import WEIGHTS, place_weights
from digitlab.models.placement import Assembly, Part, Placement, Shape
from digitlab.models.sequence_layers import SEQUENCE_LAYERS, place_sequence_layer

TOLERANCE = 1e-4  # between what the module gives and what the spec's network gives


@dataclass(frozen=True)
class ModuleReading:
    """The layers of a module, and its weights under the keys that the built network has."""

    name: str
    layers: tuple[Layer, ...]
    weights: dict[str, torch.Tensor]


def read_module(module: nn.Module, input_shape: Sequence[int]) -> ModuleReading:
    """The layers of `module` for images of `input_shape` (C, H, W).

    Runs the module, on a copy; its weights stay as they are. Raises SpecError that names the
    operation which is no layer, or that the module fails on such images.
    """
    if not isinstance(module, nn.Module):
        raise SpecError(f"from_module takes an nn.Module; not {type(module).__name__}.")
    shape, name = tuple(input_shape), type(module).__name__
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        original = copy.deepcopy(module).cpu().float()
        with torch.no_grad():
            _begin(original, shape)
        layers = _layers(original, shape, name)
        weights = _verified(original, layers, shape, name)
    return ModuleReading(name, tuple(layers), weights)


def _begin(module: nn.Module, shape: Shape) -> None:
    """Let lazy layers find their sizes."""
    lazy = [inner for inner in module.modules() if hasattr(inner, "has_uninitialized_params")]
    if any(inner.has_uninitialized_params() for inner in lazy):
        module(torch.rand(BATCHES[0], *shape))


def _layers(module: nn.Module, shape: Shape, name: str) -> list[Layer]:
    """In training mode, where layers drop and branch as they learn; where that gives several
    outputs, such as those of auxiliary classifiers, as in evaluation."""
    reader = _traced(copy.deepcopy(module).train(), shape, name)
    if not isinstance(reader.small.output, Ref):
        reader = _traced(copy.deepcopy(module).eval(), shape, name)
    output = reader.small.output
    if not isinstance(output, Ref):
        what = type(output).__name__ if not isinstance(output, tuple) else "several tensors"
        raise SpecError(f"{name} gives {what}; an architecture gives one tensor, the logits.")
    for call in reader.calls():
        _read(reader, call)
    if reader.traced(output).kind == "input":
        return [Layer("Identity")]
    value = reader.values.get(output.index)
    if value is None or not value.batched:
        raise SpecError(f"{name} gives what does not depend on the images.")
    if not value.place.plain:
        raise SpecError(f"{name} gives a tensor whose first dimension is not the images.")
    return reader.graph.layers(value.node)


def _traced(module: nn.Module, shape: Shape, name: str) -> Reader:
    runs = []
    for batch in BATCHES:
        torch.default_generator.manual_seed(0)
        runs.append(trace(module, torch.rand(batch, *shape), is_layer))
    return Reader(name, *runs)


def _read(reader: Reader, call: Any) -> None:
    if call.module is not None:
        return read_layer(reader, call)
    function = FUNCTIONS.get(base_name(call))
    if function is not None:
        return function(reader, call)
    if any(index in reader.used for index in call.outputs):
        raise reader.error(call, "is no layer of a spec")
    return None


def _verified(
    module: nn.Module, layers: Sequence[Layer], shape: Shape, name: str
) -> dict[str, torch.Tensor]:
    """The weights in the network of these layers, after it gave what the module gives."""
    sketch = Placement(Assembly("meta", _place)).chain(layers, shape)
    rows = {row.key: row for row in sketch.rows}
    part = Placement(Assembly("cpu", _place, known=rows)).chain(layers, shape)
    own, network = module.state_dict(), part.module
    missing = [key for key in network.state_dict() if key not in own]
    if missing:
        raise SpecError(f"{name} has no weights {missing[0]}, which its layers need.")
    weights = {key: own[key] for key in network.state_dict()}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise SpecError(f"The weights of {name} do not fit its layers ({reason}).") from error
    images = torch.rand(4, *shape)
    with torch.no_grad():
        expected, actual = module.eval()(images.clone()), network.eval()(images)
    expected = expected[0] if isinstance(expected, tuple) else expected
    if expected.numel() != actual.numel() or not torch.allclose(
        expected.reshape(actual.shape).float(), actual, atol=TOLERANCE, rtol=TOLERANCE
    ):
        raise SpecError(
            f"{name} does something that its layers do not say (its outputs differ from theirs); "
            f"a change in place, or code that runs only once, may be the reason."
        )
    return weights


def _place(layer: Layer, shape: Shape, placement: Placement) -> Part:
    for names, place in (
        (OPERATIONS, place_operation),
        (WEIGHTS, place_weights),
        (SEQUENCE_LAYERS, place_sequence_layer),
    ):
        if layer.type in names:
            return place(layer, shape, placement)
    assert layer.type in list_layers(), layer.type
    return place_layer(layer, shape, placement)
