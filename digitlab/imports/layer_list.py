"""`LayerList`: an architecture that grows layer by layer while a foreign graph is translated.

Each layer that is added is placed at once, so that its output's shape is known to whatever is
translated next, and brings its weights.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from digitlab.errors import SpecError
from digitlab.models.build import place
from digitlab.models.graph import free_name
from digitlab.models.layer import Layer
from digitlab.models.placement import Assembly, Part, Placement, Shape, Value
from digitlab.models.spec import ModelSpec

AT_INPUT = -1
_VALID_NAME = re.compile(r"[A-Za-z_]\w{0,59}(?:\.\w{1,60}){0,11}", re.ASCII)


class LayerList:
    """Layers with their weights by leaf name ("weight"), and what each of them reads."""

    def __init__(self, shape: Shape, limit: int) -> None:
        self.input, self.limit = shape, limit  # of values in all weights together
        self.layers: list[Layer] = []
        self.reads: list[tuple[int, ...]] = []
        self.parts: list[Part] = []
        self.weights: list[dict[str, np.ndarray]] = []
        self._assembly = Assembly("meta", place)

    def value(self, index: int) -> Value:
        """What the layer at `index` gives; `AT_INPUT` is the network's input."""
        if index == AT_INPUT:
            return Value(self.input)
        return Value(self.parts[index].output_shape, self.parts[index].batched)

    def shape(self, index: int) -> Shape:
        """The shape of what the layer at `index` gives, without the batch."""
        return self.value(index).shape

    def add(
        self,
        kind: str,
        args: Mapping[str, Any],
        *reads: int,
        name: str = "",
        weights: Mapping[str, np.ndarray] | None = None,
    ) -> int:
        """Add a layer that reads those at `reads`; its index. Raises SpecError."""
        return self._append(Layer(kind, args, self._free(name)), reads, weights or {})

    def share(self, origin: int, *reads: int) -> int:
        """Add a layer that shares the weights of the one at `origin`; its index."""
        self._name(origin)
        layer = Layer("Reuse", {"layer": self.layers[origin].name})
        return self._append(layer, reads, {}, self.parts[origin])

    def _append(
        self,
        layer: Layer,
        reads: tuple[int, ...],
        weights: Mapping[str, np.ndarray],
        shared: Part | None = None,
    ) -> int:
        index = len(self.layers)
        inputs = tuple(self.value(read) for read in reads)
        placement = Placement(
            assembly=self._assembly,
            label=f"layer {index + 1}, {layer.type}" + (f" ({layer.name})" if layer.name else ""),
            path=(index,),
            key=layer.name or str(index),
            shape=inputs[0].shape if inputs else (),
            name=layer.name,
            inputs=inputs,
            sources=tuple("" for _ in reads),
            shared=shared,
        )
        part = place(layer, placement.shape or (), placement)
        self.limit -= sum(array.size for array in weights.values())
        if self.limit < 0:
            raise SpecError("The layers have more weights than the file explains.")
        self.layers.append(layer)
        self.reads.append(reads)
        self.parts.append(part)
        self.weights.append(dict(weights))
        return index

    def finish(self, name: str, output: int) -> tuple[ModelSpec, dict[str, np.ndarray]]:
        """The architecture that ends with the layer at `output`, and its weights by their keys.

        Layers that do not lead there are left out, and those that several read get names.
        """
        if output == AT_INPUT:
            raise SpecError("The network gives back its input: it has no layers.")
        indices = self._leading_to(output)
        for position, index in enumerate(indices):
            for read in self.reads[index]:
                if (
                    read != (indices[position - 1] if position else AT_INPUT)
                    or len(self.reads[index]) > 1
                ):
                    self._name(read)
        layers, weights = [], {}
        for position, index in enumerate(indices):
            before = indices[position - 1] if position else AT_INPUT
            layer, reads = self.layers[index], self.reads[index]
            if reads and reads != (before,):
                layer = layer.reading(*(self._called(read) for read in reads))
            layers.append(layer)
            front = layer.name or str(position)
            for leaf, array in self.weights[index].items():
                weights[f"{front}.{leaf}" if leaf else front] = array
        return ModelSpec(name=name, input=self.input, layers=layers), weights

    def _leading_to(self, output: int) -> list[int]:
        indices, waiting = set(), [output]
        by_name = {layer.name: index for index, layer in enumerate(self.layers) if layer.name}
        while waiting:
            index = waiting.pop()
            if index == AT_INPUT or index in indices:
                continue
            indices.add(index)
            waiting += self.reads[index]
            if self.layers[index].type == "Reuse":
                waiting.append(by_name[self.layers[index].args["layer"]])
        return sorted(indices)

    def _name(self, index: int) -> None:
        if index != AT_INPUT and not self.layers[index].name:
            self.layers[index] = self.layers[index].named(self._made_name(index))

    def _called(self, index: int) -> str:
        return "input" if index == AT_INPUT else self.layers[index].name

    def _made_name(self, index: int) -> str:
        return self._free(f"{self.layers[index].type.rpartition('/')[2].lower()}_{index + 1}")

    def _free(self, name: str) -> str:
        """`name` where it can be a layer's name and is not taken, else one like it, or none."""
        name = re.sub(r"[^\w.]", "_", name, flags=re.ASCII).strip("._")
        if not _VALID_NAME.fullmatch(name) or name == "input":
            return ""
        return free_name(name, [layer.name for layer in self.layers if layer.name])


def as_pair(values: Sequence[int]) -> int | list[int]:
    """One number for all sides where they are equal, as a person would write it."""
    return values[0] if len(set(values)) == 1 else list(values)
