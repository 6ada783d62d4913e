"""From a model that a text has made to the layers of a spec."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.layer import INPUT, Layer
from digitlab.models.paste.keras.initializer import spec_init
from digitlab.models.paste.keras.layer import KerasLayer
from digitlab.models.paste.keras.loosen import loosen
from digitlab.models.paste.keras.model import KerasModel, image_input, image_of, is_input
from digitlab.models.paste.keras.tensor import Tensor, written
from digitlab.models.paste.keras.trace import Node, Trace
from digitlab.models.paste.objects import Instance

# Shapes of images as texts write them, tried in turn where a text names none.
_LIKELY = ((28, 28, 1), (28, 28), (784,), (32, 32, 3), (8, 8, 1), (64,))
_TAKE_SCORES = {"cross-entropy", "focal", "binary"}  # losses that take scores here


@dataclass(frozen=True)
class KerasNetwork:
    """The layers of a model, each with its line, the image [C, H, W] that they take, and init.

    `input_shape` is the image's as Keras writes it, without the batch.
    """

    layers: tuple[tuple[Layer, int | None], ...]
    input: tuple[int, int, int]
    init: str
    input_shape: tuple[int, ...]


def is_model(value: Any) -> bool:
    """Whether a value of a text is a Keras model, or an instance of its own class of models."""
    if isinstance(value, Instance):
        return getattr(value.cls.native, "name", "") in ("Model", "Sequential")
    return isinstance(value, KerasModel)


def read_network(model: Any, trace: Trace, run: Any = None) -> KerasNetwork:
    """The network of a model. Raises SpecError, with the line, where it has no translation."""
    trace.run = run or trace.run
    if isinstance(model, Instance):
        trace.paths[model] = ""
    failure: SpecError | None = None
    fitting: tuple[int, ...] | None = None  # the first shape that passes through at all
    for start in _inputs(model, trace):
        mark = trace.mark()
        try:
            tensor = image_input(trace, start, trace.line) if isinstance(start, tuple) else start
            output = _output(model, trace, tensor)
            if isinstance(start, tuple) and output.rank != 1 and output.shape != start:
                fitting = fitting or start
                raise trace.error(f"gives {written(output)}, which is no score for each class")
            return _network(trace, tensor, output)
        except SpecError as error:
            failure = failure or error
            if not isinstance(start, tuple):
                raise
            trace.forget(mark)
    if fitting is not None:
        tensor = image_input(trace, fitting, trace.line)
        return _network(trace, tensor, _output(model, trace, tensor))
    raise failure


def _inputs(model: Any, trace: Trace) -> Iterator[Tensor | tuple[int, ...]]:
    """The input of a model: its own, or the shapes that it may be made for."""
    known = model.known_input() if isinstance(model, KerasModel) else None
    if isinstance(model, Instance):
        known = model.attributes.get("_input_shape")
        if known is None and isinstance(model.core, KerasModel):
            known = model.core.known_input()
        known = known or next(_named_shapes(model), None)
    if isinstance(known, list | dict):
        trace.refuse(f"has {len(known)} inputs; a spec takes one image", model.line)
    if known is None:
        yield from _LIKELY
        return
    if is_input(known):
        yield known
        return
    shape = known.shape if isinstance(known, Tensor) else tuple(known)
    yield image_input(trace, shape, model.line)


def _named_shapes(model: Instance) -> Iterator[tuple[Any, ...]]:
    """The input shapes that the layers of a text's own model name."""
    for value in model.attributes.values():
        if isinstance(value, KerasLayer) and value.first_shape:
            yield value.first_shape
        elif isinstance(value, KerasModel) and isinstance(value.known_input(), tuple):
            yield value.known_input()


def _output(model: Any, trace: Trace, tensor: Tensor) -> Tensor:
    if isinstance(model, Instance):
        result = model.cls.native.invoke(model, [tensor], {}, trace.run)
    elif getattr(model, "inputs", None) is tensor:
        result = model.outputs
    else:
        result = model.run_on(tensor)
    if isinstance(result, list | tuple | dict) and len(result) == 1:
        result = next(iter(result.values() if isinstance(result, dict) else result))
    if isinstance(result, list | tuple | dict):
        trace.refuse(
            f"gives {len(result)} outputs; a network here gives one. Make a Model of one of them",
            model.line,
        )
    if not isinstance(result, Tensor):
        refuse = getattr(result, "refuse", None)
        if refuse is not None:
            refuse()
        trace.refuse("gives something that is no tensor", model.line)
    return result


def _network(trace: Trace, tensor: Tensor, output: Tensor) -> KerasNetwork:
    output = _scores(trace, tensor, output)
    output = _in_torchs_order(trace, tensor, output)
    nodes = trace.leading_to(output.node)
    if not nodes:
        trace.refuse("has no layers; add at least one")
    _check_inputs(trace, tensor, nodes)
    _check_flat(trace, tensor, output)
    if not trace.exact:
        loosen(nodes)
    _note_scaling(trace, nodes)
    layers = trace.layers(output.node)
    return KerasNetwork(tuple(layers), image_of(tensor), spec_init(trace), tensor.shape)


def _scores(trace: Trace, tensor: Tensor, output: Tensor) -> Tensor:
    """The output without its last softmax or sigmoid, where a loss computes it from scores here:
    that of the text is a cross-entropy, or not known."""
    if trace.losses and not trace.losses & _TAKE_SCORES:
        return output
    node, pixels = output.node, math.prod(tensor.shape)
    if output.rank != 1 or not node.sources:
        return output
    softmax = node.type == "Softmax"
    sigmoid = node.type == "Sigmoid" and 2 <= output.shape[0] < pixels
    if not softmax and not sigmoid:
        return output
    trace.note(
        f"The {node.type.lower()} at the end{_at(node.line)} is left out: cross-entropy takes "
        f"scores here and computes it itself."
        if softmax
        else f"The sigmoid at the end{_at(node.line)} is left out: the {output.shape[0]} scores "
        f"are compared with each other here."
    )
    return output.with_node(node.sources[0], output.shape, output.layout)


def _in_torchs_order(trace: Trace, tensor: Tensor, output: Tensor) -> Tensor:
    """An output that is an image, channels first as the input is."""
    if output.rank == 1:
        return output.flat()
    if output.shape == tensor.shape and tensor.node.type == INPUT:
        return output.arranged(tensor.layout)
    if output.rank == 3 and not trace.exact:
        return output.arranged((2, 0, 1))
    return output


def _check_inputs(trace: Trace, tensor: Tensor, nodes: Sequence[Node]) -> None:
    start = tensor.node.reshaped_from[0] if tensor.node.reshaped_from else tensor.node
    for node in nodes:
        for source in node.sources:
            if source.type == INPUT and source is not start:
                trace.refuse("takes an input that is not the model's own", node.line)


def _check_flat(trace: Trace, tensor: Tensor, output: Tensor) -> None:
    """A Dense that gives an answer for each position, where one for each image is wanted."""
    if output.rank == 1 or math.prod(output.shape) == math.prod(tensor.shape):
        return
    node = output.node
    while node.type in ("Permute", "Softmax", "Sigmoid", "ReLU", "Reshape") and node.sources:
        node = node.sources[0]
    if node.type == "Linear":
        trace.refuse(
            f"gives {written(output)}: a Dense acts on the last axis, so it answers at each "
            f"position. Flatten is missing before it",
            node.line,
        )


def _at(line: int | None) -> str:
    return f" in line {line}" if line else ""


def _note_scaling(trace: Trace, nodes: Sequence[Node]) -> None:
    for node in nodes:
        source = node.sources[0] if node.sources else None
        if node.type == "Scale" and source is not None:
            first = source.reshaped_from[0] if source.reshaped_from else source
            if first.type == INPUT:
                trace.note(
                    f"The pixels are scaled{_at(node.line)}: they are 0 to 255 in Keras and "
                    f"already normalised here; check the numbers."
                )
