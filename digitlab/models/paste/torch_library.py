"""What `import torch` gives a text: the names that exist, and nothing else."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from digitlab.models.paste.arithmetic import kind
from digitlab.models.paste.native import Function, Namespace, Native, NativeClass, Unknown
from digitlab.models.paste.objects import Instance
from digitlab.models.paste.tensor import MAX_TABLE, Batch, Fresh, Tensor
from digitlab.models.paste.torch_functions import FUNCTIONS, SEVERAL
from digitlab.models.paste.torch_modules import (
    CLASSES,
    INITS,
    MODULE,
    ModuleClass,
    Parameter,
    make_parameter,
)

# ---- tensors of numbers --------------------------------------------------------------------------


def _fresh(init: str, **args: float) -> Function:
    def make(run: Any, sizes: list[Any], more: dict[str, Any]) -> Any:
        sizes = sizes or [more.get("size", ())]
        dims = list(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], list | tuple) else sizes
        return _of_dims(run, dims, init, args)

    return Function(f"torch.{init}", "*sizes **more", make)


def _of_dims(run: Any, dims: Any, init: str, args: dict[str, float]) -> Any:
    for dim in dims:
        if isinstance(dim, Unknown):
            return dim
        if not isinstance(dim, Batch) and (type(dim) is not int or dim < 0):
            run.refuse(f"makes a tensor by {kind(dim)}; sizes are whole numbers")
    return Fresh(dims, init, **args)


def _full(run: Any, size: Any, fill_value: Any, more: dict[str, Any]) -> Any:
    if not isinstance(fill_value, int | float):
        return Unknown("fills a tensor by something that is not known", run.line)
    dims = size if isinstance(size, list | tuple) else (size,)
    return _of_dims(run, dims, "constant", {"value": float(fill_value)})


def _like(init: str, **args: float) -> Function:
    def make(run: Any, input: Any, more: dict[str, Any]) -> Any:
        if isinstance(input, Unknown):
            return input
        dims = FUNCTIONS["size"].call([input], {}, run)
        like = input if isinstance(input, Tensor) else None
        return dims if isinstance(dims, Unknown) else Fresh(dims, init, like, **args)

    return Function(f"torch.{init}_like", "input **more", make)


def _arange(run: Any, numbers: list[Any], more: dict[str, Any]) -> Any:
    unknown = next((n for n in numbers if isinstance(n, Unknown)), None)
    if unknown is not None:
        return unknown
    if not numbers or len(numbers) > 3 or not all(isinstance(n, int | float) for n in numbers):
        run.refuse("takes torch.arange of something other than plain numbers")
    start, stop, step = [0, *numbers, 1] if len(numbers) == 1 else [*numbers, 1][:3]
    if not step or not math.isfinite((stop - start) / step):
        run.refuse("takes torch.arange with a step of 0")
    count = max(0, math.ceil((stop - start) / step))
    if start == 0 and step == 1:
        return Fresh((count,), "range")
    if count > MAX_TABLE:
        return Unknown("makes a table of numbers that is too large", run.line)
    return Fresh.table(start + step * np.arange(count, dtype=float), run)


def _tensor(run: Any, data: Any, more: dict[str, Any]) -> Any:
    if isinstance(data, int | float):
        return Fresh((), "constant", value=float(data))
    if not isinstance(data, list | tuple):
        return (
            data
            if isinstance(data, Tensor | Fresh | Unknown | Parameter)
            else Unknown("makes a tensor of data", run.line)
        )
    dims, inner, flat = [], data, list(data)
    while isinstance(inner, list | tuple) and inner and len(dims) < 6:
        dims.append(len(inner))
        inner = inner[0]
    for _ in dims[1:]:
        flat = [x for row in flat for x in (row if isinstance(row, list | tuple) else [row])]
        run.charge(len(flat))
    same = flat and all(type(x) in (int, float) and x == flat[0] for x in flat)
    if same:
        return Fresh(dims, "constant", value=float(flat[0]))
    return Fresh(dims, "written")


_CREATE: dict[str, Any] = {
    "zeros": _fresh("constant"),
    "ones": _fresh("constant", value=1.0),
    "empty": _fresh("constant"),
    "rand": _fresh("uniform"),
    "randn": _fresh("normal"),
    "Tensor": _fresh("constant"),
    "FloatTensor": _fresh("constant"),
    "normal": Function("torch.normal", "mean=0.0 std=1.0 size=None **more", lambda run, mean, std,
                       size, more: _of_dims(run, size or (), "normal", {"std": float(std)})
                       if isinstance(std, int | float) and size else Unknown(
                           "draws random numbers", run.line)),
    "full": Function("torch.full", "size fill_value **more", _full),
    "zeros_like": _like("constant"),
    "ones_like": _like("constant", value=1.0),
    "empty_like": _like("constant"),
    "randn_like": _like("normal"),
    "rand_like": _like("uniform"),
    "arange": Function("torch.arange", "*numbers **more", _arange),
    "tensor": Function("torch.tensor", "data **more", _tensor),
    "as_tensor": Function("torch.as_tensor", "data **more", _tensor),
    "Size": Function("torch.Size", "sizes", lambda run, sizes: tuple(run.iterate(sizes))),
}  # fmt: skip
Tensor.methods.update(
    {
        "new_zeros": Function("new_zeros", "input *sizes **more", lambda run, input, sizes, more:
                              _CREATE["zeros"].call(sizes, {}, run)),
        "new_ones": Function("new_ones", "input *sizes **more", lambda run, input, sizes, more:
                             _CREATE["ones"].call(sizes, {}, run)),
        "new_empty": Function("new_empty", "input *sizes **more", lambda run, input, sizes, more:
                              _CREATE["zeros"].call(sizes, {}, run)),
        "new": Function("new", "input *sizes **more", lambda run, input, sizes, more:
                        _CREATE["zeros"].call(sizes, {}, run)),
    }
)  # fmt: skip


class TensorClass(NativeClass):
    """torch.Tensor: made of sizes or data, and what `isinstance(x, torch.Tensor)` asks."""

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], list | tuple):
            return _tensor(run, args[0], {})
        return _CREATE["zeros"].call(args, {}, run)

    def covers(self, value: Any) -> bool:
        return isinstance(value, Tensor | Fresh | Parameter)


TENSOR = TensorClass("torch.Tensor")

# ---- torch itself --------------------------------------------------------------------------------


def _nothing(name: str) -> Function:
    return Function(name, None, lambda run, args, kwargs: None)


def _first(name: str) -> Function:
    return Function(name, None, lambda run, args, kwargs: args[0] if args else Decorator())


class Decorator(Native):
    """`torch.no_grad()`, a context and a decorator that changes nothing of a network."""

    kind = "a context"

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        return args[0] if args else self


_CONTEXT = Function("torch.no_grad", None, lambda run, args, kwargs: Decorator())


def _without_gradients(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Decorator:
    if run.trace is not None:  # inside a network; around an evaluation it means nothing here
        run.note(
            f"Line {run.line} stops gradients; here they pass, and what is inside learns, too."
        )
    return Decorator()


_NO_GRAD = Function("torch.no_grad", None, _without_gradients)


def _space(name: str, members: dict[str, Any], find: Any = None) -> Namespace:
    return Namespace(name, members, find)


def _loss(name: str) -> Any:
    """Losses and the like: modules that no network holds."""
    if name.endswith("Loss"):
        return Function(f"nn.{name}", None, lambda run, args, kwargs: Unknown(
            f"makes a {name}", run.line))  # fmt: skip
    return None


_CUDA = _space(
    "torch.cuda",
    {
        "is_available": Function("is_available", None, lambda run, args, kwargs: False),
        "device_count": Function("device_count", None, lambda run, args, kwargs: 0),
        **{name: _nothing(name) for name in ("manual_seed", "manual_seed_all", "empty_cache")},
    },
)
INIT = _space("torch.nn.init", dict(INITS))


def _fan(run: Any, weight: Any) -> Any:
    """nn.init's count of a parameter's inputs and outputs."""
    dims = weight.fresh.dims if isinstance(weight, Parameter) else ()
    if len(dims) < 2:
        return (Unknown("counts a weight's inputs", run.line),) * 2
    window = math.prod(dims[2:])
    return (dims[1] * window, dims[0] * window)


INIT.members = {
    **INIT.members,
    "calculate_gain": Function("calculate_gain", None, lambda run, args, kwargs: 1.0),
    "_calculate_fan_in_and_fan_out": Function("fan", "weight", _fan),
}
FUNCTIONAL = _space("torch.nn.functional", {**FUNCTIONS, **SEVERAL}, _loss)
_PARAMETER = ModuleClass("Parameter", None)
_PARAMETER.make = lambda run, args, kwargs: make_parameter(run, *args, **kwargs)
_PARAMETER.covers = lambda value: isinstance(value, Parameter)  # type: ignore[method-assign]
_UTILS = _space(
    "torch.nn.utils", {"clip_grad_norm_": _nothing("clip"), "clip_grad_value_": _nothing("clip")}
)
NN = _space(
    "torch.nn",
    {
        **CLASSES,
        "Parameter": _PARAMETER,
        "functional": FUNCTIONAL,
        "init": INIT,
        "utils": _UTILS,
        "DataParallel": _first("DataParallel"),
        "SyncBatchNorm": CLASSES["BatchNorm2d"],
        "parameter": _space("torch.nn.parameter", {"Parameter": _PARAMETER}),
    },
    _loss,
)
NN.members["modules"] = NN
_FILES = ("conv", "linear", "activation", "pooling", "batchnorm", "dropout", "container", "module")
NN.members.update({name: NN for name in _FILES if name not in NN.members})
_PLACES = {f"torch.nn.modules.{name}": NN for name in _FILES}
MATH = {name: FUNCTIONS[name] for name in FUNCTIONS}
TORCH = _space(
    "torch",
    {
        **{name: f for name, f in FUNCTIONS.items() if name not in ("size", "dim")},
        **SEVERAL,
        **_CREATE,
        "Tensor": TENSOR,
        "nn": NN,
        "cuda": _CUDA,
        "no_grad": _NO_GRAD,
        "inference_mode": _NO_GRAD,
        "enable_grad": _CONTEXT,
        "set_grad_enabled": _CONTEXT,
        "autocast": _CONTEXT,
        "compile": _first("compile"),
        "pi": math.pi,
        "inf": math.inf,
        **{name: _nothing(name) for name in ("manual_seed", "save", "set_num_threads", "seed")},
        "numel": FUNCTIONS["numel"],
        "is_tensor": Function("is_tensor", "value", lambda run, value: TENSOR.covers(value)),
        "special": _space("torch.special", dict(FUNCTIONS)),
        "linalg": _space("torch.linalg", {"norm": FUNCTIONS["norm"],
                                          "vector_norm": FUNCTIONS["vector_norm"]}),
        "autograd": _space("torch.autograd", {"Variable": _first("Variable")}),
        "jit": _space("torch.jit", {"is_scripting": Function("is_scripting", None,
                                                             lambda run, args, kwargs: False),
                                    "is_tracing": Function("is_tracing", None,
                                                           lambda run, args, kwargs: False),
                                    "script": _first("script"), "ScriptModule": MODULE,
                                    "script_method": _first("script_method"),
                                    "ignore": _first("ignore")}),
        "quantization": _space("torch.quantization", {"QuantStub": CLASSES["Identity"],
                                                      "DeQuantStub": CLASSES["Identity"]}),
    },
)  # fmt: skip
TORCH.members["ao"] = _space("torch.ao", {"quantization": TORCH.members["quantization"]})
_LIGHTNING = _space("pytorch_lightning", {"LightningModule": MODULE})
_SUMMARY = Function(
    "summary",
    None,
    lambda run, args, kwargs: run.examples.extend(_example_shapes([*args, *kwargs.values()])),
)


def _example_shapes(values: list[Any]) -> list[Any]:
    """The image that `summary(model, (1, 28, 28))` names, as a batch of one."""
    sizes = [v for v in values if isinstance(v, tuple | list) and 2 <= len(v) <= 4]
    sizes = [tuple(v) for v in sizes if all(type(size) is int for size in v)]
    return [v if len(v) == 4 else (1, *v) for v in sizes]


MODULES: dict[str, Native] = {
    "torch": TORCH,
    "torch.nn": NN,
    "torch.nn.functional": FUNCTIONAL,
    "torch.nn.init": INIT,
    "torch.nn.modules": NN,
    **_PLACES,
    "torch.nn.parameter": NN.members["parameter"],
    "torch.cuda": _CUDA,
    "torch.autograd": TORCH.members["autograd"],
    "pytorch_lightning": _LIGHTNING,
    "lightning": _space("lightning", {"LightningModule": MODULE, "pytorch": _LIGHTNING}),
    "lightning.pytorch": _LIGHTNING,
    "torchsummary": _space("torchsummary", {"summary": _SUMMARY}),
    "torchinfo": _space("torchinfo", {"summary": _SUMMARY}),
}
# What stands for itself where the text does not import it.
NAMES: dict[str, Any] = {
    **{name: cls for name, cls in NN.members.items() if isinstance(cls, ModuleClass)},
    "torch": TORCH,
    "nn": NN,
    "F": FUNCTIONAL,
    "init": INIT,
    "sequential": NN.members["Sequential"],  # fastai
    "pl": _LIGHTNING,
    "L": _LIGHTNING,
    "LightningModule": MODULE,
    "Parameter": _PARAMETER,
    "Variable": TORCH.members["autograd"].members["Variable"],
    "summary": _SUMMARY,
}


def is_network(value: Any) -> bool:
    """Whether a value is a module that may be a whole network."""
    if isinstance(value, Instance):
        return value.cls.native is not None and value.cls.native.inherits(MODULE)
    cls = getattr(value, "cls", None)
    return isinstance(cls, ModuleClass) and not isinstance(value, Parameter)
