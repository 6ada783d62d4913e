"""An ONNX file as plain data: nodes, inputs and outputs, with its constants as arrays.

Read in `worker`'s process. Nothing of the graph is run; `onnx_graph` translates it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import inliner, numpy_helper

from digitlab.errors import NetworkFileError

MAX_NODES = 20_000
_MAX_TEXT = 200_000  # characters of a metadata entry
_MAX_LISTED = 1_000  # values of an attribute's tensor

_OURS = ("", "ai.onnx")


def read_onnx(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The constants by name, and the graph as plain data. Raises NetworkFileError."""
    model = onnx.load_model(path, load_external_data=False)
    if model.functions:
        model = inliner.inline_local_functions(model)
    graph = model.graph
    if len(graph.node) > MAX_NODES:
        raise NetworkFileError(
            f"The graph has {len(graph.node):,} nodes; at most {MAX_NODES:,} are read."
        )
    if not graph.node or graph.sparse_initializer:
        raise NetworkFileError("The file holds no ONNX graph with dense weights.")
    constants = {tensor.name: _array(tensor) for tensor in graph.initializer}
    nodes = [_node(node, constants) for node in graph.node]
    data = {
        "opset": max((o.version for o in model.opset_import if o.domain in _OURS), default=1),
        "nodes": [node for node in nodes if node],
        "inputs": [_input(value) for value in graph.input if value.name not in constants],
        "outputs": [value.name for value in graph.output],
        "metadata": {m.key[:200]: m.value[:_MAX_TEXT] for m in model.metadata_props[:50]},
        "producer": model.producer_name[:80],
    }
    return constants, data


def _array(tensor: onnx.TensorProto) -> np.ndarray:
    """A tensor's values; of floats as float32, of whole numbers as int64."""
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise NetworkFileError(
            "The weights of this ONNX file lie in another file; save it as one file "
            "(in PyTorch: torch.onnx.export(..., external_data=False))."
        )
    if tensor.data_type == onnx.TensorProto.STRING:
        raise NetworkFileError("The ONNX file holds texts as tensors; a classifier has none.")
    array = numpy_helper.to_array(tensor)
    kind = np.float32 if array.dtype.kind not in "iub" else np.int64
    if array.dtype.kind == "b":
        kind = np.bool_
    return np.array(array, kind, order="C")  # 0 dimensions stay 0


def _node(node: onnx.NodeProto, constants: dict[str, np.ndarray]) -> dict[str, Any] | None:
    """A node as plain data; None for a Constant, which joins the constants."""
    if node.domain not in _OURS:
        raise NetworkFileError(
            f"The graph uses {node.domain[:60]}.{node.op_type[:60]}, an operator of its own, which "
            "is not executed. Export it with ONNX's standard operators."
        )
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "Constant":
        constants[node.output[0]] = _constant(attributes)
        return None
    return {
        "op": node.op_type,
        "name": node.name[:200],
        "inputs": list(node.input),
        "outputs": list(node.output),
        "attributes": {key: _plain(node, value) for key, value in attributes.items()},
    }


def _constant(attributes: Mapping[str, Any]) -> np.ndarray:
    (value,) = attributes.values()
    if isinstance(value, onnx.TensorProto):
        return _array(value)
    array = np.array(value)
    return array.astype(np.float32 if array.dtype.kind == "f" else np.int64)


def _plain(node: onnx.NodeProto, value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")[:1_000]
    if isinstance(value, onnx.TensorProto):
        array = _array(value)
        if array.size > _MAX_LISTED:
            raise NetworkFileError(f"An attribute of {node.op_type} is a large tensor.")
        return array.tolist()
    if isinstance(value, onnx.GraphProto):
        raise NetworkFileError(
            f"The graph branches or loops ({node.op_type[:60]}), which no list of layers can say."
        )
    if isinstance(value, list | tuple):
        return [_plain(node, item) for item in value]
    return value


def _input(value: onnx.ValueInfoProto) -> dict[str, Any]:
    """An input's name, element type (as numpy calls it) and sizes, None where a size is free."""
    tensor = value.type.tensor_type
    sizes = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
    kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    return {"name": value.name, "type": np.dtype(kind).name, "shape": sizes}
