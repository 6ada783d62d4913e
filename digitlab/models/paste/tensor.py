"""`Tensor`: a tensor as a text sees it, with its shape and any number of images.

In a spec each value is batch first, or has no batch (`Step`). A text may move the batch (time
first), fold sizes into it (`x.view(b * t, c)`) or see a parameter expanded to it. A Tensor holds
the step and how the text sees it:

    axis    where the batch stands among the sizes that the text sees; None without a batch
    lead    how many sizes of the step, behind its batch, the text sees folded into the batch
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from digitlab.models.paste.arithmetic import kind
from digitlab.models.paste.native import Function, Native, Run, Unknown
from digitlab.models.paste.trace import Shape, Step, Trace


class Batch(Native):
    """The number of images, any number, times a `factor`: what `x.size(0)` gives."""

    kind = "the number of images"

    def __init__(self, factor: int = 1) -> None:
        self.factor = factor

    def whole(self, run: Run) -> Batch:
        """`int(n)`."""
        return self

    def operate(self, operator: str, other: Any, reflected: bool, run: Run) -> Any:
        if operator == "*" and isinstance(other, int):
            return Batch(self.factor * other)
        if operator in ("//", "/") and not reflected:
            if isinstance(other, int) and other and self.factor % other == 0:
                return Batch(self.factor // other)
            if isinstance(other, Batch) and self.factor % other.factor == 0:
                return self.factor // other.factor
        if isinstance(other, Unknown | Tensor | Fresh):
            return NotImplemented
        run.refuse(
            f"computes with the number of images by {operator}, which differs from batch to batch"
        )

    def compare(self, operator: str, other: Any, run: Run) -> Any:
        if isinstance(other, Batch) and operator in ("==", "!="):
            return (self.factor == other.factor) == (operator == "==")
        return Unknown("compares the number of images, which differs from batch to batch", run.line)

    def attribute(self, name: str, run: Run) -> Any:
        if name == "item":
            return Function("item", "", lambda run: self)
        return super().attribute(name, run)

    def text(self, run: Run) -> str:
        return "N"


Dim = int | Batch
_FRESH = ("view", "reshape", "unsqueeze", "expand", "repeat")


MAX_TABLE = 100_000  # numbers of a table that a text computes
_OF_NUMBERS: dict[str, Callable[[Any], Any]] = {
    **{name: getattr(np, name) for name in ("sin", "cos", "exp", "log", "sqrt", "tanh", "square")},
    "abs": np.abs,
    "neg": np.negative,
    "reciprocal": np.reciprocal,
}
_OF_TWO: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "//": np.floor_divide,
    "%": np.mod,
    "**": np.power,
}


def _is_plain(index: Any) -> bool:
    """Whether an index is made of whole numbers, slices of them and None."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None
        or part is ...
        or type(part) is int
        or (
            isinstance(part, slice)
            and all(end is None or type(end) is int for end in (part.start, part.stop, part.step))
            and part.step != 0
        )
        for part in parts
    )


class Fresh(Native):
    """A tensor of numbers alone: `torch.zeros(…)`, `torch.randn(…)`, not learnt and not computed.

    `init` is constant, normal, uniform or range; `args` are the arguments of a layer Parameter
    (std, low, high, value) or of a range (start, step).
    """

    kind = "a tensor of numbers"
    shown = False  # whether it is repeated for each image

    def __init__(
        self, dims: Sequence[Dim], init: str, like: Tensor | None = None, **args: float
    ) -> None:
        self.dims, self.init, self.args = tuple(dims), init, args
        self.like = like  # a tensor of this shape, where the text named one
        self.whole: Fresh | None = None  # of which it is a part
        self._numbers: np.ndarray | None = None  # of a table that the text computes

    # ---- its numbers, where they are known and few

    def numbers(self, run: Run) -> np.ndarray | None:
        """The numbers themselves: of a constant, a range, or what a text computed of these."""
        if self._numbers is None and self.init in ("constant", "range"):
            if not all(type(dim) is int for dim in self.dims):
                return None
            if not 0 < math.prod(self.dims) <= MAX_TABLE:
                return None
            run.charge(math.prod(self.dims) // 64)
            if self.init == "range":
                self._numbers = np.broadcast_to(np.arange(self.dims[-1], dtype=float), self.dims)
            else:
                self._numbers = np.full(self.dims, float(self.args.get("value", 0.0)))
        return self._numbers

    @classmethod
    def table(cls, numbers: np.ndarray, run: Run) -> Any:
        """A tensor of numbers that are known."""
        if numbers.size > MAX_TABLE or not np.isfinite(numbers).all():
            return Unknown("computes a table of numbers that is too large", run.line)
        run.charge(numbers.size // 64)
        made = cls(numbers.shape, "written")
        made._numbers = numbers
        return made

    def mapped(self, name: str, run: Run) -> Any:
        """`torch.sin(table)` and the like; None where the numbers are not known."""
        numbers = self.numbers(run)
        if numbers is None or name not in _OF_NUMBERS:
            return None
        with np.errstate(all="ignore"):
            return self.table(_OF_NUMBERS[name](numbers), run)

    def combined(self, operator: str, other: Any, reflected: bool, run: Run) -> Any:
        """An operator with a number or another table; None where one is not known."""
        if isinstance(other, Fresh):
            theirs: Any = other.numbers(run)
        else:
            theirs = other if isinstance(other, int | float) else None
        ours = self.numbers(run)
        if ours is None or theirs is None or operator not in _OF_TWO:
            return None
        pair = (theirs, ours) if reflected else (ours, theirs)
        try:
            if np.broadcast(*pair).size > MAX_TABLE:
                return None
            with np.errstate(all="ignore"):
                return self.table(_OF_TWO[operator](*(np.asarray(x, float) for x in pair)), run)
        except ValueError:
            run.refuse(f"uses {operator} on tables of numbers whose sizes do not fit")

    def attribute(self, name: str, run: Run) -> Any:
        if name == "shape":
            return self.dims
        if (
            name in ("T", "t", "transpose")
            and self.numbers(run) is not None
            and (len(self.dims) == 2)
        ):
            flipped = self.table(self.numbers(run).T, run)
            return (
                flipped if name == "T" else Function(name, None, lambda run, args, kwargs: flipped)
            )
        if name == "flatten" and self.numbers(run) is not None:
            return Function(name, "start=0", self._flat)
        if name in _FRESH:
            return Function(name, None, lambda run, args, kwargs: self._shaped(name, args, run))
        method = Tensor.methods.get(name)
        if method is not None:
            return bound(method, self)
        return Unknown(f"uses .{name} of a tensor, which cannot be read", run.line)

    def _flat(self, run: Run, start: Any) -> Any:
        numbers = self.numbers(run)
        if numbers is None or type(start) is not int or not 0 <= start < numbers.ndim:
            run.refuse("flattens a table of numbers in a way that cannot be read")
        return self.table(numbers.reshape((*numbers.shape[:start], -1)), run)

    def _shaped(self, name: str, args: list[Any], run: Run) -> Any:
        """The same kind of numbers in another shape."""
        sizes = list(args[0]) if args and isinstance(args[0], list | tuple) else args
        dims = list(self.dims)
        if any(type(size) is not int and not isinstance(size, Batch) for size in sizes):
            return Unknown("shapes a table of numbers, which cannot be read", run.line)
        if name == "unsqueeze" and len(sizes) == 1 and type(sizes[0]) is int:
            dims.insert(sizes[0] if sizes[0] >= 0 else len(dims) + 1 + sizes[0], 1)
        elif name in ("expand", "repeat") and len(sizes) >= len(dims):
            dims = [1] * (len(sizes) - len(dims)) + dims
            dims = [
                size if have == 1 and (isinstance(size, Batch) or size != -1) else have
                for have, size in zip(dims, sizes, strict=True)
            ]
        elif name in ("view", "reshape") and all(type(size) is int for size in (*sizes, *dims)):
            known = math.prod(size for size in sizes if size != -1)
            total = math.prod(dims)
            dims = [total // known if size == -1 and known else size for size in sizes]
        else:
            return Unknown("shapes a table of numbers, which cannot be read", run.line)
        moved = self.init == "range" and dims[-1:] != list(self.dims[-1:])
        made = Fresh(dims, "written" if moved else self.init, **self.args)
        made.whole = self
        numbers = self.numbers(run) if made.init == "written" else None
        if numbers is None:
            return made
        if all(type(dim) is int for dim in dims):
            if math.prod(dims) == numbers.size:
                made._numbers = numbers.reshape(dims)
            elif 0 < math.prod(dims) <= MAX_TABLE:
                made._numbers = np.broadcast_to(numbers, dims)
        elif isinstance(dims[0], Batch):
            rows = numbers.reshape((1,) * (len(dims) - numbers.ndim) + numbers.shape)
            if rows.shape == (1, *dims[1:]):
                made._numbers, made.shown = rows, True
        return made

    def operate(self, operator: str, other: Any, reflected: bool, run: Run) -> Any:
        if self.init in ("range", "written") or (isinstance(other, Fresh) and not run_trace(run)):
            made = self.combined(operator, other, reflected, run)
            if made is not None:
                return made
        if isinstance(other, int | float):
            return self._scaled(operator, float(other), reflected, run)
        if isinstance(other, Fresh) and run_trace(run) is None:
            return Unknown("computes a table of numbers, which cannot be read", run.line)
        if isinstance(other, Unknown):
            return NotImplemented
        return Tensor.binary(operator, self, other, reflected, run)

    def _scaled(self, operator: str, number: float, reflected: bool, run: Run) -> Any:
        if operator == "/" and not reflected and number:
            operator, number = "*", 1 / number
        factor = {"*": number, "-": -1.0 if reflected else 1.0, "+": 1.0}.get(operator)
        shift = {"*": 0.0, "-": number if reflected else -number, "+": number}.get(operator)
        if factor is None or shift is None or self.init == "range":
            return Unknown(f"computes numbers by {operator}, which cannot be read", run.line)
        args = dict(self.args)
        if self.init == "constant":
            args["value"] = args.get("value", 0.0) * factor + shift
        elif self.init == "uniform":
            ends = [args.get("low", 0.0) * factor + shift, args.get("high", 1.0) * factor + shift]
            args["low"], args["high"] = sorted(ends)
        else:
            args["std"] = abs(args.get("std", 1.0) * factor)
            args["mean"] = args.get("mean", 0.0) * factor + shift
        return Fresh(self.dims, self.init, **args)

    def unary(self, operator: str, run: Run) -> Any:
        return self._scaled("*", -1.0, False, run) if operator == "-" else self

    def compare(self, operator: str, other: Any, run: Run) -> Any:
        return Unknown("compares a tensor's values", run.line)

    def item(self, index: Any, run: Run) -> Any:
        numbers = self.numbers(run) if _is_plain(index) else None
        if numbers is not None and not (self.init == "range" and isinstance(index, slice)):
            try:
                part = numbers[index]
            except IndexError:
                run.refuse("indexes a table of numbers outside of its sizes")
            if np.ndim(part) == 0:
                return float(part)
            made = Fresh(part.shape, "written" if self.init == "range" else self.init, **self.args)
            made._numbers, made.whole = part, self
            return made
        if isinstance(index, tuple):  # h0[0, :, :]
            whole = all(part == slice(None) for part in index[1:])
            return self.item(index[0], run) if whole and index else super().item(index, run)
        made = self._part(index)
        if made is None:
            return Unknown("takes a part of a table of numbers, which cannot be read", run.line)
        made.whole = self
        return made

    def _part(self, index: Any) -> Fresh | None:
        dims = self.dims
        if isinstance(index, int) and dims:
            return Fresh(dims[1:], self.init, **self.args)
        first = isinstance(index, slice) and index.start in (None, 0) and index.step in (None, 1)
        if first and type(index.stop) is int and dims and type(dims[0]) is int:
            return Fresh((min(index.stop, dims[0]), *dims[1:]), self.init, **self.args)
        return None

    def set_item(self, index: Any, value: Any, run: Run) -> None:
        numbers = self.numbers(run)
        values = value.numbers(run) if isinstance(value, Fresh) else value
        known = isinstance(values, int | float | np.ndarray) and _is_plain(index)
        if numbers is not None and known:
            try:
                if not numbers.flags.writeable:
                    numbers = self._numbers = numbers.copy()
                numbers[index] = values
            except (IndexError, ValueError):
                run.refuse("writes into a table of numbers what does not fit")
        part: Fresh | None = self
        while part is not None and (numbers is None or not known):
            part._numbers, part = None, part.whole
        part = self
        while part is not None:
            part.init, part.args, part.like = "written", {}, None
            part = part.whole

    def become(self, value: Any, run: Run) -> Any:
        self.set_item(None, None, run)
        if isinstance(value, Fresh) and self.whole is None:
            self.dims, self.init, self.args = value.dims, value.init, value.args
            return self
        return value

    def length(self, run: Run) -> Any:
        return self.dims[0] if self.dims else run.refuse("takes the length of a number")

    def truth(self, run: Run) -> bool:
        run.refuse("decides by a tensor's values, which are not known")

    def parameter(self, run: Run) -> dict[str, Any]:
        """The arguments of the layer Parameter that begins so."""
        if self.init in ("range", "written"):
            run.refuse("makes a parameter of a table of numbers, which no layer holds")
        if any(not isinstance(dim, int) for dim in self.dims):
            run.refuse("makes a parameter of the batch's size")
        init, args = self.init, {k: float(v) for k, v in self.args.items()}
        if init == "constant":
            value = args.get("value", 0.0)
            init = {0.0: "zeros", 1.0: "ones"}.get(value, "constant")
            args = {"value": value} if init == "constant" else {}
        usual = {"mean": 0.0, "std": 1.0, "low": 0.0, "high": 1.0}
        args = {name: value for name, value in args.items() if value != usual.get(name)}
        return {"shape": self.dims, "init": init, **args}


def run_trace(run: Any) -> Trace | None:
    """The trace that is being made; None in a constructor."""
    return getattr(run, "trace", None)


def bound(function: Function, first: Any) -> Function:
    """A function as a method of its first argument."""
    return Function(
        function.name, None, lambda run, args, kwargs: function.call([first, *args], kwargs, run)
    )


def in_place(function: Function) -> Function:
    """A method such as `x.relu_()`, which changes its tensor."""

    def body(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        result = function.call(args, kwargs, run)
        return args[0].become(result, run) if isinstance(args[0], Native) else result

    return Function(f"{function.name}_", None, body)


class Memory:
    """The tensors that are the same numbers in memory; `whole` is that of which it is a part."""

    def __init__(self, whole: Memory | None = None) -> None:
        self.whole = whole
        self.tensors: list[Tensor] = []
        self.parts: list[Memory] = []
        if whole is not None:
            whole.parts.append(self)

    def view(self, tensor: Tensor) -> None:
        """Take a tensor as another view of this memory."""
        tensor.memory = self
        self.tensors.append(tensor)

    def touched(self) -> Iterator[Tensor]:
        """All tensors that a change of this memory changes, too."""
        whole = self.whole
        while whole is not None:
            yield from whole.tensors
            whole = whole.whole
        stack = [self]
        while stack:
            memory = stack.pop()
            yield from memory.tensors
            stack += memory.parts


def viewing(function: Function) -> Function:
    """A function such as `x.view(…)`, whose result changes with its input."""

    def body(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        result, tensor = function.call(args, kwargs, run), args[0] if args else None
        if isinstance(tensor, Tensor) and isinstance(result, Tensor) and result is not tensor:
            tensor.memory.view(result)
        return result

    return Function(function.name, None, body)


class Tensor(Native):
    """What a layer or an operation gives, as the text sees it."""

    kind = "a tensor"
    memory: Memory
    methods: ClassVar[dict[str, Function]] = {}  # of a tensor; `torch_functions` fills it

    def __init__(self, trace: Trace, step: Step, axis: int | None = 0, lead: int = 0) -> None:
        self.trace, self.step, self.axis, self.lead = trace, step, axis, lead
        self.part = False  # of another tensor, which a change in place would change, too
        Memory().view(self)

    # ---- shape

    @property
    def expanded(self) -> bool:
        """Whether it has no batch but shows one: a parameter expanded to it."""
        return self.axis is not None and not self.step.batched

    @property
    def rest(self) -> Shape:
        """The sizes that the text sees, without the batch."""
        if self.expanded:
            return self.step.shape[1:]
        return self.step.shape[self.lead :]

    @property
    def front(self) -> Shape:
        """The sizes folded into the batch."""
        return self.step.shape[: self.lead]

    @property
    def dims(self) -> tuple[Dim, ...]:
        """All sizes that the text sees."""
        if self.axis is None:
            return self.step.shape
        factor = math.prod(self.front)
        batch = Batch(factor) if self.trace.batch is None else self.trace.batch * factor
        return (*self.rest[: self.axis], batch, *self.rest[self.axis :])

    @property
    def rank(self) -> int:
        """How many sizes the text sees."""
        return len(self.step.shape) if self.axis is None else len(self.rest) + 1

    @property
    def plain(self) -> bool:
        """Whether the text sees it as the spec has it: batch first."""
        return self.step.batched and self.axis == 0 and not self.lead

    def position(self, dim: Any, run: Run, extra: int = 0) -> int:
        """A dimension that the text names, counted from the front. Refuses what is none."""
        rank = self.rank + extra
        if type(dim) is not int or not -rank <= dim < rank:
            run.refuse(f"names dimension {kind(dim)} of a tensor of {rank} dimensions")
        return dim % rank

    def inner(self, dim: Any, run: Run, doing: str = "works over") -> int:
        """The step's number of a dimension that the text names; the batch is refused."""
        dim = self.position(dim, run)
        if self.axis is None:
            return dim
        if dim == self.axis:
            run.refuse(f"{doing} the images of a batch (dimension {dim}), which mixes them")
        return 1 + self.lead + (dim if dim < self.axis else dim - 1)

    # ---- making others

    def then(self, type: str, args: dict[str, Any], run: Run, module: Any = None) -> Tensor:
        """What a layer gives that keeps the rank as the text sees it."""
        step = self.trace.add(type, args, (self.step,), run.line, module)
        return self.seen(step)

    def seen(self, step: Step, **changes: Any) -> Tensor:
        """Another step, seen alike but for `changes`."""
        view = {"axis": self.axis, "lead": self.lead, **changes}
        return Tensor(self.trace, step, **view)

    def reshaped(self, shape: Shape, run: Run) -> Step:
        """The step with its own sizes (without the batch, if it has one) in another shape."""
        step = self.step
        if tuple(shape) == step.shape:
            return step
        if step.batched and len(shape) == 1 and len(step.shape) > 1:
            return self.trace.add("Flatten", {}, (step,), run.line)
        return self.trace.add("Reshape", {"shape": tuple(shape)}, (step,), run.line)

    # ---- Python's protocol

    def attribute(self, name: str, run: Run) -> Any:
        if name == "shape":
            return self.dims
        if name == "T":
            return permute(self, range(self.rank)[::-1], run)
        if name == "mT":
            return Tensor.methods["mT"].call([self], {}, run)
        if name in ("data", "real"):
            return self
        if name == "ndim":
            return self.rank
        if name in ("is_cuda", "requires_grad", "is_contiguous"):
            return False
        method = self.methods.get(name)
        if method is not None:
            return bound(method, self)
        return Unknown(f"uses .{name} of a tensor, which cannot be read", run.line)

    def set_attribute(self, name: str, value: Any, run: Run) -> None:
        run.refuse(f"sets .{name} of a tensor, which cannot be read")

    def operate(self, operator: str, other: Any, reflected: bool, run: Run) -> Any:
        if isinstance(other, Unknown):
            return NotImplemented
        return self.binary(operator, self, other, reflected, run)

    def become(self, value: Any, run: Run) -> Any:
        if not isinstance(value, Tensor):
            return value
        if self.part:
            run.refuse("changes a part of a tensor in place, which no layer does")
        if value.memory is not self.memory:  # of unsqueeze_ and the like, the numbers stay
            for other in self.memory.touched():
                if other is not self:
                    other.step = replace(other.step, changed=run.line)
        self.step, self.axis, self.lead = value.step, value.axis, value.lead
        return self

    binary: ClassVar[Callable[..., Any]]  # `torch_functions` fills these two
    compared: ClassVar[Callable[..., Any]]

    def unary(self, operator: str, run: Run) -> Any:
        if operator == "-":
            return self.then("Scale", {"factor": -1.0}, run)
        return self if operator == "+" else super().unary(operator, run)

    def compare(self, operator: str, other: Any, run: Run) -> Any:
        return self.compared(self, operator, other, run)

    def truth(self, run: Run) -> bool:
        run.refuse("decides by a tensor's values, which differ from image to image")

    def iterate(self, run: Run) -> list[Any]:
        dims = self.dims
        if not dims or not isinstance(dims[0], int) or (self.axis == 0):
            run.refuse("loops over the images of a batch; a network treats each image alike")
        run.charge(dims[0])
        return [self.item(index, run) for index in range(dims[0])]

    def length(self, run: Run) -> Any:
        return self.dims[0]

    def text(self, run: Run) -> str:
        return "a tensor"

    def set_item(self, index: Any, value: Any, run: Run) -> None:
        run.refuse("changes a part of a tensor in place, which no layer does")

    def item(self, index: Any, run: Run) -> Any:
        parts = list(index) if isinstance(index, tuple) else [index]
        if any(isinstance(part, Unknown) for part in parts):
            return next(part for part in parts if isinstance(part, Unknown))
        count = sum(part is not None and part is not ... for part in parts)
        if ... in [part for part in parts if part is ...]:
            at = next(i for i, part in enumerate(parts) if part is ...)
            parts[at : at + 1] = [slice(None)] * (self.rank - count)
        else:
            parts += [slice(None)] * (self.rank - count)
        if count > self.rank or ... in [part for part in parts if part is ...]:
            run.refuse(f"indexes a tensor of {self.rank} dimensions by {count} indices")
        return _index(self, parts, run)


def _index(tensor: Tensor, parts: list[Any], run: Run) -> Any:
    """`x[:, -1, None, 2:4]`, each part an int, a slice or None (a new dimension)."""
    at, whole = 0, tensor
    for place, part in enumerate(parts):
        if isinstance(tensor, Fresh):
            rest = tuple(parts[place:])
            return tensor if all(each == slice(None) for each in rest) else tensor.item(rest, run)
        if part is None:
            tensor = unsqueeze(tensor, at, run)
            at += 1
        elif isinstance(part, slice):
            tensor = _cut(tensor, at, part, run)
            at += 1
        elif type(part) is int:
            tensor = select(tensor, at, part, run)
        else:
            run.refuse(f"indexes a tensor by {kind(part)}, which no layer does")
    if isinstance(tensor, Fresh):
        return tensor
    made = tensor.seen(tensor.step)
    made.part = True
    Memory(whole.memory).view(made)
    return made


def select(tensor: Tensor, dim: int, index: int, run: Run) -> Any:
    """One element along a dimension, which goes."""
    size = tensor.dims[dim]
    if tensor.trace.batch is not None and dim == tensor.axis and not tensor.lead:
        rest = [*tensor.dims[:dim], *tensor.dims[dim + 1 :]]
        return Fresh(rest, "normal")  # one of the constructor's own examples: its shape counts
    if isinstance(size, int) and not -size <= index < size:
        run.fail("IndexError", f"takes item {index} of a dimension of {size}")  # type: ignore[attr-defined]
    inner = tensor.inner(dim, run, "takes one of")
    if len(tensor.step.shape) == 1:  # a number of each image is kept as a vector of one
        ends = {"start": index} | ({} if index == -1 else {"stop": index + 1})
        step = tensor.trace.add("Slice", {"dim": inner, **ends}, (tensor.step,), run.line)
        return tensor.seen(step, **({} if tensor.axis is None else {"axis": 0, "lead": 1}))
    step = tensor.trace.add("Select", {"dim": inner, "index": index}, (tensor.step,), run.line)
    axis = tensor.axis if tensor.axis is None or dim > tensor.axis else tensor.axis - 1
    return tensor.seen(step, axis=axis)


def _cut(tensor: Tensor, dim: int, part: slice, run: Run) -> Tensor:
    bounds = (part.start, part.stop, part.step)
    size = tensor.dims[dim]
    if isinstance(part.stop, Batch) and isinstance(size, Batch) and part.start in (None, 0):
        bounds = (None, None, part.step)
    if not all(bound is None or type(bound) is int for bound in bounds):
        run.refuse("slices a tensor by something other than whole numbers")
    start, stop, step = bounds
    whole = isinstance(size, int) and range(size)[slice(*bounds)] == range(size) if step != 0 else 0
    if bounds in ((None, None, None), (0, None, None), (None, None, 1)) or whole:
        return tensor
    if step is not None and step < 1:
        run.refuse("slices a tensor backwards, which PyTorch does not do")
    inner = tensor.inner(dim, run, "takes some of")
    names = {"start": start, "stop": stop, "step": None if step == 1 else step}
    args = {name: value for name, value in names.items() if value is not None}
    return tensor.then("Slice", {"dim": inner, **args}, run)


def unsqueeze(tensor: Tensor, at: int, run: Run) -> Tensor:
    """A new dimension of 1 before the one at `at`, as the text counts."""
    if tensor.axis is None:
        shape = tensor.step.shape
        return tensor.seen(tensor.reshaped((*shape[:at], 1, *shape[at:]), run))
    place = at if at <= tensor.axis else at - 1
    axis = tensor.axis + (at <= tensor.axis)
    rest = (*tensor.rest[:place], 1, *tensor.rest[place:])
    front = (1,) if tensor.expanded else tensor.front
    return tensor.seen(tensor.reshaped((*front, *rest), run), axis=axis)


# ---- other shapes --------------------------------------------------------------------------------


def permute(tensor: Tensor, order: Sequence[int], run: Run) -> Tensor:
    """The dimensions that the text sees in another order; where the batch goes, the step stays."""
    if sorted(order) != list(range(tensor.rank)):
        run.refuse(f"permutes {tensor.rank} dimensions by {list(order)}")
    if tensor.axis is None:
        inner, axis = list(order), None
    else:
        axis = list(order).index(tensor.axis)
        places = [d if d < tensor.axis else d - 1 for d in order if d != tensor.axis]
        first = 1 + tensor.lead
        inner = [*range(1, first), *(first + place for place in places)]
        if tensor.expanded:
            inner = [0, *inner]
    return tensor.seen(_permuted(tensor, inner, run), axis=axis)


def _permuted(tensor: Tensor, inner: list[int], run: Run) -> Step:
    first = inner and min(inner)
    moved = [at for at, dim in enumerate(inner) if dim != at + (first or 0)]
    if not moved:
        return tensor.step
    if len(moved) == 2:
        args: dict[str, Any] = {"dim0": inner[moved[1]], "dim1": inner[moved[0]]}
        return tensor.trace.add("Transpose", args, (tensor.step,), run.line)
    return tensor.trace.add("Permute", {"dims": tuple(inner)}, (tensor.step,), run.line)


def reshape(tensor: Tensor, sizes: Sequence[Any], run: Run) -> Tensor:
    """`x.view(sizes)`: the same numbers in the same order. Refuses what would mix images."""
    target = _sizes(tensor, sizes, run)
    dims = tensor.dims
    if len(target) == len(dims) and all(map(_same, target, dims)):
        return tensor
    if tensor.axis is None:
        if any(isinstance(size, Batch) for size in target):
            run.refuse("reshapes a parameter by the number of images; expand it instead")
        return tensor.seen(tensor.reshaped(tuple(target), run))
    axis, factor = _batch_place(tensor, target, run)
    before, after = target[:axis], target[axis + 1 :]
    pre, post = tensor.rest[: tensor.axis], tensor.rest[tensor.axis :]
    if math.prod(before) != math.prod(pre):
        run.refuse(
            f"reshapes {_shown(dims)} to {_shown(target)}, which mixes the images of a batch"
        )
    front = _front((*tensor.front, *post), factor, run, dims, target)
    if not (*front, *before, *after):
        front = (1,)  # one number for each image
    if tensor.expanded and front:
        run.refuse("folds a parameter into the batch, which cannot be read")
    step = tensor.step
    if not before or (before == pre and front == tensor.front):
        new = (*front, *before, *after)
        return tensor.seen(
            tensor.reshaped((1, *new) if tensor.expanded else new, run), axis=axis, lead=len(front)
        )
    return _reshape_around(tensor, step, before, after, front, axis, run)


def _reshape_around(
    tensor: Tensor, step: Step, before: Any, after: Any, front: Shape, axis: int, run: Run
) -> Tensor:
    """A reshape where sizes stand before the batch and others are folded into it: they are put
    in the order of memory, reshaped, and put back."""
    lead, count = tensor.lead, tensor.axis or 0
    order = [*range(lead, lead + count), *range(lead), *range(lead + count, len(step.shape))]
    first = 0 if tensor.expanded else 1
    moved = Tensor(tensor.trace, _permuted(tensor, [first + d for d in order], run))
    shaped = moved.reshaped((*before, *front, *after), run)
    count, lead = len(before), len(front)
    back = [*range(count, count + lead), *range(count), *range(count + lead, len(shaped.shape))]
    final = _permuted(Tensor(tensor.trace, shaped), [first + d for d in back], run)
    return tensor.seen(final, axis=axis, lead=lead)


def _front(
    sizes: tuple[int, ...], factor: int, run: Run, dims: Sequence[Dim], target: Sequence[Dim]
) -> Shape:
    """The first of the sizes behind the batch that make up `factor`, split where they must."""
    front: list[int] = []
    rest = factor
    for size in sizes:
        if rest == 1:
            break
        if rest % size == 0:
            front.append(size)
            rest //= size
        elif size % rest == 0:
            front.append(rest)
            rest = 1
        else:
            run.refuse(
                f"reshapes {_shown(dims)} to {_shown(target)}, which cannot be said image by image"
            )
    return tuple(size for size in front if size > 1)


def _batch_place(tensor: Tensor, target: list[Any], run: Run) -> tuple[int, int]:
    """Where the batch is in a shape, and how many sizes are folded into it."""
    if tensor.trace.batch is None:
        at = [i for i, size in enumerate(target) if isinstance(size, Batch)]
        return at[0], target[at[0]].factor
    before = 1
    pre = math.prod(tensor.rest[: tensor.axis])
    for at, size in enumerate(target):  # the example's own number of images
        if before == pre and size % tensor.trace.batch == 0:
            return at, size // tensor.trace.batch
        before *= size
    run.refuse("reshapes an example in a way that mixes its images")


def _sizes(tensor: Tensor, sizes: Sequence[Any], run: Run) -> list[Any]:
    """The sizes of a target shape, with -1 filled in. Refuses sizes that do not fit."""
    dims = tensor.dims
    wrong = next((s for s in sizes if type(s) is not int and not isinstance(s, Batch)), None)
    if isinstance(wrong, Unknown):
        wrong.refuse()
    if wrong is not None or not sizes:
        run.refuse(f"reshapes a tensor by {kind(wrong)}; sizes are whole numbers")
    total = math.prod(size.factor if isinstance(size, Batch) else size for size in dims)
    has_batch = any(isinstance(size, Batch) for size in dims)
    known = math.prod(
        size.factor if isinstance(size, Batch) else size for size in sizes if size != -1
    )
    batches = sum(isinstance(size, Batch) for size in sizes)
    gaps = [at for at, size in enumerate(sizes) if type(size) is int and size == -1]
    fits = known > 0 and (total % known == 0 if gaps else total == known)
    if not fits or len(gaps) > 1 or batches > 1 or (batches and not has_batch):
        hint = ""
        if has_batch and not batches and not gaps:
            hint = "; write -1 or x.size(0) for the number of images"
        run.refuse(f"reshapes {_shown(dims)} to {_shown(sizes)}, which does not fit{hint}")
    target = list(sizes)
    if gaps:
        count = total // known
        target[gaps[0]] = Batch(count) if has_batch and not batches else count
    elif has_batch and not batches:
        run.refuse(
            f"reshapes {_shown(dims)} to {_shown(sizes)}, which fixes the number of images; write "
            f"-1 or x.size(0) for it"
        )
    return target


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Batch) and isinstance(b, Batch):
        return a.factor == b.factor
    return type(a) is type(b) and a == b


def _shown(dims: Sequence[Any]) -> str:
    return f"[{', '.join(map(_size, dims))}]"


def _size(dim: Any) -> str:
    if isinstance(dim, Batch):
        return "N" if dim.factor == 1 else f"{dim.factor}·N"
    return str(dim)


# ---- several tensors together --------------------------------------------------------------------


def together(
    tensors: Sequence[Tensor], run: Run, keep: int = 0, pad: bool = True
) -> tuple[list[Step], Tensor]:
    """The steps of several tensors, shaped so that they broadcast as the text sees them, and a
    tensor that is seen as the result is. The last `keep` sizes stay as they are."""
    rank = max(tensor.rank for tensor in tensors)
    shown = [tensor for tensor in tensors if tensor.axis is not None]
    if not shown:
        return [tensor.step for tensor in tensors], tensors[0]
    axes = {tensor.axis + rank - tensor.rank for tensor in shown}
    if len(axes) > 1:
        run.refuse("combines tensors whose batches are in different places, which mixes images")
    (axis,) = axes
    batched = [tensor for tensor in shown if tensor.step.batched]
    model = max(batched or shown, key=lambda tensor: tensor.lead)
    view = model.seen(model.step, axis=axis)
    return [_aligned(tensor, view, rank, run) for tensor in tensors], view


def _aligned(tensor: Tensor, view: Tensor, rank: int, run: Run) -> Step:
    """A step that broadcasts against `view`'s from the right, as the text sees it."""
    axis = view.axis or 0
    padded: list[Any] = [1] * (rank - tensor.rank) + list(tensor.dims)
    at_batch = padded.pop(axis)
    if tensor.axis is None:
        if at_batch != 1:
            run.refuse(
                f"combines a parameter of {at_batch} with the images of a batch, one for each"
            )
        shape = tensor.step.shape
        lasts = tuple(padded[len(padded) - len(shape) :]) if len(shape) <= len(padded) else None
        strip = tuple(_stripped(padded))
        if _stripped(shape) == list(strip) and len(shape) <= len(padded) + 1:
            return tensor.step
        return tensor.step if lasts == shape else tensor.reshaped(tuple(padded) or (1,), run)
    if tensor.expanded:
        shape = (1, *padded)
        return tensor.reshaped(shape, run)
    front = tensor.front
    if front != view.front:
        if math.prod(front) != math.prod(view.front):
            run.refuse("combines tensors whose batches hold different numbers of parts")
        front = view.front
    return tensor.reshaped((*front, *padded), run)


def _stripped(shape: Sequence[int]) -> list[int]:
    sizes = list(shape)
    while sizes and sizes[0] == 1:
        sizes.pop(0)
    return sizes
