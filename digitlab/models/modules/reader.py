"""`Reader`: the calls of a traced module, one after the other, as nodes of a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from digitlab.errors import SpecError
from digitlab.models.arguments import LayerSignature
from digitlab.models.layer import INPUT_SIZES
from digitlab.models.modules.graph import (
    AT_INPUT,
    BATCHES,
    Graph,
    Place,
    Shape,
    Value,
    count,
    find_place,
)
from digitlab.models.modules.trace import Call, Ref, Trace, TracedValue, leaves, mapped


class Batch(int):
    """A whole number among the arguments that is the number of images, or so many times it."""


class Reader:
    """Two traces of one module, with batches of 2 and of 3 images, and what became of them."""

    def __init__(self, owner: str, small: Trace, large: Trace) -> None:
        self.owner, self.small, self.large = owner, small, large
        self.graph = Graph()
        self.values: dict[int, Value] = {}
        self.parameters: dict[str, int] = {}
        self.used = {ref.index for call in small.calls for ref in _refs((call.args, call.kwargs))}
        self.used |= {ref.index for ref in _refs(small.output)}
        if [call.name for call in small.calls] != [call.name for call in large.calls]:
            raise SpecError(f"{owner} does other things for another number of images.")

    def calls(self) -> list[Call]:
        """The calls, with Batch where an argument is the number of images."""
        return [
            Call(
                call.name,
                call.path,
                self._merged(call.args, other.args, call),
                self._merged(call.kwargs, other.kwargs, call),
                call.outputs,
                call.module,
            )
            for call, other in zip(self.small.calls, self.large.calls, strict=True)
        ]

    def _merged(self, small: Any, large: Any, call: Call) -> Any:
        others = iter(leaves(large))

        def merge(item: Any) -> Any:
            other = next(others)
            if type(item) is int and type(other) is int and item != other:
                if item * BATCHES[1] != other * BATCHES[0]:
                    raise self.error(call, "computes with the number of images")
                return Batch(item // BATCHES[0])
            return item

        return mapped(merge, small)

    def error(self, call: Call, problem: str) -> SpecError:
        """A SpecError about a call; `problem` begins with a verb."""
        what = call.name.strip("_") + (f" in {call.path}" if call.path else "")
        return SpecError(f"{self.owner} cannot be an architecture: {what} {problem}.")

    # ---- tensors

    def traced(self, ref: Ref) -> TracedValue:
        """The tensor of the first trace."""
        return self.small.values[ref.index]

    def shape(self, ref: Ref) -> Shape:
        """Its shape, with the batch of 2."""
        return self.traced(ref).shape

    def place(self, index: int, call: Call) -> Place:
        """Where the batch lies in a traced tensor."""
        small, large = self.small.values[index].shape, self.large.values[index].shape
        try:
            return find_place(small, large)
        except (SpecError, ValueError) as error:
            message = getattr(error, "message", "changes its shape with the number of images")
            raise self.error(call, message) from error

    def value(self, ref: Any, call: Call) -> Value:
        """What gives a tensor that a call reads; a Parameter or Constant is added when first read.

        Raises SpecError for numbers that a spec cannot hold.
        """
        if not isinstance(ref, Ref):
            raise self.error(call, f"takes {type(ref).__name__} where a layer takes a tensor")
        traced, place = self.traced(ref), self.place(ref.index, call)
        if traced.kind == "input":
            return Value(AT_INPUT, place)
        if traced.kind == "parameter":
            if traced.name not in self.parameters:
                args = {"shape": traced.shape, **_init(traced.tensor)}
                self.parameters[traced.name] = self.graph.add(
                    "Parameter", args, (), name=traced.name
                )
            return Value(self.parameters[traced.name], place, batched=False)
        if ref.index in self.values:
            return self.values[ref.index]
        if traced.kind == "random":
            raise self.error(call, "draws random numbers, which only Dropout and GaussianNoise do")
        return self._constant(traced, place, call)

    def _constant(self, traced: TracedValue, place: Place, call: Call) -> Value:
        number = self.uniform(traced.tensor)
        if number is None:
            what = f"the buffer {traced.name}" if traced.name else "a table of fixed numbers"
            raise self.error(
                call,
                f"reads {what}, which a spec cannot hold; make it an nn.Parameter, which is learnt",
            )
        shape = list(traced.shape)
        if place.axis is not None:
            shape[place.axis] = 1
        args = {"shape": shape or [1], "value": number}
        hint = traced.name.rpartition(".")[2] or "constant"
        return Value(self.graph.add("Constant", args, (), hint=hint), place, batched=False)

    @staticmethod
    def uniform(tensor: torch.Tensor) -> float | None:
        """The number that a tensor holds everywhere; None for one of several."""
        if not tensor.numel() or tensor.is_complex():
            return None
        tensor = tensor.detach()
        first = tensor.flatten()[0]
        return float(first) if bool((tensor == first).all()) else None

    def number(self, item: Any, other: Shape = ()) -> float | None:
        """The number that an argument is: Python's, or a constant no larger than `other`."""
        if isinstance(item, bool | Batch):
            return None
        if isinstance(item, int | float):
            return item
        if not isinstance(item, Ref) or self.traced(item).kind not in ("constant", "buffer"):
            return None
        if item.index in self.values or (
            count(self.shape(item)) > 1
            and (torch.broadcast_shapes(self.shape(item), other) != other)
        ):
            return None
        return self.uniform(self.traced(item).tensor)

    # ---- nodes

    def add(self, call: Call, kind: str, args: Mapping[str, Any], inputs: Sequence[Value]) -> int:
        """A node without weights that reads `inputs`."""
        whole = call.module is not None and call.path
        hint = call.path if whole else ".".join(filter(None, (call.path, kind.lower())))
        args = {name: _plain(value) for name, value in args.items()}
        return self.graph.add(kind, args, [value.node for value in inputs], hint=hint)

    def weighted(
        self, path: str, kind: str, args: Mapping[str, Any], inputs: Sequence[Value]
    ) -> int:
        """A node with the weights that the module holds under `path`."""
        args = {name: _plain(value) for name, value in args.items()}
        return self.graph.add(kind, args, [value.node for value in inputs], name=path)

    def give(self, call: Call, node: int, *, output: int = 0, batched: bool = True) -> None:
        """Say that an output of the call is what `node` gives."""
        index = call.outputs[output]
        self.values[index] = Value(node, self.place(index, call), batched)

    def same(self, call: Call, value: Value) -> None:
        """Say that the call gives the tensor that it read, perhaps in another form."""
        self.give(call, value.node, batched=value.batched)

    def output_place(self, call: Call, output: int = 0) -> Place:
        return self.place(call.outputs[output], call)


def constant_shape(place: Place) -> Shape:
    """The whole shape of a tensor of parameters; a batch in it has the size 1."""
    if place.axis is None:
        return place.shape
    return (*place.shape[: place.axis], 1, *place.shape[place.axis :])


def shortest(signature: LayerSignature, args: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as a person writes them: without defaults and sizes of the input, (3, 3) as 3."""
    short = {}
    for argument in signature.arguments:
        name = argument.name
        if name not in args or name in INPUT_SIZES or name == "inplace":
            continue
        value = _plain(args[name])
        if name == "stride" and signature.kind == "pooling":
            value = None if value in ((), _plain(args["kernel_size"])) else value
        if isinstance(value, tuple) and value and name not in _LISTS and len(set(value)) == 1:
            value = value[0]
        if argument.required or value != _plain(argument.default):
            short[name] = value
    return short


_LISTS = ("unflattened_size",)  # where (4, 4) is not 4


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Size | tuple | list):
        return tuple(_plain(item) for item in value)
    return value


def _refs(value: Any) -> list[Ref]:
    return [item for item in leaves(value) if isinstance(item, Ref)]


def _init(tensor: torch.Tensor) -> dict[str, Any]:
    """How a Parameter begins: as the module's does, as near as a spec can say it."""
    number = Reader.uniform(tensor)
    if number is not None:
        if number in (0, 1):
            return {"init": "ones"} if number else {}
        return {"init": "constant", "value": number}
    std = float(tensor.detach().std())
    return {"init": "normal", "std": float(f"{std:.3g}")}


def has_weights(module: nn.Module) -> bool:
    """Whether a module has keys in a state_dict."""
    return bool(module.state_dict())
