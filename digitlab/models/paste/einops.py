"""einops: rearrange, reduce and repeat by a pattern, as reshapes and permutations of a tensor."""

from __future__ import annotations

import re
from typing import Any

from digitlab.models.paste.arithmetic import kind, operate
from digitlab.models.paste.native import Function, Namespace, Native, Unknown
from digitlab.models.paste.tensor import Tensor, permute, reshape, unsqueeze
from digitlab.models.paste.torch_functions import FUNCTIONS, as_tensor
from digitlab.models.paste.torch_modules import MODULE, Module, ModuleClass

Groups = list[list[str]]  # the axes of each dimension, by name


def _groups(side: str, run: Any) -> Groups:
    groups: Groups = []
    inside = False
    for word in re.findall(r"[\w.]+|[()]", side):
        if word in "()":
            inside = word == "("
            if inside:
                groups.append([])
        elif inside:
            groups[-1] += [] if word == "1" else [word]
        else:
            groups.append([] if word == "1" else [word])
        if len(groups) > 16:
            run.refuse("uses a pattern of more than 16 dimensions")
    return groups


def _sides(pattern: Any, run: Any) -> tuple[str, str]:
    if not isinstance(pattern, str) or pattern.count("->") != 1 or len(pattern) > 200:
        run.refuse(f"rearranges by {kind(pattern)}; a pattern is like 'b c h w -> b (h w) c'")
    left, _, right = pattern.partition("->")
    return left, right


def _spelt(tensor: Tensor, left: str, right: str, run: Any) -> tuple[Groups, Groups]:
    """Both sides, with `...` replaced by names."""
    named = len(_groups(left.replace("...", ""), run))
    names = " ".join(f"e{at}" for at in range(max(tensor.rank - named, 0)))
    return tuple(_groups(side.replace("...", names), run) for side in (left, right))


def _sizes(tensor: Tensor, groups: Groups, known: dict[str, Any], run: Any) -> dict[str, Any]:
    """The size of each axis, the one that is left open in a dimension filled in."""
    if len(groups) != tensor.rank:
        run.refuse(f"names {len(groups)} dimensions of a tensor of {tensor.rank} in a pattern")
    sizes = dict(known)
    for group, dim in zip(groups, tensor.dims, strict=True):
        rest, gaps = dim, [name for name in group if name not in sizes]
        for name in group:
            if name in sizes:
                if sizes[name] == 0:
                    run.refuse("names a size of 0 in a pattern")
                rest = operate("//", rest, sizes[name], run)
        if len(gaps) > 1:
            run.refuse(f"leaves the sizes of {' and '.join(gaps)} open in a pattern")
        if gaps:
            sizes[gaps[0]] = rest
    return sizes


def _product(names: list[str], sizes: dict[str, Any], run: Any) -> Any:
    total: Any = 1
    for name in names:
        total = operate("*", total, sizes[name], run)
    return total


def transform(run: Any, tensor: Any, pattern: Any, how: str | None, known: dict[str, Any]) -> Any:
    """rearrange, reduce (`how` is mean, max, …) or repeat (how is "repeat")."""
    if isinstance(tensor, list | tuple):
        tensor = FUNCTIONS_STACK.call([list(tensor), 0], {}, run)
    tensor = as_tensor(tensor, run)
    unknown = next((v for v in (tensor, *known.values()) if isinstance(v, Unknown)), None)
    if unknown is not None:
        return unknown
    left, right = _spelt(tensor, *_sides(pattern, run), run)
    sizes = _sizes(tensor, left, known, run)
    axes = [name for group in left for name in group]
    target_names = [name for group in right for name in group]
    tensor = reshape(tensor, [sizes[name] for name in axes] or [1], run)
    if how not in (None, "repeat"):
        gone = tuple(at for at, name in enumerate(axes) if name not in target_names)
        if gone:
            names = {"max": "amax", "min": "amin"}
            tensor = FUNCTIONS[names.get(how, how)].call([tensor, gone], {}, run)
        axes = [name for name in axes if name in target_names]
    missing = [name for name in target_names if name not in sizes]
    if missing or {*axes} - {*target_names}:
        run.refuse(f"uses the pattern {str(pattern)[:60]!r}, whose sides do not have the same axes")
    order = [axes.index(name) for name in target_names if name in axes]
    tensor = permute(tensor, order, run)
    if how == "repeat":
        for at, name in enumerate(target_names):
            if name not in axes:
                tensor = unsqueeze(tensor, at, run)
        target = [sizes[name] if name not in axes else -1 for name in target_names]
        tensor = FUNCTIONS["expand"].call([tensor, *target], {}, run)
    return reshape(tensor, [_product(group, sizes, run) for group in right], run)


def _rearrange(run: Any, tensor: Any, pattern: Any, axes: dict[str, Any]) -> Any:
    return transform(run, tensor, pattern, None, axes)


def _repeat(run: Any, tensor: Any, pattern: Any, axes: dict[str, Any]) -> Any:
    return transform(run, tensor, pattern, "repeat", axes)


def _reduce(run: Any, tensor: Any, pattern: Any, reduction: Any, axes: dict[str, Any]) -> Any:
    if reduction not in ("mean", "max", "min", "sum"):
        run.refuse(f"reduces by {kind(reduction)}; mean, max, min and sum can be read")
    return transform(run, tensor, pattern, reduction, axes)


class PatternModule(Module):
    """Rearrange and Reduce as modules."""

    def __init__(
        self, cls: ModuleClass, pattern: Any, how: Any, axes: dict[str, Any], line: int
    ) -> None:
        super().__init__(cls, line)
        self.pattern, self.how, self.axes = pattern, how, axes

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        if len(args) != 1:
            run.refuse(f"passes {len(args)} values to {self.kind}, which takes one")
        return transform(run, args[0], self.pattern, self.how, self.axes)


def _layer(name: str) -> ModuleClass:
    def make(run: Any, args: list[Any], kwargs: dict[str, Any]) -> PatternModule:
        if not args:
            run.refuse(f"makes {name} without a pattern")
        how = args[1] if len(args) > 1 else kwargs.pop("reduction", None)
        if (name == "Reduce") != (how in ("mean", "max", "min", "sum")):
            run.refuse(f"makes {name} with {kind(how)}")
        return PatternModule(LAYERS[name], args[0], how, kwargs, run.line)

    return ModuleClass(name, make, (MODULE,))


FUNCTIONS_STACK = Function("stack", None, lambda run, args, kwargs: run.call(
    run.modules["torch"].members["stack"], args, kwargs))  # fmt: skip
LAYERS = {name: _layer(name) for name in ("Rearrange", "Reduce")}
_TORCH = Namespace("einops.layers.torch", LAYERS)
_EINOPS = Namespace(
    "einops",
    {
        "rearrange": Function("rearrange", "tensor pattern **axes", _rearrange),
        "repeat": Function("repeat", "tensor pattern **axes", _repeat),
        "reduce": Function("reduce", "tensor pattern reduction **axes", _reduce),
        "layers": Namespace("einops.layers", {"torch": _TORCH}),
    },
)
MODULES: dict[str, Native] = {
    "einops": _EINOPS,
    "einops.layers": _EINOPS.members["layers"],
    "einops.layers.torch": _TORCH,
}
NAMES: dict[str, Any] = {"rearrange": _EINOPS.members["rearrange"], **LAYERS}
