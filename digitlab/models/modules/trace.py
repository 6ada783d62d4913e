"""`trace`: the layers and functions that a module calls, and which tensors each of them reads.

The module is run on a few random images, so that any Python in its `forward` may decide by shapes.
It may not decide by the values of the images: such a network is not the same for every image.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from digitlab.errors import SpecError

# Functions that show Python what is in a tensor.
_REVEALING = {
    *("item", "tolist", "numpy", "__bool__", "__float__", "__int__", "__index__", "__array__"),
    *("equal", "allclose", "is_nonzero", "__contains__", "nonzero", "unique", "masked_select"),
}
_RANDOM = {
    *("rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "random"),
    *("bernoulli", "multinomial", "normal", "log_normal", "uniform", "poisson", "exponential"),
}


@dataclass(frozen=True)
class Ref:
    """A tensor among the arguments of a call, by its number in `Trace.values`."""

    index: int


@dataclass
class TracedValue:
    """A tensor that was met: `kind` is input, parameter, buffer, constant, random or computed, and
    `name` the attribute that holds a parameter or buffer."""

    tensor: torch.Tensor
    kind: str
    name: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape)


@dataclass
class Call:
    """One call of a layer (`module`, with its class as `name`) or of a function of torch.

    `path` is where in the whole module it happened, and for a layer its own place. Tensors in
    `args` and `kwargs` are Refs; `outputs` are numbers of values, those that are no tensors left
    out.
    """

    name: str
    path: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    outputs: tuple[int, ...]
    module: nn.Module | None = None


@dataclass
class Trace:
    """What a module did with a batch of images: its calls in order, and what it gave."""

    values: list[TracedValue] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    output: Any = None


def trace(module: nn.Module, images: torch.Tensor, is_layer: Callable[[nn.Module], bool]) -> Trace:
    """Run `module` on `images` and tell what it called; modules that are layers stay whole.

    Raises SpecError where it fails, or decides by what is in the images.
    """
    recorder = _Recorder(module, images, is_layer)
    with warnings.catch_warnings(), torch.no_grad(), recorder.hooks(), recorder:
        warnings.simplefilter("ignore")
        output = recorder.run()
    recorder.trace.output = recorder.refer(output)
    return recorder.trace


class _Recorder(TorchFunctionMode):
    def __init__(
        self, module: nn.Module, images: torch.Tensor, is_layer: Callable[[nn.Module], bool]
    ) -> None:
        super().__init__()
        self.module, self.images, self.is_layer = module, images, is_layer
        self.trace, self.known = Trace(), {}
        self.paths: list[str] = [""]
        self.inside = 0  # layers that are running: what they call is theirs
        self._add(images, "input")
        for name, parameter in module.named_parameters():
            self._add(parameter, "parameter", name)
        for name, buffer in module.named_buffers():
            self._add(buffer, "buffer", name)

    def run(self) -> Any:
        try:
            return self.module(self.images)
        except SpecError:
            raise
        except Exception as error:  # any error of a person's own code
            reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
            sizes = "×".join(map(str, self.images.shape[1:]))
            raise SpecError(
                f"{type(self.module).__name__} fails on {sizes} images "
                f"({type(error).__name__}: {reason}). Name the size it takes, such as "
                f"input=(3, 32, 32)."
            ) from error

    # ---- layers

    @contextmanager
    def hooks(self) -> Iterator[None]:
        """Watch every module: where a call happens, and the layers that are called whole."""
        handles = []
        for path, module in self.module.named_modules():
            enter, leave = self._watch(path, self.is_layer(module))
            handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
            handles.append(module.register_forward_hook(leave, with_kwargs=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _watch(self, path: str, whole: bool) -> tuple[Any, Any]:
        waiting: list[Any] = []

        def enter(module: nn.Module, args: Any, kwargs: Any) -> None:
            self.paths.append(path)
            if whole:
                if not self.inside:
                    waiting.append((self.refer(args), self.refer(kwargs)))
                self.inside += 1

        def leave(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            self.paths.pop()
            if whole:
                self.inside -= 1
                if not self.inside:
                    self._note(type(module).__name__, path, *waiting.pop(), output, module)

        return enter, leave

    # ---- functions

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.inside:
            return func(*args, **kwargs)
        name = _name(func)
        called = self.refer(args), self.refer(kwargs)  # before a call in place changes them
        if name in _REVEALING and self._computed(called):
            raise SpecError(
                f"{type(self.module).__name__} decides by what is in an image ({name.strip('_')}"
                f"{self._where()}): a spec is the same network for every image."
            )
        if name == "__setitem__" and self._computed(called):
            raise SpecError(
                f"{type(self.module).__name__} assigns to a part of a tensor{self._where()}, which "
                f"no layer does; use torch.cat or torch.stack."
            )
        output = func(*args, **kwargs)
        if name == "__iter__":
            output, name = list(output), "unbind"
            self._note(name, self.paths[-1], *called, output)
            return iter(output)
        self._note(name, self.paths[-1], *called, output)
        return output

    def _where(self) -> str:
        return f" in {self.paths[-1]}" if self.paths[-1] else ""

    def _note(
        self, name: str, path: str, args: Any, kwargs: Any, output: Any, module: Any = None
    ) -> None:
        tensors = [item for item in leaves(output) if isinstance(item, torch.Tensor)]
        if not tensors or name in ("__get__", "shape", "grad", "requires_grad_"):
            return
        if name.rstrip("_") in _RANDOM:
            kind = "random"
        elif self._computed((args, kwargs)) or module is not None:
            kind = "computed"
        else:
            constants = [self.trace.values[ref.index] for ref in refs((args, kwargs))]
            random = any(value.kind == "random" for value in constants)
            kind = "random" if random else "constant"
        outputs = tuple(self._add(tensor, kind) for tensor in tensors)
        if kind == "computed":
            self.trace.calls.append(Call(name, path, args, kwargs, outputs, module))

    # ---- tensors

    def refer(self, value: Any) -> Any:
        """`value` with Refs in place of tensors."""

        def reference(item: Any) -> Any:
            if not isinstance(item, torch.Tensor):
                return item
            index = self.known.get(id(item))
            return Ref(self._add(item, "constant") if index is None else index)

        return mapped(reference, value)

    def _add(self, tensor: torch.Tensor, kind: str, name: str = "") -> int:
        self.trace.values.append(TracedValue(tensor, kind, name))  # kept alive: ids stay its own
        self.known[id(tensor)] = len(self.trace.values) - 1
        return self.known[id(tensor)]

    def _computed(self, value: Any) -> bool:
        kinds = {self.trace.values[ref.index].kind for ref in refs(value)}
        return bool(kinds & {"input", "parameter", "computed"})


def refs(value: Any) -> Sequence[Ref]:
    """The Refs anywhere in arguments."""
    return [item for item in leaves(value) if isinstance(item, Ref)]


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """`value` with `function` of each thing in its lists, tuples, dicts and slices."""
    if isinstance(value, tuple | list):
        return tuple(mapped(function, item) for item in value)
    if isinstance(value, Mapping):
        return {key: mapped(function, item) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(*(function(item) for item in (value.start, value.stop, value.step)))
    return function(value)


def leaves(value: Any) -> list[Any]:
    """The things in lists, tuples, dicts and slices, in order."""
    items: list[Any] = []
    mapped(items.append, value)
    return items


def _name(func: Any) -> str:
    name = getattr(func, "__name__", type(func).__name__)
    if name == "__get__":  # of a property such as Tensor.T
        return getattr(getattr(func, "__self__", None), "__name__", name)
    return name
