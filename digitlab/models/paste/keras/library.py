"""What `import keras` and `import tensorflow` give: layers, models, functions, by their paths."""

from __future__ import annotations

from typing import Any

from digitlab.models.layer import shown
from digitlab.models.paste.keras import (
    activation,
    attention,
    convolution,
    core,
    functions,
    initializer,
    merge,
    normalisation,
    pooling,
    recurrent,
)
from digitlab.models.paste.keras.data import datasets, one_hot, splitting
from digitlab.models.paste.keras.layer import KerasLayer, Kind
from digitlab.models.paste.keras.model import (
    KindClass,
    LayerClass,
    ModelClass,
    SequentialClass,
    input_function,
)
from digitlab.models.paste.keras.trace import Trace
from digitlab.models.paste.native import Function, Namespace, Unknown

KINDS: dict[str, Kind] = {
    kind.name: kind
    for room in (activation, attention, convolution, core, merge, normalisation, pooling, recurrent)
    for kind in room.KINDS
} | {"InputLayer": Kind("InputLayer", "shape=None batch_size=None",
                        lambda layer, x: layer.need(x, (), ""))}  # fmt: skip

# Other names of the same classes: Keras's own short ones, and those of Keras 1 and 2.
ALIASES = {
    **{f"MaxPool{n}D": f"MaxPooling{n}D" for n in (1, 2, 3)},
    **{f"AvgPool{n}D": f"AveragePooling{n}D" for n in (1, 2, 3)},
    **{f"GlobalMaxPool{n}D": f"GlobalMaxPooling{n}D" for n in (1, 2, 3)},
    **{f"GlobalAvgPool{n}D": f"GlobalAveragePooling{n}D" for n in (1, 2, 3)},
    **{f"Convolution{n}D": f"Conv{n}D" for n in (1, 2, 3)},
    **{f"Convolution{n}DTranspose": f"Conv{n}DTranspose" for n in (2, 3)},
    **{f"SeparableConvolution{n}D": f"SeparableConv{n}D" for n in (1, 2)},
    "DepthwiseConvolution2D": "DepthwiseConv2D",
    "Deconvolution2D": "Conv2DTranspose",
    "CuDNNLSTM": "LSTM",
    "CuDNNGRU": "GRU",
}

# Parts of the library that hold the same layers under an older path.
_OLD_ROOMS = {
    *("core", "convolutional", "pooling", "normalization", "recurrent", "embeddings", "merge"),
    *("advanced_activations", "noise", "wrappers", "local", "attention", "activation", "reshaping"),
    *("experimental", "preprocessing", "rnn", "regularization", "merging", "input_layer"),
}


def keras_modules(trace: Trace) -> dict[str, Any]:
    """The modules by their names in an import; layers that they make go into `trace`."""
    trace.language = functions.Language()
    tensors = functions.tensor_functions(trace)
    keras = _keras(trace, tensors)
    tensorflow = _tensorflow(trace, keras, tensors)
    return {
        "keras": keras,
        "tensorflow": tensorflow,
        "tf_keras": keras,
        "tensorflow.keras": keras,
        "tensorflow.python.keras": keras,
        "keras.api": keras,
        "tensorflow.compat.v1": tensorflow,
        "tensorflow.compat.v2": tensorflow,
        "sklearn.model_selection": splitting(),
        "tensorflow_addons": Namespace("tensorflow_addons", {"layers": keras.members["layers"]}),
    }


def keras_names(trace: Trace, modules: dict[str, Any] | None = None) -> dict[str, Any]:
    """What stands for itself where a text leaves its imports out: `layers`, `Dense`, `tf`, `K`."""
    modules = modules or keras_modules(trace)
    keras, tensorflow = modules["keras"], modules["tensorflow"]
    rooms = {name: keras.members[name] for name in ("layers", "models", "backend")}
    return {
        **keras.members["layers"].members,
        **keras.members["models"].members,
        **keras.members["datasets"].members,
        **rooms,
        "keras": keras,
        "tf": tensorflow,
        "tensorflow": tensorflow,
        "K": keras.members["backend"],
    }


def _keras(trace: Trace, tensors: dict[str, Any]) -> Namespace:
    models = {
        "Sequential": SequentialClass("Sequential", trace),
        "Model": ModelClass("Model", trace),
        "Functional": ModelClass("Model", trace),
    }
    layers = _layers(trace, tensors, models)
    initializers = _initializers()
    rooms: dict[str, Any] = {
        "layers": layers,
        "models": Namespace("keras.models", models, _none_of("keras.models", layers)),
        "activations": Namespace("keras.activations", _activations(trace, tensors)),
        "initializers": initializers,
        "backend": Namespace("keras.backend", _backend(trace, tensors)),
        "ops": Namespace("keras.ops", _ops(trace, tensors)),
        "random": Namespace("keras.random", {
            "normal": Function("normal", None, functions.noise),
            "dropout": tensors["dropout"],
        }),
        "datasets": datasets(),
        "utils": _utils(),
        "applications": Namespace("keras.applications", {}, _application),
        "losses": _words("keras.losses"),
        "optimizers": _words("keras.optimizers"),
        "metrics": _words("keras.metrics"),
        "callbacks": _words("keras.callbacks"),
        "regularizers": _words("keras.regularizers"),
        "constraints": _words("keras.constraints"),
    }  # fmt: skip
    rooms["engine"] = rooms["engine.topology"] = layers
    return Namespace("keras", {
        **rooms,
        **models,
        "Input": layers.members["Input"],
        "Layer": layers.members["Layer"],
        "Variable": functions.variable(trace),
    }, lambda name: _itself(name, rooms))  # fmt: skip


def _itself(name: str, rooms: dict[str, Any]) -> Any:
    """`keras.src.layers` and `keras.api.layers` are `keras.layers`."""
    return Namespace("keras", rooms) if name in ("src", "api", "keras", "_tf_keras") else None


def _layers(trace: Trace, tensors: dict[str, Any], models: dict[str, Any]) -> Namespace:
    members: dict[str, Any] = {name: KindClass(kind, trace, name) for name, kind in KINDS.items()}
    members |= {old: KindClass(KINDS[name], trace, old) for old, name in ALIASES.items()}
    members["Input"] = input_function(trace)
    members["Layer"] = LayerClass("Layer", trace)
    members["Wrapper"] = LayerClass("Wrapper", trace)
    for name in ("add", "subtract", "multiply", "maximum", "minimum", "average", "concatenate"):
        members[name] = _lower_case(trace, KINDS[name.capitalize()])
    members["dot"] = _lower_case(trace, KINDS["Dot"])
    members["merge"] = Function("merge", None, _keras_1_merge(trace))

    def find(name: str) -> Any:
        return room if name in _OLD_ROOMS else None

    room = Namespace("keras.layers", members, find)
    return room


def _lower_case(trace: Trace, kind: Kind) -> Function:
    """`layers.add([a, b])`: the layer, made and called at once."""

    def make(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        trace.run, trace.line = run, run.line
        values, *rest = [*args, *(kwargs.pop(n) for n in ("inputs",) if n in kwargs)] or [None]
        return KerasLayer(kind, rest, kwargs, trace, run.line)(values)

    return Function(kind.name.lower(), None, make)


def _keras_1_merge(trace: Trace) -> Any:
    """`merge([a, b], mode="concat")`, as Keras 1 had it."""
    modes = {"sum": "Add", "mul": "Multiply", "concat": "Concatenate", "ave": "Average",
             "max": "Maximum"}  # fmt: skip

    def make(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        trace.run, trace.line = run, run.line
        arguments = dict(zip(("inputs", "mode"), args, strict=False)) | kwargs
        mode = arguments.get("mode", "sum")
        if mode not in modes:
            run.refuse(f"merges by the mode {shown(mode)}; it takes {', '.join(modes)}")
        axis = arguments.get("concat_axis", -1)
        options = {"axis": axis} if mode == "concat" else {}
        return KerasLayer(KINDS[modes[mode]], [], options, trace, run.line)(arguments.get("inputs"))

    return make


def _none_of(name: str, layers: Namespace) -> Any:
    """keras.models also had Input, and layers by mistake."""
    return lambda member: layers.members.get(member)


def _activations(trace: Trace, tensors: dict[str, Any]) -> dict[str, Any]:
    words = (*activation.ACTIVATIONS, "softmax", "log_softmax")
    made = {word: tensors[word] for word in words}
    made["linear"] = Function("linear", "x", lambda run, x: x)
    made["get"] = Function("get", "identifier", lambda run, identifier: (
        tensors.get(identifier, identifier) if isinstance(identifier, str) else identifier
    ))  # fmt: skip
    return made


def _initializers() -> Namespace:
    members: dict[str, Any] = {
        name: initializer.InitializerClass(name) for name in initializer.NAMES
    }
    snake = {
        "zeros": "Zeros", "ones": "Ones", "constant": "Constant", "random_normal": "RandomNormal",
        "random_uniform": "RandomUniform", "truncated_normal": "TruncatedNormal",
        "glorot_normal": "GlorotNormal", "glorot_uniform": "GlorotUniform",
        "he_normal": "HeNormal", "he_uniform": "HeUniform", "lecun_normal": "LecunNormal",
        "lecun_uniform": "LecunUniform", "orthogonal": "Orthogonal",
    }  # fmt: skip
    members |= {name: members[cls] for name, cls in snake.items()}
    members["get"] = Function("get", "identifier", lambda run, identifier: (
        initializer.Initializer(identifier, {}) if isinstance(identifier, str) else identifier
    ))  # fmt: skip
    return Namespace("keras.initializers", members)


def _ops(trace: Trace, tensors: dict[str, Any]) -> dict[str, Any]:
    made = {
        **tensors,
        "arange": Function("arange", None, functions.numbers),
        "zeros": Function("zeros", None, functions.first_values("Zeros")),
        "ones": Function("ones", None, functions.first_values("Ones")),
        "gelu": functions.gelu_of_ops(trace),
    }
    rooms = ("image", "nn", "numpy", "math")
    return {**made, **{name: Namespace(f"keras.ops.{name}", made) for name in rooms}}


def _backend(trace: Trace, tensors: dict[str, Any]) -> dict[str, Any]:
    def set_format(run: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
        value = (*args, *kwargs.values(), None)[0]
        value = {"th": "channels_first", "tf": "channels_last"}.get(value, value)
        if value in ("channels_first", "channels_last"):
            trace.data_format = value

    def data_format(run: Any, args: list[Any], kwargs: dict[str, Any]) -> str:
        return trace.data_format

    def ordering(run: Any, args: list[Any], kwargs: dict[str, Any]) -> str:
        return "th" if trace.data_format == "channels_first" else "tf"

    settings = {
        "set_image_data_format": set_format,
        "set_image_dim_ordering": set_format,
        "image_data_format": data_format,
        "image_dim_ordering": ordering,
        "backend": lambda run, args, kwargs: "tensorflow",
        "clear_session": lambda run, args, kwargs: None,
        "floatx": lambda run, args, kwargs: "float32",
        "epsilon": lambda run, args, kwargs: 1e-7,
        "random_normal": functions.noise,
        "arange": functions.numbers,
    }
    return {
        **tensors,
        **{name: Function(name, None, body) for name, body in settings.items()},
        "variable": functions.variable(trace),
    }


def _utils() -> Namespace:
    members = {
        "to_categorical": one_hot(),
        "register_keras_serializable": Function(
            "register_keras_serializable", None, lambda run, args, kwargs: None
        ),
    }
    return Namespace("keras.utils", {**members, "np_utils": Namespace("np_utils", members)})


def _words(name: str) -> Namespace:
    """A part of the library that a network does not need: whatever it gives is not known."""
    return Namespace(name, {})


def _application(name: str) -> Any:
    if not name[:1].isupper():
        return Namespace(f"keras.applications.{name}", {}, _application)

    def refuse(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return Unknown(
            f"uses keras.applications.{name}, whose layers are not in the text; an architecture "
            f"here may have a whole model of torchvision, such as torchvision/mobilenet_v2",
            run.line,
        )

    return Function(name, None, refuse)


def _tensorflow(trace: Trace, keras: Namespace, tensors: dict[str, Any]) -> Namespace:
    random = {
        "normal": Function("normal", None, functions.noise),
        "truncated_normal": Function("truncated_normal", None, functions.noise),
        "set_seed": Function("set_seed", None, lambda run, args, kwargs: None),
    }
    made = {
        **tensors,
        "range": Function("range", None, functions.numbers),
        "zeros": Function("zeros", None, functions.first_values("Zeros")),
        "ones": Function("ones", None, functions.first_values("Ones")),
        "constant": Function("constant", "value dtype=None shape=None name=None",
                             lambda run, value, dtype, shape, name: value),
        "Variable": functions.variable(trace),
        "newaxis": None,
        "float32": "float32",
        "int32": "int32",
        "random_normal_initializer": initializer.InitializerClass("RandomNormal"),
        "zeros_initializer": initializer.InitializerClass("Zeros"),
        "ones_initializer": initializer.InitializerClass("Ones"),
        "initializers": keras.members["initializers"],
        "function": Function("function", None, lambda run, args, kwargs: (
            args[0] if args else Unknown("uses tf.function", run.line))),
        "Tensor": LayerClass("Tensor", trace),
        "python": Namespace("tensorflow.python", {"keras": keras}),
        "contrib": Namespace("tensorflow.contrib", {"keras": keras}),
        "random": Namespace("tensorflow.random", random),
        "keras": keras,
    }  # fmt: skip
    for name in ("nn", "math", "image", "linalg"):
        made[name] = Namespace(f"tensorflow.{name}", {**tensors, "random": made["random"]})
    made["Module"] = LayerClass("Module", trace)
    space = Namespace("tensorflow", made)
    made["compat"] = Namespace("tensorflow.compat", {"v1": space, "v2": space})
    return space
