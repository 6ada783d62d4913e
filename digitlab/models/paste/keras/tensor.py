"""`Tensor`: what a Keras layer gives, with its shape as Keras writes it and its place in PyTorch.

Keras writes images as height, width, channels and PyTorch as channels, height, width. A Tensor
keeps both: `shape` is Keras's, `layout` tells for each of PyTorch's dimensions which of Keras's
axes it is. A layer asks for the layout that it needs, and a Permute is made only where the values
lie otherwise. No axis counts the batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from digitlab.models.layer import shown
from digitlab.models.paste.keras.trace import Made, Node, Trace
from digitlab.models.paste.native import Native

Shape = tuple[int, ...]
# PyTorch's dimensions as Keras's axes; None is a dimension of size 1 that Keras does not have.
# An axis of size 1 may be missing.
Layout = tuple[int | None, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Tensor(Native):
    """The values of `node`. Without a batch (`batched` False: learnt or constant) `shape` is all.

    `origin` tells by which call it was made, so that a model can be run again on another tensor.
    """

    trace: Trace
    node: Node
    shape: Shape
    layout: Layout
    batched: bool = True
    origin: tuple[Made, int | None] | None = None

    kind = "a tensor"

    def attribute(self, name: str, run: Any) -> Any:
        return self.trace.language.attribute(self, name, run)

    def item(self, index: Any, run: Any) -> Any:
        return self.trace.language.item(self, index, run)

    def operate(self, operator: str, other: Any, reflected: bool, run: Any) -> Any:
        return self.trace.language.operate(self, operator, other, reflected, run)

    def unary(self, operator: str, run: Any) -> Any:
        return self.trace.language.operate(self, "*", -1 if operator == "-" else 1, False, run)

    def truth(self, run: Any) -> bool:
        run.refuse("decides by the values of a tensor, which are not known before it runs")
        return False

    @property
    def rank(self) -> int:
        """The number of Keras's axes, without the batch."""
        return len(self.shape)

    @property
    def stored(self) -> Shape:
        """The shape in PyTorch, without the batch."""
        return tuple(1 if axis is None else self.shape[axis] for axis in self.layout)

    @property
    def natural(self) -> Tensor:
        """The same values in Keras's order."""
        return self.arranged(range(self.rank))

    def dim(self, axis: int) -> int:
        """The number of PyTorch's dimension for an axis, which must be in the layout."""
        return self.layout.index(axis) + self.batched

    def axis(self, number: Any, extra: int = 0) -> int:
        """The axis that Keras calls `number`, counting the batch; from the end where negative.

        `extra` counts axes that are yet to be made.
        """
        first, rank = int(self.batched), self.rank + extra
        if type(number) is not int or not -rank - first <= number < rank + first:
            self.trace.refuse(
                f"takes axis {shown(number)} of {written(self)}, which has no such axis"
            )
        axis = (number if number >= 0 else number + rank + first) - first
        if axis < 0:
            self.trace.refuse("takes axis 0, which is the images of a batch; they are kept apart")
        return axis

    def with_node(self, node: Node, shape: Sequence[int], layout: Sequence[int | None]) -> Tensor:
        """What a layer makes of this one."""
        return replace(self, node=node, shape=tuple(shape), layout=tuple(layout), origin=None)

    def apply(self, type: str, **args: Any) -> Tensor:
        """A layer that changes each value by itself."""
        return replace(self, node=self.trace.add(type, args, self.node), origin=None)

    def arranged(self, layout: Sequence[int | None]) -> Tensor:
        """The same values with their dimensions in another order; nothing is made where they are.

        All axes of more than one value must be in `layout`.
        """
        layout = tuple(layout)
        target = replace(self, layout=layout)
        if self.layout == layout:
            return self
        mine, theirs = _long_axes(self), _long_axes(target)
        if mine == theirs:
            return replace(target, node=reshaped(self, target.stored))
        if set(self.layout) == set(layout) and None not in layout:
            node, order = self.node, self.layout
        else:
            node, order = reshaped(self, tuple(self.shape[axis] for axis in mine)), mine
            layout = theirs
        dims = [order.index(axis) + self.batched for axis in layout]
        node = _once(self.trace, "Permute", {"dims": dims}, node)
        moved = replace(self, node=node, layout=layout)
        return replace(target, node=reshaped(moved, target.stored))

    def reshape(self, shape: Sequence[int]) -> Tensor:
        """The values in Keras's order in another shape, of as many values."""
        shape = tuple(shape)
        if shape == self.shape:
            return self
        mine = [axis for axis, size in enumerate(self.shape) if size != 1]
        theirs = [axis for axis, size in enumerate(shape) if size != 1]
        if [self.shape[axis] for axis in mine] == [shape[axis] for axis in theirs]:
            renamed = dict(zip(mine, theirs, strict=True))
            return self.with_node(self.node, shape, [renamed.get(axis) for axis in self.layout])
        merged = self._merged_positions(shape)
        if merged is not None:
            return merged
        return self.with_node(reshaped(self.natural, shape), shape, range(len(shape)))

    def flat(self) -> Tensor:
        """A vector whose values lie in one dimension of PyTorch's."""
        return self.arranged((0,))

    def reduced(self, node: Node, axes: Sequence[int], *, keep: bool = False) -> Tensor:
        """What `node` gives, which sums up over these axes and keeps them as sizes of 1 or not."""
        if keep:
            shape = [1 if axis in axes else size for axis, size in enumerate(self.shape)]
            return self.with_node(node, shape, self.layout)
        left = [axis for axis in range(self.rank) if axis not in axes]
        layout = [left.index(axis) for axis in self.layout if axis in left]
        return self.with_node(node, [self.shape[axis] for axis in left], layout)

    def _merged_positions(self, shape: Shape) -> Tensor | None:
        """Channels first, (H, W, C) becomes (H·W, C) where the channels are; else None."""
        last = self.rank - 1
        positions = (last, *range(last))
        if (
            self.rank < 3
            or self.layout != positions
            or shape != (math.prod(self.shape[:-1]), self.shape[-1])
            or self.shape[-1] == 1
        ):
            return None
        return self.with_node(reshaped(self, (shape[1], shape[0])), shape, (1, 0))


def reshaped(tensor: Tensor, stored: Shape) -> Node:
    """The values as they lie, in another shape: a Flatten, an Unflatten or a Reshape."""
    node, before = tensor.node, tensor.stored
    if node.reshaped_from is not None:  # reshape once, from the first shape
        node, before = node.reshaped_from
    if before == stored:
        return node
    type, args = reshape_layer(before, stored) if tensor.batched else ("Reshape", {"shape": stored})
    made = _once(tensor.trace, type, args, node)
    made.reshaped_from = (node, before)
    return made


def reshape_layer(before: Shape, after: Shape) -> tuple[str, dict[str, Any]]:
    """The layer that gives a batch of values of one shape another one, in torch's own words."""
    if len(after) == 1:
        return "Flatten", {}
    front = _common(before, after)
    back = _common(before[front:][::-1], after[front:][::-1])
    middle, new = before[front : len(before) - back], after[front : len(after) - back]
    if not new and front:  # a size of 1 goes: join it with the one before
        front, middle, new = front - 1, (before[front - 1], *middle), (before[front - 1],)
    elif not new:
        middle, new = (*middle, before[len(before) - back]), (before[len(before) - back],)
        back -= 1
    elif not middle and front:
        front, middle, new = front - 1, (before[front - 1],), (before[front - 1], *new)
    elif not middle:
        middle, new = (before[0],), (*new, before[0])
        back -= 1
    if len(new) == 1:
        args: dict[str, Any] = {"start_dim": front + 1, "end_dim": front + len(middle)}
        if args["end_dim"] == len(before):
            args["end_dim"] = -1
        return "Flatten", {k: v for k, v in args.items() if (k, v) not in _FLATTEN}
    if len(middle) == 1:
        return "Unflatten", {"dim": front + 1, "unflattened_size": new}
    return "Reshape", {"shape": after}


_FLATTEN = (("start_dim", 1), ("end_dim", -1))  # torch's own, left out


def written(tensor: Tensor) -> str:
    """The shape as Keras writes it: (None, 28, 28, 1)."""
    sizes = (["None"] if tensor.batched else []) + [str(size) for size in tensor.shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def _long_axes(tensor: Tensor) -> tuple[int, ...]:
    return tuple(a for a in tensor.layout if a is not None and tensor.shape[a] != 1)


def _common(a: Shape, b: Shape) -> int:
    """How many sizes two shapes share at their front."""
    pairs = list(zip(a, b, strict=False))
    return next((index for index, (x, y) in enumerate(pairs) if x != y), len(pairs))


def _once(trace: Trace, type: str, args: dict[str, Any], source: Node) -> Node:
    """A layer that only arranges values, made once for each source."""
    key = (source, type, repr(args))
    if key not in trace.arranged:
        trace.arranged[key] = trace.add(type, args, source)
    return trace.arranged[key]
