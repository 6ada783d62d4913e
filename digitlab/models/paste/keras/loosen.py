"""Leave out what only keeps Keras's order of values, where learnt weights make no difference.

Keras flattens height, width, channels and PyTorch channels, height, width. A Linear that is learnt
takes either; only weights that were learnt in Keras need their order (`Trace.exact`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from digitlab.models.paste.keras.trace import Node

# Layers that treat every value alike, or each by a weight of its own.
VALUE_BY_VALUE = {
    *("ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "GELU", "SiLU", "Mish", "Sigmoid", "Tanh"),
    *("Softplus", "Softsign", "Hardsigmoid", "Hardswish", "Hardtanh", "CELU", "PReLU", "Dropout"),
    *("AlphaDropout", "BatchNorm1d", "LayerNorm", "Scale", "GaussianNoise", "Clamp", "Power"),
    *("Abs", "Exp", "Sqrt", "Threshold", "LogSigmoid", "Tanhshrink", "Concatenate"),
}


def loosen(nodes: Sequence[Node]) -> None:
    """Take out Permutes before a Flatten that only Linears read, and behind an Unflatten that
    reads a Linear's values; `nodes` are all that lead to an output."""
    readers: dict[Node, list[Node]] = defaultdict(list)
    users: dict[Node, int] = defaultdict(int)
    for node in nodes:
        users[node.shares or node] += 1
        for source in node.sources:
            readers[source].append(node)
    for node in nodes:
        if node.type == "Flatten" and not node.args and len(node.sources) == 1:
            before = node.sources[0]
            if before.type == "Permute" and _only_linears(node, readers, users):
                node.sources = before.sources
        elif node.type == "Permute" and node.sources[0].type == "Unflatten":
            _turn(node, readers, users)


def _only_linears(
    node: Node, readers: Mapping[Node, list[Node]], users: Mapping[Node, int]
) -> bool:
    """Whether all that reads a vector, layer by layer, ends in a Linear that is used once."""
    waiting, seen = [node], set()
    while waiting:
        current = waiting.pop()
        if not readers[current]:
            return False  # the output itself
        for reader in readers[current]:
            if reader.type == "Linear" and users[reader.shares or reader] == 1:
                continue
            if reader.type not in VALUE_BY_VALUE or reader.shares is not None:
                return False
            if users[reader] > 1:
                return False
            if reader not in seen:
                seen.add(reader)
                waiting.append(reader)
    return True


def _turn(permute: Node, readers: Mapping[Node, list[Node]], users: Mapping[Node, int]) -> None:
    """Unflatten straight to the Permute's order, where a Linear learns which value is which."""
    unflatten = permute.sources[0]
    size, dims = unflatten.args["unflattened_size"], permute.args["dims"]
    if unflatten.args["dim"] != 1 or len(size) != len(dims) or readers[unflatten] != [permute]:
        return
    node = unflatten.sources[0]
    while len(readers[node]) == 1:
        if node.type == "Linear":
            if users[node.shares or node] == 1:
                turned = tuple(size[dim - 1] for dim in dims)
                unflatten.args = {"dim": 1, "unflattened_size": turned}
                for reader in readers[permute]:
                    reader.sources = tuple(
                        unflatten if source is permute else source for source in reader.sources
                    )
            return
        if node.type not in VALUE_BY_VALUE - {"Concatenate"} or users[node] > 1 or node.shares:
            return
        node = node.sources[0]
