"""The lines of PyTorch that do in a `forward` what a layer of a graph does."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from digitlab.models.placement import Row


@dataclass(frozen=True)
class Operand:
    """A value as the code calls it, without a batch where `batched` is false."""

    text: str
    rank: int  # dimensions, the batch included
    batched: bool = True


# Layers of torch.nn without weights, and the function that people call in a forward.
FUNCTIONS = {
    "ReLU": "F.relu",
    "ReLU6": "F.relu6",
    "LeakyReLU": "F.leaky_relu",
    "ELU": "F.elu",
    "SELU": "F.selu",
    "GELU": "F.gelu",
    "SiLU": "F.silu",
    "Mish": "F.mish",
    "Hardswish": "F.hardswish",
    "Hardsigmoid": "F.hardsigmoid",
    "Softplus": "F.softplus",
    "Sigmoid": "torch.sigmoid",
    "Tanh": "torch.tanh",
    "Softmax": "F.softmax",
    "LogSoftmax": "F.log_softmax",
    "MaxPool1d": "F.max_pool1d",
    "MaxPool2d": "F.max_pool2d",
    "AvgPool1d": "F.avg_pool1d",
    "AvgPool2d": "F.avg_pool2d",
    "AdaptiveAvgPool1d": "F.adaptive_avg_pool1d",
    "AdaptiveAvgPool2d": "F.adaptive_avg_pool2d",
    "AdaptiveMaxPool2d": "F.adaptive_max_pool2d",
    "Dropout": "F.dropout",
    "Dropout2d": "F.dropout2d",
    "Upsample": "F.interpolate",
    "PixelShuffle": "F.pixel_shuffle",
}
_SIGNS = {"Add": "+", "Subtract": "-", "Multiply": "*", "Divide": "/"}
_REDUCTIONS = {"Mean": "mean", "Sum": "sum", "Max": "amax", "Min": "amin", "Std": "std",
               "Var": "var"}  # fmt: skip
_METHODS = ("Abs", "Exp", "Log", "Sqrt", "Sin", "Cos", "Erf")


def literal(value: Any) -> str:
    """A value of an argument as Python writes it."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(tuple(value)) if isinstance(value, list | tuple) else repr(value)


def function_call(row: Row, x: str) -> str:
    """`F.max_pool2d(x, 2)`: a layer of torch.nn without weights, called on `x`."""
    from torch import nn

    if row.label == "Identity":
        return x
    if row.label == "Flatten":
        end = row.made.get("end_dim", -1)
        more = "" if end == -1 else f", {end}"
        return f"torch.flatten({x}, {row.made.get('start_dim', 1)}{more})"
    arguments = [x]
    for name, parameter in inspect.signature(getattr(nn, row.label).__init__).parameters.items():
        if name not in row.made or name == "inplace":
            continue
        if parameter.default is parameter.empty:
            arguments.append(literal(row.made[name]))
        elif row.made[name] != parameter.default:
            arguments.append(f"{name}={literal(row.made[name])}")
    if row.label.startswith("Dropout"):
        arguments.append("training=self.training")
    return f"{FUNCTIONS[row.label]}({', '.join(arguments)})"


def has_function(row: Row) -> bool:
    """Whether a forward may call a function for this layer."""
    return row.label in FUNCTIONS or row.label in ("Flatten", "Identity")


def expression(row: Row, operands: Sequence[Operand]) -> str:
    """What a join or an operation gives, as an expression of its operands."""
    texts = [operand.text for operand in operands]
    if row.label in _SIGNS:
        return f" {_SIGNS[row.label]} ".join(texts)
    if row.kind == "join" or row.label == "Einsum":
        return _join(row, operands, texts)
    x, made = operands[0], row.made
    if row.label in _REDUCTIONS:
        options = {"unbiased": made.get("unbiased", True), "keepdim": made.get("keepdim", False)}
        more = "".join(
            f", {name}={value}" for name, value in options.items() if value is (name == "keepdim")
        )
        return f"{x.text}.{_REDUCTIONS[row.label]}({literal(made['dim'])}{more})"
    if row.label in _METHODS:
        return f"{x.text}.{row.label.lower()}()"
    return _WRITERS[row.label](x, made)


_JOIN_FUNCTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "ScaledDotProductAttention": ("F.scaled_dot_product_attention", {}),
    "GridSample": ("F.grid_sample", {"align_corners": False}),
}


def _join(row: Row, operands: Sequence[Operand], texts: list[str]) -> str:
    made = row.made
    if row.label in ("Maximum", "Minimum"):
        function = f"torch.{row.label.lower()}"
        text = texts[0]
        for other in texts[1:]:
            text = f"{function}({text}, {other})"
        return text
    if row.label == "MatMul":
        return " @ ".join(texts)
    if row.label == "Einsum":
        return f"torch.einsum({', '.join([literal(made['equation']), *texts])})"
    if row.label in _JOIN_FUNCTIONS:
        function, defaults = _JOIN_FUNCTIONS[row.label]
        more = [f"{name}={literal(value)}" for name, value in {**defaults, **made}.items()]
        return f"{function}({', '.join([*texts, *more])})"
    function = {"Concatenate": "torch.cat", "Stack": "torch.stack"}[row.label]
    batch = next((o.text for o in operands if o.batched), None)
    listed = [
        text if operand.batched or batch is None else _repeated(operand, batch)
        for text, operand in zip(texts, operands, strict=True)
    ]
    return f"{function}([{', '.join(listed)}], {made.get('dim', 1)})"


def _repeated(operand: Operand, batch: str) -> str:
    """A tensor whose first size is 1, once for each image."""
    return f"{operand.text}.expand({batch}.shape[0]{', -1' * (operand.rank - 1)})"


def _sizes(method: str, argument: str, first: str) -> Any:
    """A method that takes the sizes in `argument`, after the batch where there is one."""

    def write(x: Operand, made: Any) -> str:
        sizes = [first.format(x=x.text)] if x.batched else []
        return f"{x.text}.{method}({', '.join([*sizes, *map(str, made[argument])])})"

    return write


def _index(x: Operand, dim: int, inside: str) -> str:
    place = dim % x.rank
    return f"{x.text}[{':, ' * place}{inside}]"


def _slice(x: Operand, made: Any) -> str:
    parts = ["" if made.get(name) is None else str(made[name]) for name in ("start", "stop")]
    step = "" if made.get("step") is None else f":{made['step']}"
    return _index(x, made["dim"], ":".join(parts) + step)


def _affine_grid(x: Operand, made: Any) -> str:
    sizes = ", ".join(map(str, made["size"]))
    return f"F.affine_grid({x.text}, [{x.text}.shape[0], 1, {sizes}], align_corners=False)"


def _norm(x: Operand, made: Any) -> str:
    keep = ", keepdim=True" if made.get("keepdim") else ""
    order = made.get("p", 2.0)
    return f"torch.linalg.vector_norm({x.text}, {order}, dim={literal(made['dim'])}{keep})"


def _normalize(x: Operand, made: Any) -> str:
    more = "".join(f", {name}={made[name]}" for name in ("p", "dim", "eps") if name in made)
    return f"F.normalize({x.text}{more})"


def _pad(x: Operand, made: Any) -> str:
    more = "".join(f", {name}={literal(made[name])}" for name in ("mode", "value") if name in made)
    if made.get("mode", "constant") != "constant":
        more = f", mode={literal(made['mode'])}"
    return f"F.pad({x.text}, {literal(made['padding'])}{more})"


def _scale(x: Operand, made: Any) -> str:
    factor, offset = made.get("factor", 1), made.get("offset", 0)
    if factor == -1:
        return f"{offset} - {x.text}" if offset else f"-{x.text}"
    text = x.text if factor == 1 else f"{x.text} * {factor}"
    return text if offset == 0 else f"{text} + {offset}" if offset > 0 else f"{text} - {-offset}"


def _clamp(x: Operand, made: Any) -> str:
    limits = [f"{k}={made[k]}" for k in ("min", "max") if made.get(k) is not None]
    return f"{x.text}.clamp({', '.join(limits)})"


_WRITERS: dict[str, Any] = {
    "AffineGrid": _affine_grid,
    "Norm": _norm,
    "Normalize": _normalize,
    "Select": lambda x, made: _index(x, made["dim"], str(made["index"])),
    "Slice": _slice,
    "Reshape": _sizes("reshape", "shape", "{x}.shape[0]"),
    "Permute": _sizes("permute", "dims", "0"),
    "Transpose": lambda x, made: f"{x.text}.transpose({made['dim0']}, {made['dim1']})",
    "Expand": _sizes("expand", "shape", "-1"),
    "Tile": lambda x, made: _sizes("repeat" if x.batched else "tile", "repeats", "1")(x, made),
    "Flip": lambda x, made: f"{x.text}.flip({literal(made['dims'])})",
    "Roll": lambda x, made: f"{x.text}.roll({literal(made['shifts'])}, {literal(made['dims'])})",
    "Pad": _pad,
    "Scale": _scale,
    "Power": lambda x, made: f"{x.text} ** {made['exponent']}",
    "Clamp": _clamp,
}
