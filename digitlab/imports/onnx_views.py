"""`View`: a tensor of an ONNX graph, seen through the reshapes and transposes that lead to it.

ONNX graphs are full of rearrangements (channels last and back, steps before the batch, heads beside
the batch) that layers of PyTorch, whose batch comes first, do not need. They are kept apart from
the layers: a dimension of a View is a product of dimensions of the layer's output, in some order.
Only where an operator needs its values in order do Permute and Reshape become layers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from digitlab.errors import NetworkFileError
from digitlab.imports.layer_list import LayerList

BATCH = 1_000_003  # stands for a batch size that is free: a prime, so that products show it
Group = tuple[int, ...]


@dataclass(frozen=True)
class View:
    """The output of the layer at `index`. `groups` are the dimensions as ONNX has them, each the
    layer's dimensions whose product it is (0 is the batch); an empty one has the size 1."""

    index: int
    groups: tuple[Group, ...]

    @property
    def is_plain(self) -> bool:
        """Whether it is the layer's output as it is."""
        return self.groups == tuple((dim,) for dim in range(len(self.groups)))


class Views:
    """The layers so far, and what rearranges their outputs. `batch` is the size of the batch in
    the graph, `BATCH` where it is free."""

    def __init__(self, layers: LayerList, batch: int) -> None:
        self.layers, self.batch = layers, batch

    def of(self, index: int) -> View:
        """The output of a layer as it is."""
        return View(index, tuple((d,) for d in range(1 + len(self.layers.shape(index)))))

    def shape(self, view: View) -> list[int]:
        """The sizes as ONNX has them, the batch among them."""
        return [math.prod(self._size(view.index, dim) for dim in group) for group in view.groups]

    def _size(self, index: int, dim: int) -> int:
        return self.layers.shape(index)[dim - 1] if dim else self.batch

    def transpose(self, view: View, order: Sequence[int]) -> View:
        """The dimensions in another order."""
        return View(view.index, tuple(view.groups[axis] for axis in order))

    def unsqueeze(self, view: View, axes: Sequence[int]) -> View:
        """With dimensions of size 1 at `axes` of the result."""
        groups, rank = list(view.groups), len(view.groups) + len(axes)
        for axis in sorted(axis % rank for axis in axes):
            groups.insert(axis, ())
        return View(view.index, tuple(groups))

    def reshape(self, view: View, target: Sequence[int]) -> View:
        """With the sizes `target`, one of which may be -1; 0 is not allowed here."""
        sizes, whole = list(target), math.prod(self.shape(view))
        if -1 in sizes:
            rest = math.prod(size for size in sizes if size != -1)
            sizes[sizes.index(-1)] = whole // max(rest, 1)
        if math.prod(sizes) != whole:
            raise NetworkFileError(
                f"A Reshape in the graph makes {self._shown(target)} of "
                f"{self._shown(self.shape(view))}, which are not as many values."
            )
        split = self._regroup(view, sizes)
        if split is not None:
            return split
        plain = self.plain(view)
        if sizes[0] != self.batch:
            raise NetworkFileError("A Reshape in the graph mixes the images of a batch.")
        return self._reshaped(plain.index, sizes[1:])

    def _regroup(self, view: View, sizes: Sequence[int]) -> View | None:
        """The reshape without moving values: whole dimensions joined or one split in two."""
        atoms = [dim for group in view.groups for dim in group]
        groups: list[Group] = []
        for position, size in enumerate(sizes):
            group, product = [], 1
            while atoms and (product < size or self._is_batch_of_one(atoms[0], position)):
                here = self._size(view.index, atoms[0])
                if product * here > size:
                    part = size // product
                    if not atoms[0] or product * part != size or here % part:
                        return None
                    return self.reshape(self._split(view, atoms[0], part), sizes)
                group.append(atoms.pop(0))
                product *= here
            if product != size:
                return None
            groups.append(tuple(group))
        groups[-1] += tuple(atoms)  # of size 1
        return View(view.index, tuple(groups))

    def _is_batch_of_one(self, dim: int, position: int) -> bool:
        return self.batch == 1 and dim == 0 and position == 0

    def _split(self, view: View, dim: int, part: int) -> View:
        """The same, with the layer's dimension `dim` as two, of which the first has `part`."""
        shape = self.layers.shape(view.index)
        split = [*shape[: dim - 1], part, shape[dim - 1] // part, *shape[dim:]]
        index = self.layers.add("Reshape", {"shape": split}, view.index)

        def moved(old: int) -> Group:
            return (old, old + 1) if old == dim else (old + (old > dim),)

        groups = tuple(tuple(new for old in group for new in moved(old)) for group in view.groups)
        return View(index, groups)

    def ordered(self, view: View) -> View:
        """With the layer's dimensions in the view's order, but for the batch, which comes first."""
        order = [dim for group in view.groups for dim in group if dim]
        if order == sorted(order):
            return view
        index = self.layers.add("Permute", {"dims": order}, view.index)
        place = {0: 0, **{dim: position + 1 for position, dim in enumerate(order)}}
        return View(index, tuple(tuple(place[dim] for dim in group) for group in view.groups))

    def merged(self, view: View) -> View:
        """With one dimension of the layer for each of the view's, but for those with the batch."""
        view = self.ordered(view)
        if all(len(group) == 1 or self._joins_batch(view, group) for group in view.groups):
            return view
        sizes, groups = [], []
        for group in view.groups:
            if 0 in group:
                places = []
                for dim in group:
                    size = self._size(view.index, dim)
                    if dim and size > 1:
                        sizes.append(size)
                        places.append(len(sizes))
                    elif not dim:
                        places.append(0)
                groups.append(tuple(places))
            else:
                sizes.append(math.prod(self._size(view.index, dim) for dim in group))
                groups.append((len(sizes),))
        return View(self._reshaped(view.index, sizes).index, tuple(groups))

    def _joins_batch(self, view: View, group: Group) -> bool:
        return 0 in group and all(self._size(view.index, dim) > 1 for dim in group if dim)

    def _reshaped(self, index: int, sizes: Sequence[int]) -> View:
        if tuple(sizes) == self.layers.shape(index):
            return self.of(index)
        if len(sizes) == 1:
            return self.of(self.layers.add("Flatten", {}, index))
        return self.of(self.layers.add("Reshape", {"shape": list(sizes)}, index))

    def plain(self, view: View) -> View:
        """With the values in ONNX's order, the batch first. Raises NetworkFileError."""
        if not self.layers.value(view.index).batched:
            return view
        view = self.merged(view)
        if not view.is_plain:
            raise NetworkFileError(
                "The graph moves the batch away from the first dimension, or joins it with "
                "another, before an operator that mixes them."
            )
        return view

    def at(self, view: View, axis: int) -> tuple[View, int]:
        """The view with a dimension of the layer's own at `axis`, and that dimension's number."""
        if len(view.groups[axis]) != 1:
            view = self.merged(view)
        group = view.groups[axis]
        if group == (0,):
            raise NetworkFileError("An operator in the graph reaches across the images of a batch.")
        if len(group) != 1:
            raise NetworkFileError("The graph joins the batch with another dimension.")
        return view, group[0]

    def without(self, view: View, index: int, dim: int) -> View:
        """The view of the layer at `index`, which gives what `view` is without dimension `dim`."""
        groups = tuple(
            tuple(old - (old > dim) for old in group if old != dim) for group in view.groups
        )
        axis = next(axis for axis, group in enumerate(view.groups) if dim in group)
        return View(index, (*groups[:axis], *groups[axis + 1 :]))

    def _shown(self, sizes: Sequence[int]) -> str:
        return "×".join("N" if size == self.batch else str(size) for size in sizes)
