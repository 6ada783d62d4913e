"""An ONNX graph as the JSON that `network.js` runs."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import ExportError

if TYPE_CHECKING:
    import onnx

SCRIPT = Path(__file__).with_name("network.js")
# Weights of at least this many elements are stored with half precision, which moves probabilities
# by less than 0.002 (see the tests); biases and statistics, which are vectors, stay as they are.
MANY = 256
# Layers that `network.js` never computes; of others it may lack what some of their arguments need.
LACKING = frozenset({"Fold", "Conv3d", "ConvTranspose3d", "AvgPool3d", "LPPool3d", "MaxPool3d"})
_LARGEST = 6e4  # of half precision's numbers


def pack_graph(model: bytes, outputs: Sequence[str]) -> dict[str, Any]:
    """The graph of an ONNX file from `images` to these outputs, JSON-ready.

    `nodes` are in order, each with its operator, the names of its inputs and outputs, and its
    attributes; `tensors` say of each constant its kind, its shape and where it starts in `values`,
    all of them in base64. Raises ExportError, which names the layers that `network.js` lacks.
    """
    import onnx
    from onnx import inliner

    graph = inliner.inline_local_functions(onnx.load_from_string(model)).graph
    nodes = _needed(graph.node, outputs)
    if unknown := sorted({_layer(node) for node in nodes if not _is_computed(node)}):
        raise ExportError(
            f"A web page cannot compute {', '.join(unknown)}, which this network needs. Export it "
            "as onnx instead."
        )
    packed = _Packed()
    for tensor in graph.initializer:
        if any(tensor.name in node.input for node in nodes):
            packed.add(tensor.name, onnx.numpy_helper.to_array(tensor))
    rows = [row for node in nodes if (row := _row(node, packed))]
    values = base64.b64encode(packed.values).decode()
    return {"nodes": rows, "outputs": list(outputs), "tensors": packed.tensors, "values": values}


@cache
def operators() -> frozenset[str]:
    """The operators of ONNX that `network.js` computes."""
    table = SCRIPT.read_text("utf-8").split("const OPERATORS = {")[1].split("\n};")[0]
    return frozenset(re.findall(r"^  (\w+):", table, re.MULTILINE))


def _is_computed(node: onnx.NodeProto) -> bool:
    axes = next((len(a.ints) for a in node.attribute if a.name == "kernel_shape"), 0)
    return axes <= 2 and node.op_type in operators() | {"Constant"}


def _layer(node: onnx.NodeProto) -> str:
    """The layer of torch.nn that a node is part of, where the exporter tells; else its operator."""
    names = next((p.value for p in node.metadata_props if p.key.endswith("class_hierarchy")), "")
    layers = re.findall(r"torch\.nn\.modules\.(?!container)[\w.]*?(\w+)'", names)
    return layers[-1] if layers else node.op_type


class _Packed:
    """Constants one after another, each at a multiple of four bytes."""

    def __init__(self) -> None:
        self.values = bytearray()
        self.tensors: dict[str, dict[str, Any]] = {}

    def add(self, name: str, array: np.ndarray) -> None:
        kind, stored = _stored(array)
        self.tensors[name] = {"kind": kind, "shape": list(array.shape), "start": len(self.values)}
        self.values += stored.astype(stored.dtype.newbyteorder("<")).tobytes()
        self.values += bytes(-len(self.values) % 4)


def _stored(array: np.ndarray) -> tuple[str, np.ndarray]:
    if array.dtype.kind == "f":
        is_matrix = sum(size > 1 for size in array.shape) > 1
        small = is_matrix and array.size >= MANY and np.abs(array).max() < _LARGEST
        return ("half", array.astype(np.float16)) if small else ("float", array.astype(np.float32))
    if array.dtype.itemsize == 1:
        return "byte", array.astype(np.uint8)
    limits = np.iinfo(np.int32)  # the end of a slice may be the largest number of 64 bits
    return "int", np.clip(array, limits.min, limits.max).astype(np.int32)


def _needed(nodes: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> list[onnx.NodeProto]:
    """The nodes that the outputs depend on, in their order."""
    tensor_names, needed = set(outputs), []
    for node in reversed(nodes):
        if tensor_names.intersection(node.output):
            tensor_names.update(node.input)
            needed.append(node)
    return needed[::-1]


def _row(node: onnx.NodeProto, packed: _Packed) -> dict[str, Any] | None:
    """A node, JSON-ready; a constant is put among the tensors, and is no node."""
    import onnx

    attributes, row = {}, {"op": node.op_type, "inputs": list(node.input)}
    for attribute in node.attribute:
        value = onnx.helper.get_attribute_value(attribute)
        if isinstance(value, onnx.TensorProto):
            row["value"] = f"{node.output[0]}:{attribute.name}"
            value = onnx.numpy_helper.to_array(value)
        if node.op_type == "Constant":
            packed.add(node.output[0], np.asarray(value))
            return None
        if isinstance(value, np.ndarray):
            packed.add(row["value"], value)
        else:
            attributes[attribute.name] = _plain(value)
    return {**row, "outputs": list(node.output), "attributes": attributes}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
