"""Random graphs of layers for property tests: names, shortcuts, joins, weights used again."""

from __future__ import annotations

import math
import random
from typing import Any

from hypothesis import strategies as st

Data = dict[str, dict[str, Any]]
CLASSES = 5
FRONTS = ["", "", "", "stem.", "layer1.0.", "layer1.1.", "layer1.1.down.", "head.", "a.b.c."]


class _Graph:
    """Layers so far, what each gives and which of them each reads."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.layers: list[Data] = []
        self.shapes: list[tuple[int, ...]] = []  # () for a value without a batch
        self.reads: list[list[int]] = []
        self.names: dict[int, str] = {}
        self.front = ""

    def add(self, kind: str, gives: tuple[int, ...], reads: list[int], /, **args: Any) -> int:
        self.layers.append({kind: args})
        self.shapes.append(gives)
        self.reads.append(reads)
        index = len(self.layers) - 1
        if self.rng.random() < 0.2:
            self.front = self.rng.choice(FRONTS)
        has_weights = kind in ("Conv2d", "Linear", "BatchNorm2d", "LSTM", "Parameter")
        if self.rng.random() < (0.7 if has_weights else 0.15):
            self.name(index)
        return index

    def name(self, index: int) -> str:
        number = self.rng.random() < 0.15
        word = str(index) if number else f"v{index}"
        if number and not self.front:
            word = f"n{index}"
        return self.names.setdefault(index, f"{self.front}{word}")

    def shape(self, index: int) -> tuple[int, ...]:
        return self.shapes[index] if index >= 0 else (1, 8, 8)

    def data(self) -> list[Data]:
        """The YAML form: sources are named where a layer does not read the one before it."""
        for index, reads in enumerate(self.reads):
            if reads != [index - 1]:
                for read in reads:
                    if read >= 0:
                        self.name(read)
        layers = []
        for index, (layer, reads) in enumerate(zip(self.layers, self.reads, strict=True)):
            ((kind, args),) = layer.items()
            head: dict[str, Any] = {"name": self.names[index]} if index in self.names else {}
            implied = reads == [index - 1] and self.rng.random() < 0.9
            if reads and not (implied or (reads == [index - 1] and index - 1 not in self.names)):
                head["from"] = [self.names[read] if read >= 0 else "input" for read in reads]
            layers.append({kind: {**head, **args}})
        return layers


def _step(graph: _Graph, at: int) -> int:
    """One more layer after the value `at`."""
    rng, shape = graph.rng, graph.shape(at)
    alike = [i for i, other in enumerate(graph.shapes) if other == shape and i != at]
    choice = rng.random()
    if alike and choice < 0.25:
        joins = ["Add", "Add", "Multiply", "Subtract", "Maximum", "Concatenate"]
        kind = rng.choice(joins)
        result = (2 * shape[0], *shape[1:]) if kind == "Concatenate" else shape
        return graph.add(kind, result, rng.sample([at, rng.choice(alike)], 2))
    if choice < 0.3 and math.prod(shape) < 4096:
        parameter = graph.add("Parameter", (), [], shape=list(shape[-1:]), init="normal", std=0.1)
        graph.name(parameter)
        return graph.add(rng.choice(["Add", "Multiply"]), shape, [at, parameter])
    if choice < 0.38:
        for again, layer in enumerate(graph.layers):
            kind = next(iter(layer))
            if kind in ("Conv2d", "Linear", "ReLU") and again in graph.names:
                source = graph.shape(graph.reads[again][0])
                if source == shape and kind != "ReLU":
                    return graph.add("Reuse", graph.shapes[again], [at], layer=graph.names[again])
    if choice < 0.55:
        kind = rng.choice(["ReLU", "Tanh", "Dropout", "Sigmoid", "GELU"])
        return graph.add(kind, shape, [at])
    if choice < 0.62:
        return graph.add("Scale", shape, [at], factor=rng.choice([0.5, -1, 2]), offset=1)
    return _of_rank[len(shape)](graph, at, shape)


def _image(graph: _Graph, at: int, shape: tuple[int, ...]) -> int:
    rng, (channels, height, width) = graph.rng, shape
    kind = rng.randrange(8)
    if kind < 3:
        out = rng.choice([channels, 4, 6])
        return graph.add("Conv2d", (out, height, width), [at], out_channels=out, kernel_size=3,
                         padding=1)  # fmt: skip
    if kind == 3:
        return graph.add("BatchNorm2d", shape, [at])
    if kind == 4 and min(height, width) > 1:
        return graph.add("MaxPool2d", (channels, height // 2, width // 2), [at], kernel_size=2)
    if kind == 5:
        return graph.add("Mean", (channels,), [at], dim=[2, 3])
    if kind == 6:
        return graph.add("Flatten", (channels, height * width), [at], start_dim=2)
    inner = [{"Conv2d": {"out_channels": channels, "kernel_size": 1}}]
    return graph.add("Residual", shape, [at], layers=inner)


def _sequence(graph: _Graph, at: int, shape: tuple[int, ...]) -> int:
    rng, (steps, size) = graph.rng, shape
    kind = rng.randrange(6)
    if kind == 0:
        output = rng.choice(["sequence", "hidden"])
        result = (steps, 4) if output == "sequence" else (1, 4)
        return graph.add("LSTM", result, [at], hidden_size=4, output=output)
    if kind == 1:
        heads = 2 if size % 2 == 0 else 1
        return graph.add("MultiheadAttention", shape, [at], num_heads=heads)
    if kind == 2:
        return graph.add("Transpose", (size, steps), [at], dim0=1, dim1=2)
    if kind == 3:
        return graph.add("Select", (size,), [at], dim=1, index=-1)
    if kind == 4:
        return graph.add("Slice", (1, size), [at], dim=1, start=0, stop=1)
    return graph.add("Linear", (steps, 6), [at], out_features=6)


def _vector(graph: _Graph, at: int, shape: tuple[int, ...]) -> int:
    (size,) = shape
    if graph.rng.random() < 0.2 and size % 2 == 0:
        return graph.add("Reshape", (2, size // 2), [at], shape=[2, -1])
    out = graph.rng.choice([size, 6, 8])
    return graph.add("Linear", (out,), [at], out_features=out)


_of_rank = {1: _vector, 2: _sequence, 3: _image}


@st.composite
def any_graph(draw: Any) -> list[Data]:
    """A list of layers that fit, for images of 1 × 8 × 8, giving `CLASSES` values."""
    graph = _Graph(draw(st.randoms(use_true_random=False)))
    for _ in range(draw(st.integers(1, 10))):
        values = [-1, *(i for i, shape in enumerate(graph.shapes) if shape)]
        _step(graph, graph.rng.choice([values[-1], values[-1], *values[-4:]]))
    ends = []
    for index, shape in enumerate(list(graph.shapes)):
        if shape and not any(index in reads for reads in graph.reads):
            flat = index if len(shape) == 1 else graph.add("Flatten", (math.prod(shape),), [index])
            ends.append(graph.add("Linear", (CLASSES,), [flat], out_features=CLASSES))
    if len(ends) > 1:
        graph.add("Add", (CLASSES,), ends)
    return graph.data()
