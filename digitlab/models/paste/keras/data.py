"""What a text's data looks like: the shapes of MNIST and its kin, without the images.

Texts take sizes from their data, `num_pixels = x_train.shape[1] * x_train.shape[2]`, and that is
all a network needs of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from digitlab.models.layer import shown
from digitlab.models.paste.native import Function, Namespace, Native, Unknown

_IMAGES = {
    "mnist": (60_000, 10_000, (28, 28), 10),
    "fashion_mnist": (60_000, 10_000, (28, 28), 10),
    "cifar10": (50_000, 10_000, (32, 32, 3), 10),
    "cifar100": (50_000, 10_000, (32, 32, 3), 100),
}
_SAME = ("astype", "copy", "numpy")


class Data(Native):
    """An array of so many images or labels; `classes` are the labels', 0 for images."""

    kind = "data"

    def __init__(self, shape: Sequence[int], classes: int = 0) -> None:
        self.shape, self.classes = tuple(shape), classes

    def attribute(self, name: str, run: Any) -> Any:
        if name == "shape":
            return self.shape
        if name == "ndim":
            return len(self.shape)
        if name == "size":
            return math.prod(self.shape)
        if name in _SAME:
            return Function(name, None, lambda run, args, kwargs: self)
        if name == "reshape":
            return Function(name, None, self._reshape)
        if name == "max" and self.classes:
            return Function(name, None, lambda run, args, kwargs: self.classes - 1)
        return Unknown(f"uses .{name} of the data", run.line)

    def _reshape(self, run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        sizes = args[0] if len(args) == 1 and isinstance(args[0], list | tuple) else args
        sizes, total = list(sizes), math.prod(self.shape)
        if any(type(size) is not int for size in sizes):
            return Unknown(f"reshapes the data to {shown(sizes)}", run.line)
        known = math.prod(size for size in sizes if size != -1)
        if sizes.count(-1) == 1 and known:
            sizes[sizes.index(-1)] = total // known
        return Data(sizes, self.classes)

    def item(self, index: Any, run: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        if any(part is Ellipsis for part in parts):
            at = next(i for i, part in enumerate(parts) if part is Ellipsis)
            missing = len(self.shape) - sum(p is not None for p in parts) + 1
            parts = (*parts[:at], *(slice(None),) * missing, *parts[at + 1 :])
        sizes, rest = [], list(self.shape)
        for part in parts:
            if part is None:
                sizes.append(1)
            elif rest and isinstance(part, slice):
                bounds = (part.start, part.stop, part.step)
                if any(type(n) is not int and n is not None for n in bounds) or part.step == 0:
                    return Unknown("takes a part of the data", run.line)
                sizes.append(len(range(*part.indices(rest.pop(0)))))
            elif rest and type(part) is int:
                rest.pop(0)
            else:
                return Unknown("takes a part of the data", run.line)
        return Data([*sizes, *rest], self.classes)

    def operate(self, operator: str, other: Any, reflected: bool, run: Any) -> Any:
        return self

    def unary(self, operator: str, run: Any) -> Any:
        return self

    def length(self, run: Any) -> int:
        return self.shape[0] if self.shape else 0

    def iterate(self, run: Any) -> Any:
        run.refuse("loops over the data, which is not at hand")

    def truth(self, run: Any) -> bool:
        run.refuse("decides by the data, which is not at hand")
        return False


def datasets() -> Namespace:
    """`keras.datasets`, whose `load_data` gives shapes."""
    rooms = {name: Namespace(f"keras.datasets.{name}", {"load_data": _loader(name)})
             for name in _IMAGES}  # fmt: skip
    return Namespace("keras.datasets", rooms)


def _loader(name: str) -> Function:
    train, test, shape, classes = _IMAGES[name]

    def load(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        labels = (1,) if len(shape) == 3 else ()
        return tuple(
            (Data((count, *shape)), Data((count, *labels), classes)) for count in (train, test)
        )

    return Function("load_data", None, load)


def splitting() -> Namespace:
    """`sklearn.model_selection`, whose train_test_split gives two parts of each array."""

    def split(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return [part for array in args for part in (array, array)]

    members = {"train_test_split": Function("train_test_split", None, split)}
    return Namespace("sklearn.model_selection", members)


def one_hot() -> Function:
    """`to_categorical(labels)`: a column for each class."""

    def make(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        arguments = dict(zip(("y", "num_classes"), args, strict=False)) | kwargs
        labels = arguments.get("y", arguments.get("x"))
        classes = arguments.get("num_classes", arguments.get("nb_classes"))
        known = isinstance(labels, Data)
        if not known and type(classes) is not int:
            run.note("The labels are not in the text; ten classes are taken.")
        count = classes if type(classes) is int else (known and labels.classes) or 10
        return Data((labels.shape[0] if known else 1, count))

    return Function("to_categorical", None, make)
