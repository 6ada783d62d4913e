"""An ONNX graph as an architecture and its weights: node after node, each as layers.

What leads from raw pixels to the network's first layer (divisions, subtractions) becomes the
normalisation where it is plain; sizes are computed; the names that the author's program gave to
weights become the layers' names.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitlab.errors import NetworkFileError, SpecError
from digitlab.imports.constants import MAX_VALUES, check_size, compact, fold
from digitlab.imports.layer_list import AT_INPUT, LayerList
from digitlab.imports.onnx_operators import OPERATORS
from digitlab.imports.onnx_views import BATCH, View, Views
from digitlab.models.spec import ModelSpec

_SIDE = 28  # of an image whose size the graph leaves free
_PLAIN = 1 / 50  # a first factor below this makes 0…1 of 0…255
# What frameworks add to the name of a layer when they name its weights and nodes.
_ADDED = re.compile(
    r"(?i)^(statefulpartitionedcall|readvariableop\S*|conv2d|conv|matmul|biasadd|gemm|kernel|bias|"
    r"weight|cast\S*|tensordot|lstm|gru|rnn|batchnormalization|output_0|gamma|beta|functional\S*|"
    r"model\S*|sequential\S*|fusedbatchnormv3|separable_conv2d|depthwise)$"
)
_COMPUTED = re.compile(r"_output_\d+$")
_ANONYMOUS = re.compile(r"^(onnx::|val_|const_|_|node_|initializer|\d+$|tensor|variable)")


@dataclass(frozen=True)
class Node:
    """A node of the graph: names of what it reads and gives ("" for an optional input)."""

    op: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: Mapping[str, Any]


class Graph:
    """The translation of one graph; see `translate_onnx`."""

    def __init__(self, data: Mapping[str, Any], constants: Mapping[str, np.ndarray]) -> None:
        self.file_constants, self.constants = set(constants), dict(constants)
        self.limit = MAX_VALUES + 2 * sum(array.size for array in constants.values())
        self.computed = 0  # values of the constants that took memory
        self.nodes = self._without_constants([Node(**node) for node in data["nodes"]])
        self.opset, self.outputs = data["opset"], data["outputs"]
        self.uses = Counter(name for node in self.nodes for name in node.inputs)
        self.uses.update(self.outputs)
        self.placed: dict[tuple[Any, ...], int] = {}
        if len(data["inputs"]) != 1:
            raise NetworkFileError(
                f"The graph has {len(data['inputs'])} inputs; a classifier of images has one."
            )
        self._read_input(data["inputs"][0])

    def _without_constants(self, nodes: Sequence[Node]) -> list[Node]:
        """The nodes that depend on the input; what the others give joins the constants."""
        dependent = []
        for node in nodes:
            names = node.inputs[:1] if node.op == "CastLike" else [n for n in node.inputs if n]
            if names and all(name in self.constants for name in names):
                value = self._fold(node, [self.constants[name] for name in names])
                if value is not None:
                    self.constants[node.outputs[0]] = value
                    continue
            dependent.append(node)
        return dependent

    def _fold(self, node: Node, values: Sequence[np.ndarray]) -> np.ndarray | None:
        """What the node makes of constants; None where that is not known."""
        folded = fold(node.op, values, node.attributes, self.limit - self.computed)
        if folded is None:
            return None
        result = np.asarray(folded)
        if not any(np.may_share_memory(result, value) for value in values):
            self.computed += compact(result).size
        return result

    def _read_input(self, about: Mapping[str, Any]) -> None:
        """The network's input [C, H, W], and how the graph sees it."""
        batch, *sides = about["shape"] or [None]
        shape, order = _image_shape(sides)
        self.layers = LayerList(shape, self.limit)
        self.views = Views(self.layers, batch or BATCH)
        view = self.views.transpose(self.views.of(AT_INPUT), order)
        self.from_pixels = about["type"] == "uint8"
        self.values: dict[str, View] = {}
        names, factor, offset = self._scaling(about["name"])
        self.normalization = None
        if (factor, offset) != (1.0, 0.0) and (self.from_pixels or 0 < factor < _PLAIN):
            pair = (-offset / (255 * factor), 1 / (255 * factor))
            mean, std = (float(f"{value:.6g}") + 0.0 for value in pair)  # a float32's own digits
            self.normalization = (mean, std)
        elif self.from_pixels:
            self.normalization = (0.0, 1 / 255)
        elif (factor, offset) != (1.0, 0.0):
            view = self.keep("Scale", {"factor": factor, "offset": offset}, view)
        sizes = [self.views.batch, *(_SIDE if side is None else side for side in sides)]
        self.values = dict.fromkeys(names, self.views.reshape(view, sizes))

    def _scaling(self, name: str) -> tuple[list[str], float, float]:
        """What scales the input before anything else reads it: the names of the input and of what
        is made of it, and factor and offset together."""
        names, factor, offset = [name], 1.0, 0.0
        while True:
            readers = [node for node in self.nodes if name in node.inputs and not _asks(node, name)]
            number = _number(readers[0], name, self.constants) if len(readers) == 1 else None
            if number is None or name in self.outputs:
                return names, factor, offset
            factor, offset = factor * number[0], offset * number[0] + number[1]
            self.nodes.remove(readers[0])
            name = readers[0].outputs[0]
            names.append(name)

    def run(self) -> None:
        """Translate every node."""
        for node in self.nodes:
            values = [self._value(node, name) for name in node.inputs]
            result = self._result(node, values)
            results = result if isinstance(result, list) else [result]
            for name, value in zip(node.outputs, results, strict=False):
                if isinstance(value, View):
                    self.values[name] = value
                else:
                    self.constants[name] = np.asarray(value)

    def _result(self, node: Node, values: Sequence[Any]) -> Any:
        if node.op == "Shape" and isinstance(values[0], View):
            sizes = self.views.shape(values[0])
            return np.array(sizes[node.attributes.get("start", 0) : node.attributes.get("end")])
        if not any(isinstance(value, View) for value in values):
            folded = self._fold(node, [v for v in values if v is not None])
            if folded is None:
                raise NetworkFileError(
                    f"{node.op[:60]} of constants in the graph is not known here."
                )
            return folded
        if node.op not in OPERATORS:
            raise NetworkFileError(
                f"The graph uses {node.op[:60]}, which is no layer here. Known are "
                f"{', '.join(sorted(OPERATORS))}."
            )
        return OPERATORS[node.op](self, node, [self._in_memory(value) for value in values])

    def _in_memory(self, value: Any) -> Any:
        """A constant small enough to be copied, without a batch of unknown size."""
        if not isinstance(value, np.ndarray):
            return value
        sides = zip(value.shape, value.strides, strict=True)
        spread = [side == BATCH and not stride for side, stride in sides]
        value = value[(..., *(slice(0, 1) if over else slice(None) for over in spread))]
        check_size(value.shape, self.limit)
        return value

    def _value(self, node: Node, name: str) -> Any:
        if not name:
            return None
        if name in self.values:
            return self.values[name]
        if name not in self.constants:
            raise NetworkFileError(f"{node.op} reads {name[:60]!r}, which the graph does not give.")
        return self.constants[name]

    # ---- what operators use

    def add(
        self,
        kind: str,
        args: Mapping[str, Any],
        *views: View,
        node: Node | None = None,
        **weights: np.ndarray | None,
    ) -> View:
        """A layer that reads `views`; with `weights`, one of the node's name. Where a layer has the
        same weights already, it is used again."""
        arrays = {leaf: np.asarray(a) for leaf, a in weights.items() if a is not None}
        reads = [view.index for view in views]
        if not arrays or node is None:
            return self.views.of(self.layers.add(kind, args, *reads))
        same = (kind, str(args), *(name for name in node.inputs if name in self.constants))
        if same in self.placed and len(same) > 2:
            return self.views.of(self.layers.share(self.placed[same], *reads))
        name = self.layer_name(node)
        self.placed[same] = self.layers.add(kind, args, *reads, name=name, weights=arrays)
        return self.views.of(self.placed[same])

    def keep(self, kind: str, args: Mapping[str, Any], view: View) -> View:
        """A layer of each value alone, which leaves the view's arrangement as it is."""
        if kind == "Scale" and (x := self._of_gelu(args, view.index)) is not None:
            return View(self.layers.add("GELU", {}, x), view.groups)
        return View(self.layers.add(kind, args, view.index), view.groups)

    def _of_gelu(self, args: Mapping[str, Any], index: int) -> int | None:
        """Of x · (1 + erf(x / √2)) · 0.5, as exporters write GELU, the x; else None."""
        if args.get("factor") != 0.5 or args.get("offset") or self._kind(index) != "Multiply":
            return None
        x, plus_one = self.layers.reads[index]
        if self._kind(plus_one) != "Scale" or self.layers.layers[plus_one].args.get("offset") != 1:
            return None
        (erf,) = self.layers.reads[plus_one]
        if self._kind(erf) != "Erf" or self._kind(self.layers.reads[erf][0]) != "Scale":
            return None
        scaled = self.layers.reads[erf][0]
        near = abs(self.layers.layers[scaled].args.get("factor", 1) - math.sqrt(0.5)) < 1e-5
        return x if near and self.layers.reads[scaled] == (x,) else None

    def _kind(self, index: int) -> str:
        return self.layers.layers[index].type if index >= 0 else ""

    def is_only_use(self, name: str) -> bool:
        """Whether one node alone reads the value of that name."""
        return self.uses[name] == 1

    def is_constant(self, name: str) -> bool:
        """Whether the value of that name is a constant."""
        return name in self.constants

    def bias(self, node: Node, value: np.ndarray | None) -> np.ndarray | None:
        """The bias of a node; None for zeros that the graph computes because there is none."""
        computed = value is not None and node.inputs[2] not in self.file_constants
        return None if computed and not value.any() else value

    def layer_name(self, node: Node) -> str:
        """The author's name of the layer that has the node's weights; "" without one."""
        names = [name for name in node.inputs[1:4] if not _COMPUTED.search(name)]
        for name in names:
            front, dot, _ = name.rpartition(".")
            if dot and not _ANONYMOUS.match(name):
                return self.tidy(front)
        paths = [name for name in names if "/" in name and not _ANONYMOUS.match(name)]
        for path in [*paths[:1], node.name]:
            parts = [part.partition(":")[0] for part in path.split("/")]
            parts = [part for part in parts if part and not _ADDED.match(part)]
            if parts and "/" in path:
                return self.tidy(_joined(parts))
        return ""

    def tidy(self, name: str) -> str:
        """A name without what digitlab's own exports put before it."""
        name = name.removeprefix("network.")
        return "" if _ANONYMOUS.match(name) else name


def translate_onnx(
    data: Mapping[str, Any], constants: Mapping[str, np.ndarray], name: str
) -> tuple[ModelSpec, dict[str, np.ndarray], tuple[float, float] | None]:
    """The architecture, its weights by key, and the normalisation where the graph has one.

    Raises NetworkFileError for what is no layer here, and SpecError.
    """
    try:
        graph = Graph(data, constants)
        graph.run()
        output = graph.values.get(graph.outputs[0]) if graph.outputs else None
        if output is None:
            raise NetworkFileError("The graph's output does not depend on its input.")
        spec, weights = graph.layers.finish(name, graph.views.plain(output).index)
    except SpecError as e:
        raise NetworkFileError(f"The graph is no architecture here: {e}") from e
    except MemoryError as e:
        raise NetworkFileError("The graph computes more than fits into memory.") from e
    except (ValueError, IndexError, KeyError, TypeError, ArithmeticError) as e:
        # numpy's and Python's own words for a graph whose sizes or attributes contradict themselves
        raise NetworkFileError(
            f"The graph contradicts itself ({str(e)[:120] or type(e).__name__}): export it again."
        ) from e
    return spec, weights, graph.normalization


def _image_shape(sides: Sequence[int | None]) -> tuple[tuple[int, int, int], list[int]]:
    """The image [C, H, W] that an input of these sides takes, and the order in which it has them
    with the batch at the front."""
    known = [_SIDE if side is None else side for side in sides]
    if len(known) == 3:
        last = sides[2] in (1, 3) and sides[0] not in (1, 3)
        channels, *rest = [known[2], *known[:2]] if last else [sides[0] or 1, *known[1:]]
        return (channels, *rest), [0, 2, 3, 1] if last else [0, 1, 2, 3]
    if len(known) == 2:
        return (1, *known), [0, 1, 2, 3]
    side = math.isqrt(known[0]) if len(known) == 1 and sides[0] else 0
    if len(known) == 1 and side**2 == known[0]:
        return (1, side, side), [0, 1, 2, 3]
    shown = " × ".join(str(side or "?") for side in sides)
    raise NetworkFileError(f"The graph reads {shown or 'nothing'}, which is no image.")


def _asks(node: Node, name: str) -> bool:
    """Whether the node asks for the sizes or the type of `name` only."""
    return node.op == "Shape" or (node.op == "CastLike" and node.inputs[0] != name)


def _number(
    node: Node, name: str, constants: Mapping[str, np.ndarray]
) -> tuple[float, float] | None:
    """Factor and offset of a node that scales `name` by one number; None for any other node."""
    if node.op in ("Cast", "Identity"):
        return 1.0, 0.0
    if node.op not in ("Add", "Sub", "Mul", "Div") or len(node.inputs) != 2:
        return None
    other = node.inputs[1 - node.inputs.index(name)]
    if other not in constants or constants[other].size != 1:
        return None
    number, first = float(constants[other].flat[0]), node.inputs[0] == name
    if node.op == "Add":
        return 1.0, number
    if node.op == "Sub":
        return (1.0, -number) if first else (-1.0, number)
    if node.op == "Mul":
        return number, 0.0
    return (1 / number, 0.0) if first and number else None


def _joined(parts: Sequence[str]) -> str:
    """Parts of a node's name as one: torch writes layer1/layer1.0/conv1 for layer1.0.conv1."""
    name = parts[0]
    for part in parts[1:]:
        last = name.rpartition(".")[2]
        if part.startswith(f"{name}."):
            name = part
        elif part.startswith(f"{last}."):
            name = name.removesuffix(last) + part
        else:
            name = f"{name}.{part}"
    return name
