"""Modules of torch.nn as a text makes and applies them: layers, parameters and containers."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from digitlab.models.layers import argument_names, layer_signature, list_layers
from digitlab.models.paste.arithmetic import kind
from digitlab.models.paste.native import MISSING, Function, Native, NativeClass, Parameters, Unknown
from digitlab.models.paste.objects import Instance, UserFunction
from digitlab.models.paste.tensor import Fresh, Tensor, run_trace
from digitlab.models.paste.torch_functions import (
    ELEMENTWISE,
    FUNCTIONS,
    Training,
    argument,
    as_tensor,
    binary,
    dropout_type,
    example,
    for_each_image,
    operands,
)

_IGNORED = {"device", "dtype", "inplace"}
# Classes whose forward takes or gives several tensors: their parameters in order.
_RNN = (
    "input_size hidden_size num_layers=1 bias=True batch_first=False dropout=0.0 "
    "bidirectional=False proj_size=0"
)
_SEQUENCE = {
    "LSTM": _RNN,
    "GRU": _RNN,
    "RNN": "input_size hidden_size num_layers=1 nonlinearity=tanh bias=True batch_first=False "
    "dropout=0.0 bidirectional=False",
    "MultiheadAttention": "embed_dim num_heads dropout=0.0 bias=True add_bias_kv=False "
    "add_zero_attn=False kdim=None vdim=None batch_first=False",
    "TransformerEncoderLayer": "d_model nhead dim_feedforward=2048 dropout=0.1 activation=relu "
    "layer_norm_eps=1e-5 batch_first=False norm_first=False bias=True",
    "Embedding": "num_embeddings embedding_dim padding_idx=None max_norm=None norm_type=2.0 "
    "scale_grad_by_freq=False sparse=False",
}
_PARAMETERS = {name: Parameters(name, f"{text} **more") for name, text in _SEQUENCE.items()}
_LAZY = {
    **{f"LazyConv{n}d": f"Conv{n}d" for n in (1, 2, 3)},
    **{f"LazyConvTranspose{n}d": f"ConvTranspose{n}d" for n in (1, 2, 3)},
    **{f"LazyBatchNorm{n}d": f"BatchNorm{n}d" for n in (1, 2, 3)},
    **{f"LazyInstanceNorm{n}d": f"InstanceNorm{n}d" for n in (1, 2, 3)},
    "LazyLinear": "Linear",
}
_SIZE_NAMES = ("in_channels", "in_features", "num_features", "num_channels")
# Layers that act on each number alone, whatever the shape.
_ANYWHERE = {type_ for _, type_ in ELEMENTWISE.values()} | {"Dropout", "AlphaDropout"}
_WITH_DIM = {"Softmax", "LogSoftmax", "Softmin", "GLU"}


class ModuleClass(NativeClass):
    """A class of torch.nn. `make(run, args, kwargs)` gives an instance."""

    def __init__(
        self,
        name: str,
        make: Callable[..., Any] | None = None,
        bases: tuple[ModuleClass, ...] = (),
    ) -> None:
        super().__init__(f"nn.{name}")
        self.make, self.bases = make, bases

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        if self.make is None:
            run.refuse(f"makes a {self.name} of its own, which applies nothing")
        return self.make(run, args, kwargs)

    def inherits(self, cls: Any) -> bool:
        return self is cls or any(base.inherits(cls) for base in self.bases)

    def covers(self, value: Any) -> bool:
        own = getattr(value, "cls", None)
        return isinstance(own, NativeClass) and own.inherits(self)

    # ---- of the text's classes that descend from it

    def begin(self, instance: Any, args: list[Any], kwargs: dict[str, Any], run: Any) -> None:
        if self.make is not None and isinstance(instance, Instance):
            instance.core = self.make(run, args, kwargs)

    def member(self, instance: Any, name: str, run: Any) -> Any:
        core = instance.core
        if name in ("forward", "__call__") and core is not None:
            return Function("forward", None, lambda run, args, kwargs: core.call(args, kwargs, run))
        if core is not None:
            value = core.attribute(name, run) if core.knows(name) else MISSING
            if value is not MISSING:
                return value
        return module_member(instance, name, run)

    def keep(self, instance: Any, name: str, value: Any, run: Any) -> None:
        core = instance.core
        if core is not None and not isinstance(core, Container) and core.knows(name):
            core.set_attribute(name, value, run)
        elif isinstance(core, Container) and (is_module(value) or name in core.children):
            core.children[name] = value
        else:
            instance.attributes[name] = value

    def invoke(self, instance: Any, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        return apply(instance, args, kwargs, run)


def apply(instance: Instance, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
    """`network(x)` of a class of the text: its forward, where the network's input is known."""
    if run_trace(run) is None:
        if args and isinstance(args[0], Fresh):
            args = [_input(args[0], run), *args[1:]]
        if not any(isinstance(arg, Tensor) for arg in [*args, *kwargs.values()]):
            return Unknown(f"applies {instance.cls.name} outside of a forward", run.line)
    whole = run.whole_model(instance) if instance.origin else None
    if whole is not None and run_trace(run) is not None:
        return whole.call(args, kwargs, run)
    forward = instance.cls.find("forward")
    with run.strictly(), _reading(instance, run):
        if "forward" in instance.attributes:
            return run.call(instance.attributes["forward"], args, kwargs)
        if forward is not MISSING:
            return run.call(forward, [instance, *args], kwargs)
        if instance.core is not None:
            return instance.core.call(args, kwargs, run)
        if is_module(instance.attributes.get("net")):  # of textbooks' base classes
            return run.call(instance.attributes["net"], args, kwargs)
    run.refuse(f"calls {instance.cls.name}, which has no forward")


@contextmanager
def _reading(instance: Instance, run: Any) -> Iterator[None]:
    """Let the trace know that the forward of `instance` is being read."""
    trace = run_trace(run)
    if trace is None:
        yield
        return
    trace.inside.append(instance)
    try:
        yield
    finally:
        trace.inside.pop()


MODULE = ModuleClass("Module")


def is_module(value: Any) -> bool:
    """Whether a value is a module or parameter of a network."""
    if isinstance(value, Instance):
        return value.cls.native is not None and value.cls.native.inherits(MODULE)
    return isinstance(value, Module | Parameter)


def children(value: Any) -> list[tuple[str, Any]]:
    """The modules and parameters directly in a module, by the names that PyTorch gives them."""
    if isinstance(value, Instance):
        inner = [(k, v) for k, v in value.attributes.items() if is_module(v)]
        return [*(children(value.core) if value.core is not None else ()), *inner]
    return value.inner() if isinstance(value, Module) else []


def walk(value: Any, name: str = "", seen: set[int] | None = None) -> Iterable[tuple[str, Any]]:
    """(dotted name, module) of a module and all inside it, each once."""
    seen = set() if seen is None else seen
    if id(value) in seen or len(seen) > 5_000:
        return
    seen.add(id(value))
    yield name, value
    if isinstance(value, Instance) and value.core is not None:
        yield name, value.core
    for inner, child in children(value):
        yield from walk(child, f"{name}.{inner}" if name else inner, seen)


class Module(Native):
    """What torch.nn's classes make."""

    lasting = True

    def __init__(self, cls: ModuleClass, line: int) -> None:
        self.cls, self.line = cls, line
        self.kind = f"a {cls.name.removeprefix('nn.')}"

    def knows(self, name: str) -> bool:
        """Whether `name` is this module's own, and not any module's."""
        return False

    def inner(self) -> list[tuple[str, Any]]:
        """The modules and parameters directly inside, by name."""
        return []

    def attribute(self, name: str, run: Any) -> Any:
        if name == "__class__":
            return self.cls
        if name in ("forward", "__call__"):
            return Function("forward", None, lambda run, args, kwargs: self.call(args, kwargs, run))
        value = module_member(self, name, run)
        if value is not MISSING:
            return value
        return Unknown(f"uses .{name} of {self.kind}, which cannot be read", run.line)

    def text(self, run: Any) -> str:
        return self.kind.removeprefix("a ")


# ---- what every module has -----------------------------------------------------------------------


def _same_module(module: Any) -> Function:
    return Function("to", None, lambda run, args, kwargs: module)


def _freeze(module: Any, learns: Any, run: Any) -> Any:
    if learns is False:
        run.note(f"Line {run.line} freezes weights; here they are learnt like all others.")
    return module


def _add_module(module: Any) -> Function:
    def add(run: Any, name: Any, module_: Any) -> None:
        if not isinstance(name, str):
            run.refuse(f"adds a module under {kind(name)}; a name is a text")
        if isinstance(module, Container):
            module.children[name] = module_
        else:
            run.set_attribute(module, name, module_)

    return Function("add_module", "name module_", lambda run, name, module_: add(
        run, name, module_))  # fmt: skip


def _register(module: Any) -> Function:
    def register(run: Any, name: Any, value: Any, more: dict[str, Any]) -> None:
        if not isinstance(name, str):
            run.refuse("registers something without a name")
        run.set_attribute(module, name, value)

    return Function("register", "name value **more", register)


def _apply_function(module: Any) -> Function:
    def each(run: Any, function: Any) -> Any:
        for _, inner in list(walk(module)):
            if not isinstance(inner, Parameter):
                run.call(function, [inner], {})
        return module

    return Function("apply", "function", each)


def _listed(module: Any, named: bool, deep: bool) -> Function:
    def give(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        pairs = list(walk(module)) if deep else children(module)
        run.charge(len(pairs))
        modules = [(name, inner) for name, inner in pairs if not isinstance(inner, Parameter)]
        return modules if named else [inner for _, inner in modules]

    return Function("modules", None, give)


_NOTHING = (
    *("zero_grad", "load_state_dict", "share_memory", "unfreeze", "log", "log_dict"),
    *("register_full_backward_hook", "summary", "init_weights_done"),
    *("requires_grad", "compile", "print", "manual_backward", "register_backward_hook"),
)
_ITSELF = (
    *("to", "cuda", "cpu", "train", "eval", "float", "double", "half", "type"),
    *("share_memory_", "bfloat16"),
)


def module_member(module: Any, name: str, run: Any) -> Any:
    """An attribute that every module has; MISSING for others."""
    if name == "training":
        return Training()
    if name in ("requires_grad_", "freeze"):
        return Function(name, "requires_grad=None", lambda run, requires_grad: _freeze(
            module, requires_grad if name == "requires_grad_" else False, run))  # fmt: skip
    if name in _ITSELF:
        return _same_module(module)
    if name in ("add_module", "register_module"):
        return _add_module(module)
    if name in ("register_buffer", "register_parameter"):
        return _register(module)
    if name == "apply":
        return _apply_function(module)
    if name in ("modules", "children", "named_modules", "named_children"):
        return _listed(module, name.startswith("named"), name.endswith("modules"))
    if name in ("register_forward_hook", "register_forward_pre_hook"):
        return Function(name, "hook **more", lambda run, hook, more: _hook(module, hook, run))
    if name in _NOTHING:
        return Function(name, None, lambda run, args, kwargs: None)
    if name == "save_hyperparameters":
        return Function(name, None, lambda run, args, kwargs: _save(module, run))
    if name == "get_submodule":
        return Function(name, "target", lambda run, target: _submodule(module, target, run))
    if name in ("_modules", "module"):
        return dict(children(module)) if name == "_modules" else module
    if name == "parameters":
        return Function(name, None, lambda run, args, kwargs: [Weight(module, "weight")])
    if name == "named_parameters":
        return Function(name, None, lambda run, args, kwargs: _named_weights(module, run))
    if name in ("state_dict", "buffers", "device"):
        reason = f"uses .{name} of a module, whose weights are not known"
        unknown = Unknown(reason, run.line)
        return (
            unknown if name == "device" else Function(name, None, lambda run, args, kwargs: unknown)
        )
    return MISSING


def _hook(module: Any, hook: Any, run: Any) -> None:
    """A hook that only looks on changes nothing; what one gives would replace an output."""
    node = hook.node if isinstance(hook, UserFunction) else None
    body = ast.walk(node) if isinstance(node, ast.FunctionDef) else ()
    gives = any(isinstance(inner, ast.Return) and inner.value is not None for inner in body)
    if not isinstance(node, ast.FunctionDef) or gives:
        reason = "registers a hook, whose result would replace what a layer gives"
        run.spoilt[id(module)] = Unknown(reason, run.line)


def _named_weights(module: Any, run: Any) -> list[tuple[str, Any]]:
    """What a loop over named_parameters initialises."""
    pairs: list[tuple[str, Any]] = []
    for name, inner in walk(module):
        if isinstance(inner, Parameter):
            pairs.append((name, inner))
        elif isinstance(inner, LayerModule):
            parts = ("weight",) if inner.args.get("bias") is False else ("weight", "bias")
            front = f"{name}." if name else ""
            pairs += [(front + part, Weight(inner, part)) for part in parts]
    run.charge(len(pairs))
    return pairs


def _save(module: Any, run: Any) -> None:
    """Lightning's save_hyperparameters: the constructor's arguments as self.hparams."""
    from_call = {k: v for k, v in run.scope.arguments.items() if v is not module}
    if isinstance(module, Instance):
        module.attributes["hparams"] = Settings(from_call)


def _submodule(module: Any, target: Any, run: Any) -> Any:
    for part in target.split(".") if isinstance(target, str) else ():
        module = dict(children(module)).get(part)
    return module if module is not None else run.refuse("asks for a module that is not there")


class Settings(Native):
    """Values by name, as attributes and as items."""

    kind = "settings"

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def attribute(self, name: str, run: Any) -> Any:
        return self.item(name, run)

    def set_attribute(self, name: str, value: Any, run: Any) -> None:
        self.values[name] = value

    def item(self, index: Any, run: Any) -> Any:
        if isinstance(index, str) and index in self.values:
            return self.values[index]
        return Unknown(f"uses the setting {index}, which is not set", run.line)


# ---- parameters ----------------------------------------------------------------------------------


class Parameter(Native):
    """`nn.Parameter(…)`: learnt numbers of a module's own."""

    kind = "a parameter"
    lasting = True

    def __init__(self, fresh: Fresh, line: int, *, learnt: bool = True) -> None:
        self.fresh, self.line, self.learnt = fresh, line, learnt

    def to_tensor(self, run: Any) -> Any:
        """The layer Parameter that it is in the trace, made when it is first used."""
        trace = run_trace(run)
        if trace is None:
            return Unknown("computes with a parameter before it is trained", run.line)
        if id(self) not in trace.made:
            step = trace.add("Parameter", self.fresh.parameter(run), (), run.line, self)
            trace.made[id(self)] = (self, step)
        return Tensor(trace, trace.made[id(self)][1], axis=None)

    def attribute(self, name: str, run: Any) -> Any:
        if name in ("shape", "ndim", "dim", "size", "numel", "nelement"):
            return self.fresh.attribute(name, run) if name != "ndim" else len(self.fresh.dims)
        if name == "data":
            return self
        if name in INITS:
            return Function(name, None, lambda run, args, kwargs: INITS[name].call(
                [self, *args], kwargs, run))  # fmt: skip
        if name in ("requires_grad", "grad"):
            return True
        if name in ("requires_grad_", "to", "cuda", "detach", "clone", "fill_", "copy_"):
            return Function(name, None, lambda run, args, kwargs: self)
        tensor = self.to_tensor(run)
        return tensor if isinstance(tensor, Unknown) else run.attribute(tensor, name)

    def set_attribute(self, name: str, value: Any, run: Any) -> None:
        if name == "data" and isinstance(value, Fresh):
            self.fresh = value

    def operate(self, operator: str, other: Any, reflected: bool, run: Any) -> Any:
        return binary(operator, self, other, reflected, run)

    def unary(self, operator: str, run: Any) -> Any:
        tensor = self.to_tensor(run)
        return tensor.unary(operator, run)

    def item(self, index: Any, run: Any) -> Any:
        return self.to_tensor(run).item(index, run)

    def iterate(self, run: Any) -> Any:
        return self.to_tensor(run).iterate(run)

    def length(self, run: Any) -> Any:
        return self.fresh.length(run)

    def copied(self, copy: Callable[[Any], Any], known: dict[int, Any]) -> Parameter:
        """A parameter of its own that begins alike."""
        known[id(self)] = Parameter(self.fresh, self.line)
        return known[id(self)]


def make_parameter(run: Any, data: Any, requires_grad: Any = True) -> Any:
    """`nn.Parameter(data)`."""
    if isinstance(data, Parameter | Unknown):
        return data
    if isinstance(data, int | float):
        data = Fresh((), "constant", value=float(data))
    if not isinstance(data, Fresh):
        run.refuse(f"makes a parameter of {kind(data)}; use torch.zeros, ones, randn or empty")
    return Parameter(data, run.line)


class Weight(Native):
    """`layer.weight`: what a text may initialise, but not compute with."""

    kind = "a layer's weight"

    def __init__(self, module: Any, name: str) -> None:
        self.module, self.name = module, name

    def attribute(self, name: str, run: Any) -> Any:
        if name in ("data", "grad"):
            return self
        if name in INITS:
            return Function(name, None, lambda run, args, kwargs: INITS[name].call(
                [self, *args], kwargs, run))  # fmt: skip
        if name in ("new", "new_zeros"):
            return Function(name, "*sizes **more", lambda run, sizes, more: Fresh(
                sizes, "constant"))  # fmt: skip
        if name == "dim":
            return Function(name, "", lambda run: 2)
        if name in ("shape", "size"):
            return Unknown(f"uses the {name} of a layer's weight", run.line)
        same = name.endswith("_") and run_trace(run) is None
        if same or name in ("requires_grad_", "requires_grad", "to", "detach", "clone"):
            return Function(name, None, lambda run, args, kwargs: self)
        if name.endswith("_"):
            return Unknown("changes a layer's weight in a forward, which no layer does", run.line)
        tensor = self.to_tensor(run)
        return tensor if isinstance(tensor, Unknown) else run.attribute(tensor, name)

    def set_attribute(self, name: str, value: Any, run: Any) -> None:
        """`layer.weight.data = …` and `requires_grad = False` are passed over."""
        run.note(f"Line {run.line} sets a layer's {self.name}.{name}; it is passed over.")

    def operate(self, operator: str, other: Any, reflected: bool, run: Any) -> Any:
        tensor = self.to_tensor(run)
        return tensor if isinstance(tensor, Unknown) else binary(
            operator, tensor, other, reflected, run)  # fmt: skip

    def item(self, index: Any, run: Any) -> Any:
        if run_trace(run) is None:
            return self
        tensor = self.to_tensor(run)
        return tensor if isinstance(tensor, Unknown) else tensor.item(index, run)

    def set_item(self, index: Any, value: Any, run: Any) -> None:
        pass

    def iterate(self, run: Any) -> Any:
        run.refuse("loops over a layer's weight")

    def to_tensor(self, run: Any) -> Any:
        """A Linear's as a parameter, once the layer is taken apart; of others, Unknown."""
        if isinstance(self.module, LayerModule) and run_trace(run) is not None:
            if self.name in self.module.parts:
                return self.module.parts[self.name].to_tensor(run)
            run_trace(run).weights.append(self.module)
        return Unknown("computes with a layer's weight, which no layer does", run.line)


# ---- nn.init -------------------------------------------------------------------------------------

_SPEC_INIT = {"kaiming": "kaiming", "he": "kaiming", "xavier": "xavier", "orthogonal": "orthogonal"}


def _initialise(name: str) -> Function:
    def set_(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        target = args[0] if args else kwargs.get("tensor")
        numbers = [a for a in [*args[1:], *kwargs.values()] if isinstance(a, int | float)]
        if isinstance(target, Fresh):
            return target.become(_begun(name, target, numbers, kwargs), run)
        if isinstance(target, Parameter):
            target.fresh = _begun(name, target.fresh, numbers, kwargs)
        elif isinstance(target, Weight) and target.name == "weight":
            run.inits.append(name)
        return target

    return Function(f"nn.init.{name}", None, set_)


def _begun(name: str, fresh: Fresh, numbers: list[Any], kwargs: dict[str, Any]) -> Fresh:
    dims, word = fresh.dims, name.rstrip("_")
    if word in ("zeros", "zero", "ones", "constant", "fill"):
        value = {"zeros": 0.0, "zero": 0.0, "ones": 1.0}.get(word)
        value = (numbers or [0.0])[0] if value is None else value
        return Fresh(dims, "constant", value=float(value))
    if word in ("normal", "trunc_normal"):
        mean = kwargs.get("mean", numbers[0] if numbers else 0.0)
        std = kwargs.get("std", numbers[1] if len(numbers) > 1 else 1.0)
        if not isinstance(mean, int | float) or not isinstance(std, int | float):
            return fresh
        return Fresh(dims, word, mean=float(mean), std=float(std))
    if word == "uniform":
        low, high = (numbers + [0.0, 1.0][len(numbers) :])[:2]
        return Fresh(dims, "uniform", low=float(low), high=float(high))
    if word in ("xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"):
        return Fresh(dims, word) if len(dims) >= 2 else Fresh(dims, "normal", std=0.02)
    return fresh


INITS = {
    name: _initialise(name)
    for name in (
        *("zeros_", "zero_", "ones_", "constant_", "fill_", "normal_", "trunc_normal_", "uniform_"),
        *("xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_"),
        *("orthogonal_", "dirac_", "eye_", "sparse_", "xavier_uniform", "xavier_normal"),
        *("kaiming_uniform", "kaiming_normal", "normal", "constant", "uniform", "orthogonal"),
    )
}


Tensor.methods.update({name: INITS[name] for name in INITS if name.endswith("_")})


def init_of(names: list[str]) -> str:
    """The spec's init that the calls of nn.init come nearest to."""
    stems = [name.partition("_")[0] for name in names]
    known = [_SPEC_INIT[stem] for stem in stems if stem in _SPEC_INIT]
    return max(set(known), key=known.count) if known else "default"


# ---- layers --------------------------------------------------------------------------------------


class LayerModule(Module):
    """A layer of torch.nn with its arguments by name, such as `nn.Conv2d(1, 8, 3)`."""

    def __init__(self, cls: ModuleClass, type: str, args: dict[str, Any], line: int) -> None:
        super().__init__(cls, line)
        self.type, self.args = type, args
        self.inplace = False  # whether it changes its input, which may have other names
        self.spoilt: Unknown | None = None  # set where the text changes what it cannot
        self.parts: dict[str, Parameter] = {}  # a Linear's weight and bias, once it is taken apart

    def take_apart(self) -> bool:
        """Have weight and bias as parameters of their own, which others may read, too.

        Whether this is a Linear of known sizes that still was in one piece."""
        sizes = self.args.get("out_features"), self.args.get("in_features")
        if self.type != "Linear" or self.parts or not all(type(size) is int for size in sizes):
            return False
        end = self.args["in_features"] ** -0.5 if self.args["in_features"] > 0 else 1.0
        self.parts["weight"] = Parameter(Fresh(sizes, "uniform", low=-end, high=end), self.line)
        if self.args.get("bias", True) is True:
            fresh = Fresh(sizes[:1], "uniform", low=-end, high=end)
            self.parts["bias"] = Parameter(fresh, self.line)
        return True

    def inner(self) -> list[tuple[str, Any]]:
        return list(self.parts.items())

    def knows(self, name: str) -> bool:
        return name in self.args or name in ("weight", "bias", *_SIZE_NAMES, *self._attributes())

    def _attributes(self) -> dict[str, Any]:
        values = dict(self.args)
        for name in ("kernel_size", "stride", "padding", "dilation"):
            number = values.get(name)
            spread = self.type.startswith("Conv") and self.type[-2:-1].isdigit()
            if spread and isinstance(number, int):
                values[name] = (number,) * int(self.type[-2])
        return values

    def attribute(self, name: str, run: Any) -> Any:
        if name in ("weight", "bias"):
            if name == "bias" and self.args.get("bias") is False:
                return None
            return Weight(self, name)
        values = self._attributes()
        if name in values:
            return values[name]
        defaults = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "p": 0.5, "eps": 1e-5}
        if name in defaults and self.type in list_layers():
            takes = {argument.name: argument for argument in layer_signature(self.type).arguments}
            if name in takes:
                number = takes[name].default
                plain = isinstance(number, int) and self.type.startswith("Conv")
                return (number,) * int(self.type[-2]) if plain and name != "groups" else number
        return super().attribute(name, run)

    def set_attribute(self, name: str, value: Any, run: Any) -> None:
        if name in ("weight", "bias"):
            if name == "bias" and value is None:
                self.args["bias"] = False
                return
            self.spoilt = Unknown(
                f"sets the {name} of {self.kind} to something else, which no layer can", run.line
            )
        elif name in self.args:
            self.args[name] = argument(value, run)
        elif isinstance(value, Unknown):
            self.spoilt = value
        elif is_module(value) or name == "forward":
            self.spoilt = Unknown(f"replaces .{name} of {self.kind}, which is one layer", run.line)
        elif name in ("p", "momentum", "eps", "padding", "stride"):
            self.args[name] = argument(value, run)

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        if len(args) != 1 or kwargs:
            positional = [*args, *kwargs.values()]
            if len(positional) != 1:
                run.refuse(f"passes {len(positional)} values to {self.kind}, which takes one")
            args = positional
        tensor = _input(args[0], run)
        if isinstance(tensor, Unknown):
            return tensor
        for value in [self.spoilt, *self.args.values()]:
            if isinstance(value, Unknown):
                return value
        run.budget.step(run.line, 20)
        made = self._applied(tensor, run)
        return tensor.become(made, run) if self.inplace else made

    def _applied(self, tensor: Tensor, run: Any) -> Any:
        if self.type == "Identity":
            return tensor
        if self.parts:
            weights = [self.parts.get("weight"), self.parts.get("bias")]
            return FUNCTIONS["linear"].call([tensor, *weights], {}, run)
        if self.type not in _ANYWHERE | _WITH_DIM:
            tensor = for_each_image(tensor, run)
        if self.type in ("Flatten", "Unflatten"):
            return self._reshaped(tensor, run)
        if self.type in _WITH_DIM:
            name = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Softmin": "softmin"}
            options = {"dim": self.args["dim"]} if "dim" in self.args else {}
            return FUNCTIONS[name.get(self.type, "glu")].call([tensor], options, run)
        if self.type in ("Linear", "LayerNorm"):
            last = 1
            if self.type == "LayerNorm":
                sizes = self.args.get("normalized_shape", 1)
                last = len(sizes) if isinstance(sizes, tuple) else 1
            if tensor.axis is not None and tensor.axis >= tensor.rank - last:
                run.refuse(f"applies {self.kind} over the images of a batch, which mixes them")
        elif self.type not in _ANYWHERE and not tensor.plain:
            run.refuse(
                f"applies {self.kind} to a tensor whose batch is not its first dimension alone"
            )
        return layer_step(self, tensor, run)

    def _reshaped(self, tensor: Tensor, run: Any) -> Any:
        if self.type == "Flatten":
            ends = {"start_dim": self.args.get("start_dim", 1), "end_dim": self.args.get(
                "end_dim", -1)}  # fmt: skip
            return FUNCTIONS["flatten"].call([tensor], ends, run)
        sizes = [self.args.get("dim"), self.args.get("unflattened_size")]
        return FUNCTIONS["unflatten"].call([tensor, *sizes], {}, run)

    def copied(self, copy: Callable[[Any], Any], known: dict[int, Any]) -> LayerModule:
        """A layer with weights of its own."""
        made = type(self)(self.cls, self.type, dict(self.args), self.line)
        made.spoilt, made.inplace = self.spoilt, self.inplace
        known[id(self)] = made
        return made


def _input(value: Any, run: Any) -> Any:
    """What a module is applied to; a constructor's example begins a trace of its own."""
    if isinstance(value, Fresh) and run_trace(run) is None:
        if run.strict:
            if len(value.dims) == 4 and value.dims[1] in (1, 3):
                run.examples.append(value.dims)
            return example(value, run)
        run.examples.append(value.dims)
        return Unknown("applies a network outside of a forward", run.line)
    return as_tensor(value, run)


def layer_step(module: Any, tensor: Tensor, run: Any) -> Tensor:
    """What a layer gives; applied a second time, it shares its weights."""
    owner = module.module if isinstance(module, _Stripped) else module
    first = tensor.trace.first_of(owner)
    if first is not None:
        return tensor.seen(tensor.trace.again(first, (tensor.step,), run.line))
    type_ = dropout_type(module.type, tensor, run)
    step = tensor.trace.add(type_, module.args, (tensor.step,), run.line, owner)
    return tensor.seen(step)


def _layer_class(name: str) -> ModuleClass:
    def make(run: Any, args: list[Any], kwargs: dict[str, Any]) -> LayerModule:
        made = LayerModule(CLASSES[name], name, layer_arguments(name, args, kwargs, run), run.line)
        arguments = dict(zip(argument_names(name), args, strict=False)) | kwargs
        made.inplace = arguments.get("inplace") is True
        return made

    return ModuleClass(name, make, (MODULE,))


def layer_arguments(name: str, args: list[Any], kwargs: dict[str, Any], run: Any) -> dict[str, Any]:
    """The arguments of a layer by name, those at their defaults left out."""
    names = argument_names(name)
    if len(args) > len(names):
        run.refuse(f"passes {len(args)} arguments to {name}; it takes {len(names)}")
    positional = dict(zip(names, args, strict=False))
    twice = [key for key in kwargs if key in positional]
    if twice:
        run.refuse(f"passes {twice[0]} to {name} twice")
    takes = {each.name: each for each in layer_signature(name).arguments}
    arguments = {}
    for key, value in {**positional, **kwargs}.items():
        if key in _IGNORED:
            continue
        if key not in takes:
            if key == "return_indices" and value is False:
                continue
            run.refuse(f"passes an argument {key!r} to {name} that it does not take here")
        value = value if isinstance(value, Unknown) else argument(value, run)
        if takes[key].required or isinstance(value, Unknown) or value != takes[key].default:
            arguments[key] = value
    missing = [key for key, each in takes.items() if each.required and key not in arguments]
    if missing:
        run.refuse(f"leaves out {missing[0]}, which {name} needs")
    return arguments


def _lazy_class(name: str, type_: str) -> ModuleClass:
    def make(run: Any, args: list[Any], kwargs: dict[str, Any]) -> LayerModule:
        names = [key for key in argument_names(type_) if key not in _SIZE_NAMES]
        positional = dict(zip(names, args, strict=False))
        return LayerModule(
            CLASSES[type_],
            type_,
            layer_arguments(type_, [], {**positional, **kwargs}, run),
            run.line,
        )

    return ModuleClass(name, make, (CLASSES[type_],))


# ---- recurrent layers and attention --------------------------------------------------------------


class SequenceModule(LayerModule):
    """LSTM, GRU, RNN, MultiheadAttention and TransformerEncoderLayer."""

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        for value in [self.spoilt, *self.args.values()]:
            if isinstance(value, Unknown):
                return value
        run.budget.step(run.line, 20)
        if self.type == "MultiheadAttention":
            return self._attended(args, kwargs, run)
        if not args:
            run.refuse(f"calls {self.kind} without a tensor")
        tensor = _input(args[0], run)
        if isinstance(tensor, Unknown):
            return tensor
        if self.type == "TransformerEncoderLayer":
            masks = [a for a in [*args[1:], *kwargs.values()] if a is not None and a is not False]
            if masks:
                run.refuse("masks a TransformerEncoderLayer, which no layer does")
            self._check_order(tensor, run)
            return layer_step(_Stripped(self, ("batch_first",)), tensor, run)
        return self._recurrent(tensor, [*args[1:], *kwargs.values()], run)

    def _check_order(self, tensor: Tensor, run: Any) -> None:
        """Refuse a batch where the class expects time, which would mix the images."""
        first = self.args.get("batch_first", False)
        if tensor.rank != 3:
            run.refuse(
                f"gives {self.kind} a tensor of {tensor.rank} dimensions; it takes three: images, "
                f"steps, features"
            )
        if tensor.axis != (0 if first else 1):
            fix = "set batch_first=True" if not first else "leave batch_first out"
            run.refuse(
                f"lets {self.kind} read the images of a batch as the steps of a sequence; {fix}, "
                f"or permute its input"
            )

    def _recurrent(self, tensor: Tensor, state: list[Any], run: Any) -> Any:
        self._check_order(tensor, run)
        if tensor.lead:
            run.refuse(f"folds sizes into the batch before {self.kind}, which cannot be read")
        for value in _flat(state):
            fresh = isinstance(value, Fresh)
            if fresh and value.init in ("normal", "uniform"):
                run.note(f"Line {run.line} starts {self.kind} from random states; here from zeros.")
                continue
            zeros = fresh and value.init == "constant" and not value.args.get("value", 0.0)
            if value is not None and not zeros:
                if isinstance(value, Unknown):
                    return value
                run.refuse(f"starts {self.kind} from something other than zeros")
        if self.args.get("proj_size"):
            run.refuse(f"uses proj_size in {self.kind}, which no layer has")
        stripped = _Stripped(self, ("batch_first", "proj_size"))
        sequence = tensor.seen(self._output(stripped, tensor, "sequence", run))
        hidden = Tensor(tensor.trace, self._output(stripped, tensor, "hidden", run), axis=1)
        if self.type != "LSTM":
            return (sequence, hidden)
        cell = Tensor(tensor.trace, self._output(stripped, tensor, "cell", run), axis=1)
        return (sequence, (hidden, cell))

    def _output(self, stripped: _Stripped, tensor: Tensor, output: str, run: Any) -> Any:
        args = {k: v for k, v in stripped.args.items() if k not in ("output",)}
        more = {} if output == "sequence" else {"output": output}
        args = {**args, **more}
        step = tensor.trace.add(self.type, args, (tensor.step,), run.line, stripped.module)
        return step

    def _attended(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        bound = _ATTENDED.bind(args, kwargs, run)
        tensors = operands([bound["query"], bound["key"], bound["value"]], run)
        if isinstance(tensors, Unknown):
            return tensors
        if bound["attn_mask"] is not None or bound["key_padding_mask"] is not None:
            run.refuse("masks a MultiheadAttention, which no layer does")
        for tensor in tensors:
            self._check_order(tensor, run)
        tensors = [for_each_image(tensor, run) for tensor in tensors]
        query = tensors[0]
        steps = [tensor.step for tensor in tensors]
        if all(step is steps[0] for step in steps):
            steps = steps[:1]
        stripped = _Stripped(self, ("batch_first",))
        first = query.trace.first_of(self)
        if first is not None:
            made = query.trace.again(first, steps, run.line)
        else:
            made = query.trace.add(self.type, stripped.args, steps, run.line, self)
        return (query.seen(made), Unknown("uses the weights of an attention", run.line))


class Embedding(LayerModule):
    """nn.Embedding, looked up at positions that are known: a parameter."""

    def __init__(self, cls: ModuleClass, type: str, args: dict[str, Any], line: int) -> None:
        super().__init__(cls, type, args, line)
        sizes = args["num_embeddings"], args["embedding_dim"]
        self.table = Parameter(Fresh(sizes, "normal"), line)

    def inner(self) -> list[tuple[str, Any]]:
        return [("weight", self.table)]

    def attribute(self, name: str, run: Any) -> Any:
        return self.table if name == "weight" else super().attribute(name, run)

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        places = args[0] if args else None
        if isinstance(places, Unknown):
            return places
        plain = isinstance(places, Fresh) and places.init == "range"
        if not plain or type(places.dims[-1]) is not int or len(places.dims) > 2:
            run.refuse("looks an embedding up by a tensor's values; only torch.arange can be read")
        tensor = self.table.to_tensor(run)
        if isinstance(tensor, Unknown):
            return tensor
        part = tensor.item(slice(0, places.dims[-1]), run)
        for dim in places.dims[:-1]:
            part = FUNCTIONS["expand"].call([part, dim, -1, -1], {}, run)
        return part


_ATTENDED = Parameters(
    "MultiheadAttention",
    "query key value key_padding_mask=None need_weights=True attn_mask=None "
    "average_attn_weights=True is_causal=False",
)


class _Stripped:
    """A module under its own identity with some arguments left out."""

    def __init__(self, module: SequenceModule, names: tuple[str, ...]) -> None:
        self.type, self.module = module.type, module
        self.args = {k: v for k, v in module.args.items() if k not in names}


def _flat(values: Iterable[Any]) -> list[Any]:
    flat: list[Any] = []
    for value in values:
        flat += _flat(value) if isinstance(value, list | tuple) else [value]
    return flat


def _sequence_class(name: str) -> ModuleClass:
    def make(run: Any, args: list[Any], kwargs: dict[str, Any]) -> LayerModule:
        bound = _PARAMETERS[name].bind(args, kwargs, run)
        unread = [key for key in bound.pop("more") if key not in _IGNORED]
        if unread:
            run.refuse(f"passes an argument {unread[0]!r} to {name} that it does not take")
        defaults = _PARAMETERS[name].defaults
        if not isinstance(bound.get("activation", ""), str):
            bound["activation"] = _activation(bound["activation"], run)
        arguments = {
            key: argument(value, run)
            for key, value in bound.items()
            if defaults[key] is MISSING or value != defaults[key]
        }
        made = Embedding if name == "Embedding" else SequenceModule
        return made(CLASSES[name], name, arguments, run.line)

    return ModuleClass(name, make, (MODULE,))


def _activation(value: Any, run: Any) -> Any:
    """F.gelu, nn.GELU() or a text as TransformerEncoderLayer's activation."""
    name = getattr(value, "name", getattr(value, "type", "")) or ""
    word = str(name).rpartition(".")[2].lower()
    return word if word in ("relu", "gelu") else run.refuse("uses another activation than relu")


# ---- containers ----------------------------------------------------------------------------------


class Container(Module):
    """nn.Sequential, ModuleList, ModuleDict and ParameterList: modules by name."""

    def __init__(self, cls: ModuleClass, items: dict[str, Any], line: int) -> None:
        super().__init__(cls, line)
        self.children: dict[str, Any] = items

    def inner(self) -> list[tuple[str, Any]]:
        return list(self.children.items())

    def knows(self, name: str) -> bool:
        return name in self.children or name in (
            *("append", "extend", "insert", "items", "keys", "values", "update", "pop"),
            *("__iter__", "__getitem__", "__len__"),
        )

    def attribute(self, name: str, run: Any) -> Any:
        if name in self.children:
            return self.children[name]
        values = list(self.children.values())
        methods: dict[str, tuple[str, Callable[..., Any]]] = {
            "append": ("module", lambda run, module: self._extend([module], run)),
            "extend": ("modules", lambda run, modules: self._extend(run.iterate(modules), run)),
            "insert": ("at module", self._insert),
            "pop": ("at", self._pop),
            "items": ("", lambda run: list(self.children.items())),
            "keys": ("", lambda run: list(self.children)),
            "values": ("", lambda run: values),
            "update": ("modules", self._update),
            "__iter__": ("", lambda run: values),
            "__len__": ("", lambda run: len(self.children)),
            "__getitem__": ("index", lambda run, index: self.item(index, run)),
        }
        if name in methods:
            parameters, body = methods[name]
            return Function(name, parameters, body)
        return super().attribute(name, run)

    def set_attribute(self, name: str, value: Any, run: Any) -> None:
        if is_module(value) or name in self.children:
            self.children[name] = value
        elif name == "forward":
            run.spoilt[id(self)] = Unknown(f"replaces .forward of {self.kind}", run.line)

    def _extend(self, modules: list[Any], run: Any) -> Container:
        run.charge(len(modules))
        for module in modules:
            self.children[str(len(self.children))] = module
        return self

    def _insert(self, run: Any, at: Any, module: Any) -> None:
        if not isinstance(at, int):
            run.refuse("inserts at something other than a whole number")
        values = list(self.children.values())
        values.insert(at, module)
        self.children = {str(index): value for index, value in enumerate(values)}

    def _pop(self, run: Any, at: Any) -> Any:
        name = at if isinstance(at, str) else self._name(at, run)
        return self.children.pop(name)

    def _update(self, run: Any, modules: Any) -> None:
        pairs = modules.items() if isinstance(modules, dict) else run.iterate(modules)
        self.children.update(pairs)

    def _name(self, index: Any, run: Any) -> str:
        names = list(self.children)
        if isinstance(index, str) and index in self.children:
            return index
        if type(index) is not int or not -len(names) <= index < len(names):
            run.fail("IndexError", f"takes module {kind(index)} of {len(names)}")
        return names[index]

    def item(self, index: Any, run: Any) -> Any:
        if isinstance(index, Unknown):
            return index
        if isinstance(index, slice):
            names = list(self.children)
            ends = (index.start, index.stop, index.step)
            if not all(end is None or type(end) is int for end in ends) or index.step == 0:
                run.refuse("slices modules by something other than whole numbers")
            layers = {name: self.children[name] for name in names[index]}
            return Container(self.cls, layers, run.line)
        return self.children[self._name(index, run)]

    def set_item(self, index: Any, value: Any, run: Any) -> None:
        named = isinstance(index, str) and self.cls.name == "nn.ModuleDict"
        self.children[index if named else self._name(index, run)] = value

    def iterate(self, run: Any) -> list[Any]:
        run.charge(len(self.children))
        if self.cls.name == "nn.ModuleDict":
            return list(self.children)
        return list(self.children.values())

    def length(self, run: Any) -> int:
        return len(self.children)

    def compare(self, operator: str, other: Any, run: Any) -> Any:
        return super().compare(operator, other, run)

    def operate(self, operator: str, other: Any, reflected: bool, run: Any) -> Any:
        if operator == "+" and isinstance(other, Container):
            pair = [other, self] if reflected else [self, other]
            items = [child for each in pair for child in each.children.values()]
            run.charge(len(items))
            return Container(self.cls, {str(i): v for i, v in enumerate(items)}, run.line)
        return NotImplemented

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        if self.cls.name != "nn.Sequential":
            run.refuse(f"calls {self.kind}, which has no forward; loop over its modules")
        if len(args) != 1 or kwargs:
            run.refuse(f"passes {len(args) + len(kwargs)} values to a Sequential, which takes one")
        value = args[0] if isinstance(args[0], list | tuple) else _input(args[0], run)
        for child in list(self.children.values()):
            if isinstance(value, Unknown):
                return value
            if not run.foreign:
                run.line = getattr(child, "line", run.line)
            value = run.call(child, [value], {})
        return value

    def copied(self, copy: Callable[[Any], Any], known: dict[int, Any]) -> Container:
        """The same kind with copies inside."""
        made = Container(self.cls, {}, self.line)
        known[id(self)] = made
        made.children = {name: copy(child) for name, child in self.children.items()}
        return made


def _sequential(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Container:
    if kwargs:
        run.refuse("passes a keyword to Sequential, which takes none")
    if len(args) == 1 and isinstance(args[0], dict):
        items = {str(name): module for name, module in args[0].items()}
    elif len(args) == 1 and isinstance(args[0], list | tuple):
        run.refuse("passes a list to nn.Sequential; pass the layers one by one, *layers")
    else:
        items = {str(at): module for at, module in enumerate(args)}
    for module in items.values():
        if not is_module(module) and not isinstance(module, Unknown):
            run.refuse(f"has {kind(module)} among the layers of a Sequential; it is not a layer")
    run.charge(len(items))
    return Container(CLASSES["Sequential"], items, run.line)


def _module_list(name: str) -> Callable[..., Any]:
    def make(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        values = args[0] if args else next(iter(kwargs.values()), [])
        if isinstance(values, Unknown):
            return values
        pairs = values.items() if isinstance(values, dict) else enumerate(run.iterate(values))
        items = {}
        for key, value in pairs:
            if isinstance(value, tuple | list) and len(value) == 2 and name == "ModuleDict":
                key, value = value
            items[str(key)] = value
        run.charge(len(items))
        return Container(CLASSES[name], items, run.line)

    return make


class Encoder(Module):
    """nn.TransformerEncoder: copies of a layer, one after the other."""

    def __init__(self, cls: ModuleClass, layers: Container, norm: Any, line: int) -> None:
        super().__init__(cls, line)
        self.layers, self.norm = layers, norm

    def inner(self) -> list[tuple[str, Any]]:
        return [("layers", self.layers), *([] if self.norm is None else [("norm", self.norm)])]

    def knows(self, name: str) -> bool:
        return name in ("layers", "norm")

    def attribute(self, name: str, run: Any) -> Any:
        return getattr(self, name) if name in ("layers", "norm") else super().attribute(name, run)

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        masks = [a for a in [*args[1:], *kwargs.values()] if a is not None and a is not False]
        if masks:
            run.refuse("masks a TransformerEncoder, which no layer does")
        value = args[0] if args else run.refuse("calls a TransformerEncoder without a tensor")
        for layer in self.layers.iterate(run):
            value = run.call(layer, [value], {})
        return value if self.norm is None else run.call(self.norm, [value], {})

    def copied(self, copy: Callable[[Any], Any], known: dict[int, Any]) -> Encoder:
        """The same with copies inside."""
        made = Encoder(self.cls, copy(self.layers), copy(self.norm), self.line)
        known[id(self)] = made
        return made


def _encoder(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    bound = _ENCODER.bind(args, kwargs, run)
    layer, count = bound["encoder_layer"], bound["num_layers"]
    if isinstance(layer, Unknown) or isinstance(count, Unknown):
        return layer if isinstance(layer, Unknown) else count
    if type(count) is not int or not 0 < count <= 100 or not is_module(layer):
        run.refuse("makes a TransformerEncoder of something other than a layer and a number")
    copies = {str(at): copied_module(layer, run) for at in range(count)}
    layers = Container(CLASSES["ModuleList"], copies, run.line)
    return Encoder(CLASSES["TransformerEncoder"], layers, bound["norm"], run.line)


_ENCODER = Parameters(
    "TransformerEncoder",
    "encoder_layer num_layers norm=None enable_nested_tensor=True mask_check=True",
)


def copied_module(module: Any, run: Any) -> Any:
    """A copy with weights of its own."""
    return run.call(run.modules["copy"].members["deepcopy"], [module], {})


CLASSES: dict[str, ModuleClass] = {"Module": MODULE}
CLASSES |= {name: _layer_class(name) for name in list_layers() if name not in _SEQUENCE}
CLASSES |= {name: _sequence_class(name) for name in _SEQUENCE}
CLASSES |= {name: _lazy_class(name, type_) for name, type_ in _LAZY.items()}
CLASSES["Sequential"] = ModuleClass("Sequential", _sequential, (MODULE,))
CLASSES |= {
    name: ModuleClass(name, _module_list(name), (MODULE,))
    for name in ("ModuleList", "ModuleDict", "ParameterList", "ParameterDict")
}
CLASSES["TransformerEncoder"] = ModuleClass("TransformerEncoder", _encoder, (MODULE,))
