"""`Placement`: where in a spec a layer is placed, and `Part`: the module that is made there.

Layers and blocks know nothing of each other: each is given the shape that reaches it and a
Placement, by which a block places its inner layers and both raise errors that name the layer. This
module builds nothing itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from digitlab.errors import SpecError
from digitlab.models.graph import REUSE, is_graph, resolve, reused
from digitlab.models.layer import Layer

if TYPE_CHECKING:
    from torch import nn

MAX_PLACED = 2_000  # layers of a whole network, every repetition counted
MAX_VALUES = 2**24  # values (floats) one layer may give for one image

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Value:
    """What a layer gives for one image: its shape without the batch.

    Parameters and what is computed from them alone are not `batched`: there is one of them for all
    images, and the shape is the whole tensor's.
    """

    shape: Shape
    batched: bool = True


@dataclass(frozen=True)
class Row:
    """One line of a `ModelSummary`: a layer or block, and what it does to one image.

    `path` is the place in the spec (SpecError's), `key` the one in the network (`"3.layers.0"`,
    the front of its state_dict's keys; repetitions differ in it). Shapes are without the batch.
    `parameters` are those of the row with all rows under it, `share` their part of the whole
    network (0 to 1). `operations` are multiply-adds or comparisons for one image (forward),
    `values` the floats that it gives, with those of all under it. `receptive_field` is how much of
    the input image one value can see, in pixels along each of its sides; None where that has no
    meaning. `made` holds a torch layer's arguments with the inferred ones, as torch gets them.
    `name` is the layer's own in a graph, `sources` the keys of the rows that it reads ("" for what
    reaches its list) and `input_shapes` what these give; `input_shape` is the first of them.
    """

    path: tuple[int | str, ...]
    key: str
    depth: int
    label: str
    kind: str
    arguments: str
    input_shape: Shape
    output_shape: Shape
    parameters: int
    operations: int
    share: float = 0.0
    values: int = 0
    receptive_field: Shape | None = None
    made: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    sources: tuple[str, ...] = ()
    input_shapes: tuple[Shape, ...] = ()

    @property
    def activation_bytes(self) -> int:
        """Memory of what it gives for one image, as float32."""
        return 4 * self.values


@dataclass(frozen=True)
class Part:
    """The module made at a Placement, the shape it gives and its rows in the summary.

    `operations` and `values` are those that no row counts; `batched` is a Value's. The module of
    a layer Parameter is the nn.Parameter itself.
    """

    module: nn.Module
    output_shape: Shape
    rows: tuple[Row, ...]
    operations: int = 0
    values: int = 0
    batched: bool = True


@dataclass
class Assembly:
    """One pass over a spec: on which device, by which function, and how many layers so far."""

    device: str  # "meta" to find shapes, "cpu" to make weights
    place: Callable[[Layer, Shape, Placement], Part]
    known: Mapping[str, Row] = field(default_factory=dict)  # by key, from an earlier pass
    count: int = 0


@dataclass(frozen=True)
class Placement:
    """Where a layer stands in a spec and which shape reaches it.

    `label` names it in messages ("layer 4, Residual › layer 1"). The outermost Placement is the
    spec itself: it has no label and no shape.
    """

    assembly: Assembly
    label: str = ""
    path: tuple[int | str, ...] = ()
    key: str = ""
    depth: int = 0
    shape: Shape | None = field(default=None)
    name: str = ""
    inputs: tuple[Value, ...] = ()
    sources: tuple[str, ...] = ()
    shared: Part | None = None  # of a Reuse, the layer whose weights it shares

    def error(self, message: str, *, argument: str | None = None) -> SpecError:
        """A SpecError about this layer; `message` begins with a verb."""
        path = (*self.path, argument) if argument else self.path
        text = f"{self.label[0].upper()}{self.label[1:]}, {message}" if self.label else message
        return SpecError(text, layer=self.label or None, path=path, shape=self.shape)

    def check_values(self, shape: Shape) -> None:
        """Raise SpecError for an output `shape` of more values than a layer may give."""
        if math.prod(shape) > MAX_VALUES:
            raise self.error(
                f"gives {written(shape)} values for one image; at most {MAX_VALUES:,} are "
                f"allowed. Shrink the image or shape."
            )

    def chain(
        self,
        layers: Sequence[Layer],
        shape: Shape,
        *steps: int | str,
        key: str = "",
        note: str = "",
    ) -> Part:
        """Place `layers` one after the other; `shape` reaches the first.

        `steps` lead from this layer to the list in the spec, `key` to the list's module, and `note`
        names the list where a block has several ("branch 2").
        """
        from torch import nn

        from digitlab.models.network import GraphNetwork, check_names

        within = partial(self._within, steps=steps, key=key, note=note)
        reads = self._checked(resolve, layers, within)
        self._checked(check_names, layers, within)
        keys = [layer.name or str(index) for index, layer in enumerate(layers)]
        held = list(keys)  # where each layer's weights are; of a Reuse, those of another layer
        values, parts = [Value(shape)], []
        for index, layer in enumerate(layers):
            self.count()
            placement = within(
                index,
                layer,
                inputs=tuple(values[read + 1] for read in reads[index]),
                sources=tuple(
                    join_key(self.key, key, keys[read]) if read >= 0 else ""
                    for read in reads[index]
                ),
            )
            origin = reused(layers, index) if layer.type == REUSE else None
            if origin is not None:
                held[index], placement = held[origin], replace(placement, shared=parts[origin])
            parts.append(self.assembly.place(layer, placement.shape, placement))
            values.append(Value(parts[-1].output_shape, parts[-1].batched))
        if not values[-1].batched:
            raise placement.error(
                "gives the same for every image; join it with one that sees them."
            )
        modules = [part.module for part in parts]
        network = (
            GraphNetwork(held, modules, reads) if is_graph(layers) else nn.Sequential(*modules)
        )
        return Part(network, values[-1].shape, tuple(row for part in parts for row in part.rows))

    def _checked(
        self,
        check: Callable[[Sequence[Layer]], Any],
        layers: Sequence[Layer],
        within: Callable[..., Placement],
    ) -> Any:
        """What `check` says of a list; a SpecError of it is raised as one about its layer."""
        try:
            return check(layers)
        except SpecError as error:
            index, *rest = error.path or (0,)
            argument = rest[0] if rest else None
            raise within(index, layers[index]).error(error.message, argument=argument) from error

    def _within(
        self,
        index: int,
        layer: Layer,
        *,
        steps: tuple[int | str, ...],
        key: str,
        note: str,
        inputs: tuple[Value, ...] = (),
        sources: tuple[str, ...] = (),
    ) -> Placement:
        """The placement of a layer of the list at `steps`."""
        inside = [*([self.label] if self.label else []), *([note] if note else [])]
        title = f"layer {index + 1}, {layer.type}" + (f" ({layer.name})" if layer.name else "")
        return Placement(
            assembly=self.assembly,
            label=" › ".join([*inside, title]),
            path=(*self.path, *steps, index),
            key=join_key(self.key, key, layer.name or str(index)),
            depth=self.depth + bool(self.label),
            shape=inputs[0].shape if inputs else (),
            name=layer.name,
            inputs=inputs,
            sources=sources,
        )

    def inside(self, name: str, shape: Shape) -> Placement:
        """The placement of a layer that a block adds, such as a shortcut's convolution."""
        return Placement(
            assembly=self.assembly,
            label=f"{self.label} › {name}",
            path=(*self.path, name),
            key=join_key(self.key, name),
            depth=self.depth + 1,
            shape=shape,
            inputs=(Value(shape),),
            sources=("",),
        )

    def row(
        self, layer: Layer, output_shape: Shape, *, shown: Mapping[str, Any], **fields: Any
    ) -> Row:
        """The summary's row of `layer` with the other `fields` of a Row; `shown` are the arguments
        that it shows."""
        return Row(
            path=self.path,
            key=self.key,
            depth=self.depth,
            label=layer.type,
            arguments=", ".join(f"{name}={short(value)}" for name, value in shown.items()),
            input_shape=self.shape or (),
            output_shape=output_shape,
            name=self.name,
            sources=self.sources,
            input_shapes=tuple(value.shape for value in self.inputs),
            **fields,
        )

    def count(self, layers: int = 1) -> None:
        """Count layers towards `MAX_PLACED`. Raises SpecError when there are too many."""
        self.assembly.count += layers
        if self.assembly.count > MAX_PLACED:
            raise self.error(f"makes more than {MAX_PLACED:,} layers; repeat fewer times.")


def join_key(*keys: str) -> str:
    """Parts of a module's name in its network, joined: ("3", "", "0") is "3.0"."""
    return ".".join(key for key in keys if key)


def written(shape: Shape) -> str:
    """A shape as a person writes it: (8, 14, 14) is "8×14×14"."""
    return "×".join(str(size) for size in shape)


def short(value: Any) -> str:
    """An argument's value as a table shows it."""
    if isinstance(value, tuple):
        return "(" + ", ".join(short(item) for item in value) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)
