"""LSTM, GRU and SimpleRNN, in one direction or both."""

from __future__ import annotations

from typing import Any

from digitlab.models.layer import shown
from digitlab.models.paste.keras.layer import KerasLayer, Kind
from digitlab.models.paste.keras.merge import combine
from digitlab.models.paste.keras.tensor import Tensor

_CELLS = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def _recurrent(layer: KerasLayer, value: Any, initial_state: Any = None) -> Tensor:
    if initial_state is not None:
        layer.refuse("starts with a state of its own; here a recurrent layer starts with zeros")
    return _read(layer, layer, layer.need(value, (2,), "(steps, features)"))


def _read(wrapper: KerasLayer, cell: KerasLayer, x: Tensor, *, both: bool = False) -> Tensor:
    """The states at all steps, or the last one; of `both` directions beside each other."""
    kind = _CELLS[cell.type.name]
    units = cell.whole("units")
    if cell["return_state"]:
        cell.refuse("returns its state, of which a spec has no second output; leave it out")
    if cell["recurrent_dropout"]:
        cell.trace.note(f"recurrent_dropout {cell.place} is left out; PyTorch has none.")
    if cell["dropout"]:
        x = x.apply("Dropout", p=cell.number("dropout"))
    x = x.natural
    if cell["go_backwards"]:
        x = x.apply("Flip", dims=(1,))
    args: dict[str, Any] = {"hidden_size": units, **_functions(cell, kind)}
    if not cell["use_bias"]:
        args["bias"] = False
    if both:
        args["bidirectional"] = True
    _note_biases(cell, kind, units, both)
    size = 2 * units if both else units
    if cell["return_sequences"]:
        node = wrapper.weights(kind, args, x)
        return x.with_node(node, (x.shape[0], size), (0, 1))
    node = wrapper.weights(kind, {**args, "output": "hidden"}, x)
    last = x.with_node(node, (1 + both, units), (0, 1))
    return last.reshape((size,)).flat()


def _functions(cell: KerasLayer, kind: str) -> dict[str, Any]:
    """The arguments that say how a cell computes; refuses what PyTorch's cells do not have."""
    activation = cell["activation"]
    activation = getattr(activation, "word", activation)
    if kind == "RNN" and activation == "relu":
        return {"nonlinearity": "relu"}
    if activation != "tanh":
        cell.refuse(
            f"uses the activation {shown(activation)} in {cell.type.name}, which PyTorch does not "
            f"have; use tanh"
        )
    gate = cell.options.get("recurrent_activation", "sigmoid")
    if getattr(gate, "word", gate) != "sigmoid":
        cell.refuse(
            f"uses the recurrent activation {shown(gate)} in "
            f"{cell.type.name}, which PyTorch does not have; use sigmoid"
        )
    return {}


def _note_biases(cell: KerasLayer, kind: str, units: int, both: bool) -> None:
    """PyTorch's cells have two biases, where of Keras's only the GRU has."""
    if kind == "GRU" and not cell["reset_after"]:
        cell.refuse(
            "resets its state before the matrix product; PyTorch's GRU resets it after, as "
            "Keras's does by default; leave reset_after=False out"
        )
    if cell["use_bias"] and kind != "GRU":
        more = _GATES[kind] * units * (1 + both)
        cell.trace.note(
            f"{cell.type.name} {cell.place} has {more:,} parameters more than in Keras: "
            f"PyTorch's has two biases where Keras's has one."
        )


def _bidirectional(layer: KerasLayer, value: Any) -> Tensor:
    cell, mode = layer["layer"], layer["merge_mode"]
    if not isinstance(cell, KerasLayer) or cell.type.name not in _CELLS:
        layer.refuse(f"reads in both directions by {shown(cell)}; it takes LSTM, GRU or SimpleRNN")
    if layer["backward_layer"] is not None or cell["go_backwards"]:
        layer.refuse("has a backward layer of its own, which PyTorch does not have")
    if not layer.name and not layer.path:
        layer.name = cell.name
    x = _read(layer, cell, layer.need(value, (2,), "(steps, features)"), both=True)
    if mode == "concat":
        return x
    joins = {"sum": "Add", "ave": "Add", "mul": "Multiply"}
    if mode not in joins:
        layer.refuse(f"merges both directions by {shown(mode)}; it takes concat, sum, ave or mul")
    units, dim, shape = cell.whole("units"), x.rank, (*x.shape[:-1], x.shape[-1] // 2)
    halves = []
    for start, stop in ((None, units), (units, None)):
        part = {"dim": dim, "start": start, "stop": stop}
        part = {name: value for name, value in part.items() if value is not None}
        halves.append(x.with_node(layer.trace.add("Slice", part, x.node), shape, x.layout))
    merged = combine(joins[mode], halves)
    return merged.apply("Scale", factor=0.5) if mode == "ave" else merged


def _by_cells(layer: KerasLayer, value: Any) -> Tensor:
    """RNN(LSTMCell(32)) is LSTM(32); several cells are one after the other."""
    cells = layer["cell"]
    if isinstance(cells, KerasLayer) and cells.type.name == "StackedRNNCells":
        cells = cells["cells"]
    cells = list(cells) if isinstance(cells, list | tuple) else [cells]
    x = value
    for index, cell in enumerate(cells):
        name = cell.type.name.removesuffix("Cell") if isinstance(cell, KerasLayer) else ""
        if name not in _CELLS or f"{name}Cell" != cell.type.name:
            layer.refuse(f"makes an RNN of {shown(cell)}; it takes cells such as LSTMCell")
        last = index == len(cells) - 1
        cell.options["return_sequences"] = bool(layer["return_sequences"]) or not last
        cell.type = Kind(name, cell.type.options, cell.type.run)
        wrapper = layer if len(cells) == 1 else cell
        try:
            x = _read(wrapper, cell, layer.need(x, (2,), "(steps, features)"))
        finally:
            cell.type = Kind(f"{name}Cell", cell.type.options, cell.type.run)
    return x


_GATED = "units activation='tanh' recurrent_activation='sigmoid' use_bias=True"
_SIMPLE = "units activation='tanh' use_bias=True"
_MORE = (
    " dropout=0.0 recurrent_dropout=0.0 return_sequences=False return_state=False "
    "go_backwards=False unit_forget_bias=True reset_after=True"
)


def _alone(layer: KerasLayer, *values: Any) -> Any:
    layer.refuse(f"calls {layer.type.name} by itself; put it into RNN(…)")


KINDS = (
    Kind("LSTM", _GATED + _MORE, _recurrent),
    Kind("GRU", _GATED + _MORE, _recurrent),
    Kind("SimpleRNN", _SIMPLE + _MORE, _recurrent),
    Kind("LSTMCell", _GATED + _MORE, _alone),
    Kind("GRUCell", _GATED + _MORE, _alone),
    Kind("SimpleRNNCell", _SIMPLE + _MORE, _alone),
    Kind("StackedRNNCells", "cells", _alone),
    Kind("RNN", "cell return_sequences=False return_state=False", _by_cells),
    Kind("Bidirectional", "layer merge_mode='concat' backward_layer=None", _bidirectional),
)
