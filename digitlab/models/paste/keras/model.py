"""Models: Sequential, Model of inputs and outputs, and the text's own subclasses."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from digitlab.models.layer import INPUT, shown
from digitlab.models.paste.keras.initializer import make_parameter
from digitlab.models.paste.keras.layer import KerasLayer, Kind, TensorShape, record, rerun, snake
from digitlab.models.paste.keras.tensor import Tensor
from digitlab.models.paste.keras.trace import Node, Trace
from digitlab.models.paste.native import (
    MISSING,
    Function,
    Native,
    NativeClass,
    Unknown,
)
from digitlab.models.paste.objects import BoundMethod, Instance, UserFunction

# Methods that train, save or tell about a model and do not change it.
PASSED_OVER = {
    *("compile", "fit", "fit_generator", "evaluate", "evaluate_generator", "predict", "summary"),
    *("predict_classes", "predict_proba", "predict_on_batch", "train_on_batch", "test_on_batch"),
    *("save", "save_weights", "load_weights", "to_json", "to_yaml", "get_config", "count_params"),
    *("get_weights", "set_weights", "export", "reset_states", "plot_model", "adapt", "get_layer"),
    *("add_loss", "add_metric", "compute_loss", "compute_metrics", "reset_metrics", "from_config"),
    *("metrics", "optimizer", "loss", "losses", "history", "weights", "trainable_weights"),
    *(
        "trainable_variables",
        "variables",
        "metrics_names",
        "non_trainable_weights",
        "stop_training",
    ),
}
_TRAINING = ("training", "mask")


def image_input(trace: Trace, shape: Sequence[Any], line: int | None, name: str = "") -> Tensor:
    """A tensor for what reaches the network, of Keras's shape without the batch."""
    sizes = [28 if size is None and len(shape) > 1 else size for size in shape]
    sizes = [size.sizes if isinstance(size, TensorShape) else size for size in sizes]
    if not 1 <= len(sizes) <= 4 or not all(type(n) is int and n > 0 for n in sizes):
        trace.refuse(
            f"has the input shape {shown(tuple(shape))}; it must be 1 to 3 whole numbers", line
        )
    if None in tuple(shape):
        trace.note("The size of the images is left open; 28 is taken.")
    node = Node(INPUT, name=name, line=line)
    long = [axis for axis, size in enumerate(sizes) if size != 1]
    if len(sizes) == 1:
        side = _square_side(sizes[0])
        image = (1, side, side) if side else (1, 1, sizes[0])
        flat = trace.add("Flatten", {}, node)
        flat.reshaped_from = (node, image)
        return Tensor(trace, flat, (sizes[0],), (0,))
    if len(sizes) == 2:
        layout: tuple[int | None, ...] = (None, 0, 1)
    elif len(sizes) == 3:
        first = sizes[0] in (1, 3) and sizes[2] not in (1, 3)
        layout = (0, 1, 2) if first or trace.data_format == "channels_first" else (2, 0, 1)
    elif len(long) <= 3:
        layout = (*(None for _ in range(3 - len(long))), *long)
    else:
        trace.refuse(f"has the input shape {shown(tuple(shape))}; a spec takes images", line)
    return Tensor(trace, node, tuple(sizes), layout)


def image_of(tensor: Tensor) -> tuple[int, int, int]:
    """Channels, height and width of an input tensor."""
    if tensor.node.type == INPUT:
        return tensor.stored
    return tensor.node.reshaped_from[1]


def _square_side(features: int) -> int:
    side = round(features**0.5)
    return side if side * side == features else 0


def is_input(tensor: Any) -> bool:
    """Whether a tensor is what reaches a network."""
    if not isinstance(tensor, Tensor):
        return False
    start = tensor.node.reshaped_from
    return tensor.node.type == INPUT or (start is not None and start[0].type == INPUT)


class KerasModel(Native):
    """A model that can be called as a layer and read as a network."""

    def __init__(self, trace: Trace, line: int | None, name: str = "") -> None:
        self.trace, self.line, self.name, self.path = trace, line, name, ""

    def run_on(self, value: Any) -> Any:
        """What the model makes of a tensor."""
        raise NotImplementedError

    def known_input(self) -> Any:
        """Its own input, or the shape that it names; None where it names none."""
        raise NotImplementedError

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        self.trace.run, self.trace.line = run, run.line
        args = [*args, *(kwargs[name] for name in ("inputs", "x") if name in kwargs)]
        if not args:
            run.refuse("calls a model without a tensor")
        if isinstance(args[0], Unknown):
            return args[0]
        return self(args[0])

    def __call__(self, value: Any) -> Any:
        return record(self._scoped, value)

    def _scoped(self, value: Any) -> Any:
        with self.trace.inside(self.path or self.name):
            return self.run_on(value)

    def layers(self) -> list[Any]:
        """Its layers in order."""
        return []

    def attribute(self, name: str, run: Any) -> Any:
        if name == "get_layer":
            return Function("get_layer", "name=None index=None", self._get_layer)
        if name in PASSED_OVER:
            return Function(name, None, lambda run, args, kwargs: _unknown(name, run))
        if name == "layers":
            return self.layers()
        if name == "name":
            return self.name or self.path or "model"
        if name in ("trainable", "built"):
            return True
        if name in ("input_shape", "output_shape"):
            tensor = self.attribute(name.removesuffix("_shape"), run)
            return tensor.attribute("shape", run) if isinstance(tensor, Tensor) else tensor
        if name == "call":
            return self
        return super().attribute(name, run)

    def set_attribute(self, name: str, value: Any, run: Any) -> None:
        if name in ("name", "_name") and isinstance(value, str):
            self.name = value

    def _get_layer(self, run: Any, name: Any, index: Any) -> Any:
        layers = self.layers()
        if type(index) is int and -len(layers) <= index < len(layers):
            return layers[index]
        for layer in layers:
            if name is not None and layer.attribute("name", run) == name:
                return layer
        return Unknown(f"asks for the layer {shown(name)}, which is not found", run.line)


def _unknown(name: str, run: Any) -> Unknown:
    return Unknown(f"uses what .{name}() gives", run.line)


class SequentialModel(KerasModel):
    """Layers one after the other; they are called when the model is used."""

    kind = "a Sequential"

    def __init__(self, trace: Trace, line: int | None, name: str = "") -> None:
        super().__init__(trace, line, name)
        self.items: list[Any] = []
        self.shape: Any = None
        self.ends: tuple[Tensor, Any] | None = None

    def add(self, item: Any) -> None:
        """Append a layer, a model, a function of the text's or an input."""
        if isinstance(item, Unknown):
            item.refuse()
        if is_input(item):
            self.shape = item
        elif isinstance(item, KerasLayer) and item.type.name == "InputLayer":
            self.shape = _input_shape(item)
        elif isinstance(item, list | tuple | str | int | float | bool | dict) or item is None:
            self.trace.refuse(f"has {shown(item)} among the layers; it is not a layer")
        else:
            self.items.append(item)
            self.ends = None
            if len(self.items) == 1 and getattr(item, "first_shape", None) is not None:
                self.shape = item.first_shape

    def run_on(self, value: Any) -> Any:
        for index, item in enumerate(self.items):
            if isinstance(item, KerasLayer | KerasModel | Instance):
                keep(self.trace, item, str(index) if self.trace.scope else "")
            value = _called(self.trace, item, value)
        return value

    def known_input(self) -> Any:
        if self.shape is None and self.items and isinstance(self.items[0], KerasModel):
            return self.items[0].known_input()
        return self.shape

    def layers(self) -> list[Any]:
        return list(self.items)

    def attribute(self, name: str, run: Any) -> Any:
        if name == "add":
            return Function("add", "layer", self._add)
        if name == "pop":
            return Function("pop", "rebuild=None", self._pop)
        if name == "build":
            return Function("build", "input_shape=None", self._build)
        if name in ("input", "output", "inputs", "outputs"):
            ends = self._ends()
            value = ends[0] if name.startswith("in") else ends[1]
            return [value] if name.endswith("s") else value
        return super().attribute(name, run)

    def _ends(self) -> tuple[Tensor, Any]:
        if self.ends is None:
            start = self.known_input()
            if start is None:
                self.trace.refuse("uses the input of a Sequential that does not name its shape")
            if not isinstance(start, Tensor):
                start = image_input(self.trace, start, self.line)
            self.ends = start, record(self.run_on, start)
        return self.ends

    def _add(self, run: Any, layer: Any) -> None:
        self.trace.line = run.line
        self.add(layer)

    def _pop(self, run: Any, rebuild: Any = None) -> Any:
        if not self.items:
            run.refuse("pops a layer of a Sequential that has none")
        self.ends = None
        return self.items.pop()

    def _build(self, run: Any, input_shape: Any) -> None:
        sizes = getattr(input_shape, "sizes", input_shape)
        if isinstance(sizes, list | tuple) and self.shape is None:
            self.shape = tuple(sizes)[1:]


def _input_shape(layer: KerasLayer) -> Any:
    shape = layer["shape"] if layer["shape"] is not None else layer.first_shape
    return tuple(shape) if isinstance(shape, list | tuple) else (shape,)


class FunctionalModel(KerasModel):
    """A model of inputs and outputs."""

    kind = "a Model"

    def __init__(
        self, trace: Trace, inputs: Any, outputs: Any, line: int | None, name: str = ""
    ) -> None:
        super().__init__(trace, line, name)
        self.inputs, self.outputs = _alone(inputs), _alone(outputs)
        for value in (*_all(self.inputs), *_all(self.outputs)):
            if isinstance(value, Unknown):
                value.refuse()
            if not isinstance(value, Tensor):
                trace.refuse(f"makes a Model of {shown(value)}, which is not a tensor")

    def run_on(self, value: Any) -> Any:
        mine, theirs = _all(self.inputs), _all(_alone(value))
        if isinstance(self.inputs, dict) and isinstance(value, dict):
            theirs = [value.get(name) for name in self.inputs]
        if len(mine) != len(theirs) or not all(isinstance(t, Tensor) for t in theirs):
            self.trace.refuse(f"calls a model of {len(mine)} inputs with {len(theirs)}")
        return rerun(self.outputs, dict(zip(mine, theirs, strict=True)))

    def known_input(self) -> Any:
        return self.inputs

    def layers(self) -> list[Any]:
        seen: list[Any] = []
        waiting = [t for t in _all(self.outputs) if isinstance(t, Tensor)]
        done = set()
        while waiting:
            tensor = waiting.pop()
            if tensor.origin is None or tensor.origin[0] in done:
                continue
            made = tensor.origin[0]
            done.add(made)
            owner = getattr(made.function, "__self__", None)
            if isinstance(owner, KerasLayer | KerasModel):
                seen.append((made.number, owner))
            if tensor not in _all(self.inputs):
                waiting += [t for t in _all(list(made.args)) if isinstance(t, Tensor)]
        return [owner for _, owner in sorted(seen, key=lambda pair: pair[0])]

    def attribute(self, name: str, run: Any) -> Any:
        if name in ("input", "inputs", "output", "outputs"):
            value = self.inputs if name.startswith("in") else self.outputs
            return _all(value) if name.endswith("s") else value
        return super().attribute(name, run)


def _alone(value: Any) -> Any:
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _all(value: Any) -> list[Any]:
    """The tensors of a list, a dict, lists in a list, or one alone."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in _all(item)]
    return [value]


def _called(trace: Trace, item: Any, value: Any) -> Any:
    """`item(value)` for a layer, a model or what the text defines."""
    if isinstance(item, KerasLayer):
        return item(value)
    if isinstance(item, KerasModel):
        return item(value)
    if trace.run is None:
        trace.refuse(f"has {shown(item)} among the layers; it is not a layer")
    return trace.run.call(item, [value], {})


def keep(trace: Trace, value: Any, path: str) -> None:
    """Remember where the text keeps a layer, a model or a weight, for their names."""
    if not path:
        return
    if isinstance(value, KerasLayer | KerasModel):
        value.path = value.path or path
    elif isinstance(value, Instance):
        trace.paths.setdefault(value, path)
    elif isinstance(value, Tensor) and value.node.type == "Parameter" and not value.node.name:
        value.node.name = ".".join([*trace.scope, path])
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            keep(trace, item, f"{path}.{index}")
    elif isinstance(value, dict):
        for name, item in value.items():
            keep(trace, item, f"{path}.{name}")


# ---- classes -------------------------------------------------------------------------------------


class LayerClass(NativeClass):
    """`keras.layers.Layer` and `keras.Model` as bases of the text's own classes."""

    def __init__(self, name: str, trace: Trace) -> None:
        super().__init__(name)
        self.trace = trace

    def covers(self, value: Any) -> bool:
        return isinstance(value, KerasLayer | KerasModel)

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        run.refuse(f"makes a {self.name} without a class of its own")

    def begin(self, instance: Any, args: list[Any], kwargs: dict[str, Any], run: Any) -> None:
        self.trace.run = run

    def member(self, instance: Any, name: str, run: Any) -> Any:
        if name in ("add_weight", "add_variable"):
            return Function(name, None, _add_weight(self.trace, instance))
        if name == "layers":
            values = instance.attributes.values()
            return [v for v in values if isinstance(v, KerasLayer | KerasModel | Instance)]
        if name in PASSED_OVER:
            return Function(name, None, lambda run, args, kwargs: _unknown(name, run))
        if name == "build":
            return Function("build", None, self._build(instance))
        if name == "name":
            return self.trace.paths.get(instance, instance.cls.name.lower())
        if name in ("trainable", "built"):
            return name == "trainable"
        if name == "dtype":
            return "float32"
        if name == "__call__":
            return Function("__call__", None, lambda run, args, kwargs: self.invoke(
                instance, args, kwargs, run))  # fmt: skip
        if name == "call" and instance.core is not None:
            return instance.core
        if isinstance(instance.core, KerasModel):
            return instance.core.attribute(name, run)
        return MISSING

    def _build(self, instance: Instance) -> Callable[..., None]:
        def build(run: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
            shape = kwargs.get("input_shape", args[0] if args else None)
            shape = getattr(shape, "sizes", shape)
            if isinstance(shape, list | tuple) and all(n is None or type(n) is int for n in shape):
                instance.attributes.setdefault("_input_shape", tuple(shape)[1:])

        return build

    def invoke(self, instance: Any, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        self.trace.run, self.trace.line = run, run.line
        if args and isinstance(args[0], Unknown):
            return args[0]
        shape = getattr(args[0], "shape", None) if args else None
        if args and not _has_tensor(args[0]):
            if isinstance(getattr(shape, "sizes", shape), tuple | list):  # model(tf.zeros(…))
                sizes = tuple(getattr(shape, "sizes", shape))
                instance.attributes.setdefault("_input_shape", sizes[1:])
            return Unknown("calls a model on values that are not known", run.line)
        return record(lambda *a, **k: self._run(instance, a, k), *args, **kwargs)

    def _run(self, instance: Instance, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        trace, run = self.trace, self.trace.run
        path = trace.paths.get(instance)
        if path is None:
            path = trace.paths[instance] = trace.fresh_path(snake(instance.cls.name))
        with trace.inside(path):
            for name, value in instance.attributes.items():
                keep(trace, value, name)
            return self._call_method(instance, list(args), kwargs, run)

    def _by_parts(self, instance: Instance, args: list[Any], run: Any) -> Any:
        """A model that only tells how it trains: its encoder and decoder, or a discriminator."""
        parts = {
            name: value
            for name, value in instance.attributes.items()
            if isinstance(value, KerasModel | Instance)
        }
        names = (
            ("encoder", "decoder") if {"encoder", "decoder"} <= set(parts) else ("discriminator",)
        )
        if not set(names) <= set(parts):
            run.refuse(f"calls {instance.cls.name}, which has no method call")
        value = args[0]
        for name in names:
            value = run.call(parts[name], [value], {})
            value = value[-1] if isinstance(value, list | tuple) and value else value
        self.trace.note(
            f"{instance.cls.name} has no method call; its {' and '.join(names)} "
            f"{'are' if len(names) > 1 else 'is'} read."
        )
        return value

    def _call_method(
        self, instance: Instance, args: list[Any], kwargs: dict[str, Any], run: Any
    ) -> Any:
        call = instance.cls.find("call")
        if call is MISSING:
            if isinstance(instance.core, KerasLayer | KerasModel):
                return instance.core(*args)
            return self._by_parts(instance, args, run)
        names = _argument_names(call)
        kwargs = {n: v for n, v in kwargs.items() if n not in _TRAINING}
        if "training" in names:  # what acts in training only is part of the network
            kwargs["training"] = True
        with run.strictly():
            build = instance.cls.find("build")
            if build is not MISSING and instance not in self.trace.built:
                self.trace.built[instance] = len(self.trace.nodes)
                run.call(build, [instance, _shapes(args[0])], {})
                for name, value in instance.attributes.items():
                    keep(self.trace, value, name)
            return run.call(BoundMethod(call, instance), args, kwargs)


def _has_tensor(value: Any) -> bool:
    return any(isinstance(item, Tensor) for item in _all(value)) or hasattr(value, "numbers")


def _shapes(value: Any) -> Any:
    """What Keras gives to build: the shape of the input, or a list of them."""
    if isinstance(value, list | tuple):
        return [_shapes(item) for item in value]
    if not isinstance(value, Tensor):
        return (None, None)
    return (*((None,) if value.batched else ()), *value.shape)


def _argument_names(function: Any) -> tuple[str, ...]:
    if not isinstance(function, UserFunction):
        return ()
    arguments = function.node.args
    return tuple(arg.arg for arg in (*arguments.args, *arguments.kwonlyargs))


def _add_weight(trace: Trace, instance: Instance) -> Callable[..., Any]:
    """`self.add_weight(shape, initializer)`, in the orders of Keras 2 and 3."""

    def make(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        trace.run, trace.line = run, run.line
        order = ("name", "shape", "dtype", "initializer")
        if args and not isinstance(args[0], str):
            order = ("shape", "initializer", "dtype", "trainable")
        arguments = {**dict(zip(order, args, strict=False)), **kwargs}
        if arguments.get("trainable") is False:
            trace.note(f"The weight in line {run.line} is learnt here, though the text fixes it.")
        shape = arguments.get("shape", ())
        if isinstance(shape, Unknown):
            shape.refuse()
        shape = getattr(shape, "sizes", shape)
        shape = (1,) if shape in ((), None) else shape
        return make_parameter(trace, shape, arguments.get("initializer"))

    return make


class ModelClass(LayerClass):
    """`keras.Model`: called with inputs and outputs, or a base of the text's own models."""

    def covers(self, value: Any) -> bool:
        return isinstance(value, KerasModel)

    def inherits(self, cls: Any) -> bool:
        return cls is self or getattr(cls, "name", "") == "Layer"

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        self.trace.run, self.trace.line = run, run.line
        return self._functional(args, kwargs, run)

    def _functional(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> FunctionalModel:
        arguments = dict(zip(("inputs", "outputs", "name"), args, strict=False))
        renamed = {"input": "inputs", "output": "outputs"}
        arguments |= {renamed.get(name, name): value for name, value in kwargs.items()}
        if "inputs" not in arguments or "outputs" not in arguments:
            run.refuse("makes a Model without inputs and outputs")
        name = arguments.get("name")
        name = name if isinstance(name, str) else ""
        return FunctionalModel(
            self.trace, arguments["inputs"], arguments["outputs"], run.line, name
        )

    def begin(self, instance: Any, args: list[Any], kwargs: dict[str, Any], run: Any) -> None:
        super().begin(instance, args, kwargs, run)
        if "inputs" in kwargs or "input" in kwargs or len(args) >= 2:
            self.trace.line = run.line
            instance.core = self._functional(args, kwargs, run)


class SequentialClass(LayerClass):
    """`keras.Sequential`."""

    def covers(self, value: Any) -> bool:
        return isinstance(value, SequentialModel)

    def inherits(self, cls: Any) -> bool:
        return cls is self or getattr(cls, "name", "") in ("Layer", "Model")

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        self.trace.run, self.trace.line = run, run.line
        model = SequentialModel(self.trace, run.line)
        arguments = dict(zip(("layers", "name"), args, strict=False)) | kwargs
        name, layers = arguments.get("name"), arguments.get("layers")
        model.name = name if isinstance(name, str) else ""
        if isinstance(layers, Unknown):
            layers.refuse()
        for item in [] if layers is None else run.iterate(layers):
            model.add(item)
        return model

    def begin(self, instance: Any, args: list[Any], kwargs: dict[str, Any], run: Any) -> None:
        super().begin(instance, args, kwargs, run)
        instance.core = self.call(args, kwargs, run)


class KindClass(NativeClass):
    """A class of Keras's layers, such as `layers.Dense`."""

    def __init__(self, kind: Kind, trace: Trace, name: str) -> None:
        super().__init__(name)
        self.layer_kind, self.trace = kind, trace

    def covers(self, value: Any) -> bool:
        return isinstance(value, KerasLayer) and value.type is self.layer_kind

    def inherits(self, cls: Any) -> bool:
        return cls is self or getattr(cls, "name", "") == "Layer"

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        self.trace.run, self.trace.line = run, run.line
        if self.name.startswith("Convolution"):  # Keras 1: the kernel's sides one by one
            sides = int(re.sub(r"\D", "", self.name) or 1)
            if sides > 1 and len(args) == 1 + sides and all(type(n) is int for n in args):
                args = [args[0], tuple(args[1:])]
            kernel = tuple(kwargs.pop(name) for name in ("nb_row", "nb_col") if name in kwargs)
            kwargs = {"kernel_size": kernel, **kwargs} if kernel else kwargs
        return KerasLayer(self.layer_kind, args, kwargs, self.trace, run.line)

    def begin(self, instance: Any, args: list[Any], kwargs: dict[str, Any], run: Any) -> None:
        instance.core = self.call(args, kwargs, run)

    def member(self, instance: Any, name: str, run: Any) -> Any:
        if name in ("call", "__call__") and instance.core is not None:
            return instance.core
        return MISSING if instance.core is None else instance.core.attribute(name, run)

    def invoke(self, instance: Any, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        own = LayerClass("Layer", self.trace)
        return own.invoke(instance, args, kwargs, run)


def input_function(trace: Trace) -> Function:
    """`keras.Input(shape)`: a tensor; before it a Sequential is told the shape."""

    def make(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        trace.run, trace.line = run, run.line
        arguments = dict(zip(("shape", "batch_size", "dtype"), args, strict=False)) | kwargs
        shape = arguments.get("shape")
        batch = arguments.get("batch_shape", arguments.get("batch_input_shape"))
        if shape is None and batch is not None:
            shape = tuple(getattr(batch, "sizes", batch))[1:]
        if isinstance(arguments.get("tensor", arguments.get("input_tensor")), Tensor):
            return arguments.get("tensor", arguments.get("input_tensor"))
        if isinstance(shape, Unknown):
            trace.note("The shape of the input is not in the text; (28, 28, 1) is taken.")
            shape = (28, 28, 1)
        shape = getattr(shape, "sizes", shape)
        shape = tuple(shape) if isinstance(shape, list | tuple) else (shape,)
        if len(shape) > 1 and shape[0] is None and len(shape) > 3:
            shape = shape[1:]  # a batch of None, written though it need not be
        name = arguments.get("name")
        return image_input(trace, shape, run.line, name if isinstance(name, str) else "")

    return Function("Input", None, make)
