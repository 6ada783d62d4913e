"""What a text decides by a tensor's values: places of the largest ones, `x > 0`.

No layer gives these. But a network that ends with argmax is told by its scores, and a choice
between x and a multiple of it is an activation.
"""

from __future__ import annotations

from typing import Any

from digitlab.models.paste.native import Function, Native, Unknown
from digitlab.models.paste.tensor import Fresh, Tensor

_SAME = (
    "cpu",
    "detach",
    "numpy",
    "data",
    "squeeze",
    "long",
    "int",
    "to",
    "view",
    "flatten",
    "item",
)
_NUMBERS = ("float", "to", "type_as", "double", "half", "int", "long", "detach")
_ORDERS = ("<", "<=", ">", ">=")


class _Decision(Native):
    """Numbers that no layer gives, which become Unknown where they are computed with."""

    reason = ""

    def to_tensor(self, run: Any) -> Unknown:
        """What a layer gets of them."""
        return Unknown(self.reason, run.line)

    def attribute(self, name: str, run: Any) -> Any:
        return self.to_tensor(run)

    def item(self, index: Any, run: Any) -> Any:
        return self.to_tensor(run)

    def operate(self, operator: str, other: Any, reflected: bool, run: Any) -> Any:
        return self.to_tensor(run)

    def unary(self, operator: str, run: Any) -> Any:
        return self.to_tensor(run)

    def compare(self, operator: str, other: Any, run: Any) -> Any:
        return self.to_tensor(run)

    def truth(self, run: Any) -> bool:
        run.refuse("decides by a tensor's values, which differ from image to image")


class Places(_Decision):
    """Where the largest of each image's scores stands: `x.argmax(1)`."""

    kind = "places of the largest values"
    reason = "uses the places of max values, which no layer gives"

    def __init__(self, values: Tensor, line: int) -> None:
        self.values, self.line = values.seen(values.step), line

    def scores(self, run: Any) -> Tensor:
        """What the places are taken of, without a softmax, which does not move them."""
        run.note(f"Line {self.line} gives the class of the largest score; the scores are read.")
        step = self.values.step
        while step.type in ("Softmax", "LogSoftmax") and step.args.get("dim") in (1, -1):
            step = step.sources[0]
        return self.values.seen(step)

    def attribute(self, name: str, run: Any) -> Any:
        if name == "data":
            return self
        if name in _SAME:
            return Function(name, None, lambda run, args, kwargs: self)
        return super().attribute(name, run)


def places(tensor: Tensor, dim: Any, run: Any) -> Any:
    """`tensor.argmax(dim)`: of each image's scores, or Unknown."""
    scores = tensor.plain and len(tensor.step.shape) == 1 and dim in (1, -1)
    return Places(tensor, run.line) if scores else Unknown(Places.reason, run.line)


class Positive(_Decision):
    """`x > 0` (also >=), or with `negative` its opposite, as truth or as 1 and 0."""

    kind = "a comparison"
    reason = "compares a tensor's values, which differ from image to image"

    def __init__(self, values: Tensor, negative: bool) -> None:
        self.values, self.negative = values, negative
        self.step = values.step

    def attribute(self, name: str, run: Any) -> Any:
        if name in _NUMBERS:
            return Function(name, None, lambda run, args, kwargs: self)
        return super().attribute(name, run)

    def of(self, value: Any) -> bool:
        """Whether `value` is the tensor that was compared, as it was then."""
        return (
            isinstance(value, Tensor)
            and value.step is self.step
            and (value.axis, value.lead) == (self.values.axis, self.values.lead)
        )

    def operate(self, operator: str, other: Any, reflected: bool, run: Any) -> Any:
        if operator == "*" and not self.negative and self.of(other):
            return other.then("ReLU", {}, run)
        return self.to_tensor(run)

    def chosen(self, input: Any, other: Any, run: Any) -> Any:
        """`torch.where(self, input, other)`."""
        above, below = (other, input) if self.negative else (input, other)
        if not self.of(above):
            return self.to_tensor(run)
        if self._is_zero(below):
            return above.then("ReLU", {}, run)
        if isinstance(below, Tensor) and (below.axis, below.lead) == (above.axis, above.lead):
            args = self._activation(below.step)
            if args is not None:
                return above.then(*args, run)
        return self.to_tensor(run)

    def _is_zero(self, value: Any) -> bool:
        """Whether a value is 0, or as many zeros as numbers were compared."""
        if isinstance(value, Fresh):
            like = value.like is not None and value.like.step.shape == self.step.shape
            zeros = value.init == "constant" and not value.args.get("value")
            return zeros and (like or value.dims in ((), (1,)))
        return isinstance(value, int | float) and not value

    def _activation(self, step: Any) -> tuple[str, dict[str, Any]] | None:
        """The activation that gives `step` below zero and changes nothing above."""
        factor = 1.0
        if (
            step.type == "Scale"
            and step.args.get("factor", 1.0) >= 0
            and (not step.args.get("offset"))
        ):
            factor, step = step.args.get("factor", 1.0), step.sources[0]
        if step is self.step:
            return "LeakyReLU", {"negative_slope": factor}
        minus = step.type == "Scale" and dict(step.args) == {"offset": -1.0}
        if minus and step.sources[0].type == "Exp" and step.sources[0].sources[0] is self.step:
            return "ELU", {} if factor == 1 else {"alpha": factor}
        return None


def compared(tensor: Tensor, operator: str, other: Any, run: Any) -> Any:
    """`tensor > 0` and the like; Unknown for other comparisons."""
    if isinstance(other, int | float) and not other and operator in _ORDERS:
        return Positive(tensor, operator in ("<", "<="))
    return Unknown(Positive.reason, run.line)


def where(run: Any, condition: Any, input: Any, other: Any) -> Any:
    """`torch.where(x > 0, x, 0.1 * x)`: an activation; of other conditions Unknown."""
    if isinstance(condition, Positive):
        return condition.chosen(input, other, run)
    unknown = condition if isinstance(condition, Unknown) else None
    return unknown or Unknown("chooses by torch.where, which no layer does", run.line)
