"""`read_pasted`: a pasted PyTorch or Keras model, or the print of one, as a ModelSpec."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass, field
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.build import summarize
from digitlab.models.layer import Layer
from digitlab.models.paste import keras_listing as keras
from digitlab.models.paste import printed, pytorch
from digitlab.models.paste.source import Call, check_size, parse, read_value, refuse, syntax_name
from digitlab.models.spec import ModelSpec

_IMPORTS = ("torch", "torchvision", "tensorflow", "keras", "collections", "numpy", "__future__")
# Methods of a model that do not change its architecture.
_IGNORED_METHODS = {"compile", "fit", "summary", "evaluate", "build", "to", "cuda", "train", "eval"}
_SIDES = (28, 32, 64, 8, 16, 224)  # of images, tried in turn where the text names no size
_SIZES = ("in_channels", "in_features", "num_features", "num_channels")


def read_pasted(text: str, name: str = "Pasted model") -> ModelSpec:
    """The architecture in a text, found by parsing alone; nothing in it is executed.

    Reads `nn.Sequential(…)` (also of an OrderedDict), what `print(model)` wrote of one, and Keras's
    `Sequential([…])` or `model.add(…)` of the common layers, with imports and settings around them;
    and the files that digitlab exports. Sizes that follow from the shape that arrives are left out
    where they agree with it. Raises SpecError, with the line, for all that cannot be translated.
    """
    check_size(text)
    if printed.is_printed(text):
        return _spec(name, printed.read_printed(text), None)
    body = parse(text).body
    exported = _exported(body)
    if exported is not None:
        return exported
    script = _Script()
    for statement in body:
        script.read(statement)
    return script.spec(name)


def _exported(body: list[ast.stmt]) -> ModelSpec | None:
    """The architecture that a file of digitlab's own carries along as text."""
    for node in body:
        named = isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "")
        if named == "ARCHITECTURE" and isinstance(node.value, ast.Constant):
            return ModelSpec.from_yaml(node.value.value)
    return None


@dataclass
class _Script:
    """What the statements so far have set."""

    names: dict[str, Any] = field(default_factory=dict)
    model: Call | None = None
    model_name: str = ""
    added: list[Call] = field(default_factory=list)

    def read(self, node: ast.stmt) -> None:
        """Take in one statement. Raises SpecError for one that is not read."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            _check_import(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            self._assign(node)
        elif isinstance(node, ast.Expr):
            self._expression(node.value)
        elif not isinstance(node, ast.Pass):
            refuse(
                node.lineno,
                f"contains {syntax_name(node)}; nothing is executed here, so paste "
                f"nn.Sequential(…), what print(model) wrote, or a Keras Sequential",
            )

    def _assign(self, node: ast.Assign | ast.AnnAssign) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if len(targets) != 1 or not isinstance(targets[0], ast.Name) or node.value is None:
            refuse(node.lineno, "assigns to something other than one name; paste the model alone")
        name, value = targets[0].id, _unwrapped(node.value)
        if _is_training_code(value):
            return
        self.names[name] = value = read_value(value, self.names)
        if isinstance(value, Call) and value.name == "Sequential":
            self.model, self.model_name, self.added = value, name, []

    def _expression(self, node: ast.expr) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return  # a docstring
        node = _unwrapped(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == self.model_name:
                return self._call_method(node)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
            return None
        value = read_value(node, self.names)
        if not isinstance(value, Call) or value.name != "Sequential":
            refuse(node.lineno, "is not a Sequential; paste the model alone")
        self.model, self.model_name, self.added = value, "", []
        return None

    def _call_method(self, node: ast.Call) -> None:
        if node.func.attr == "add" and len(node.args) == 1 and not node.keywords:
            self.added.append(read_value(node.args[0], self.names))
        elif node.func.attr not in _IGNORED_METHODS:
            refuse(node.lineno, f"calls model.{node.func.attr}, which has no translation")

    def spec(self, name: str) -> ModelSpec:
        """The architecture of the last Sequential that was read."""
        if self.model is None:
            raise SpecError(
                "There is no Sequential in the text; paste nn.Sequential(…), what print(model) "
                "wrote, or a Keras Sequential.",
                line=1,
            )
        args = self.model.args
        if not (self.added or not args or isinstance(args[0], list | tuple)):
            return _spec(name, pytorch.read_sequential(self.model), None)
        calls = [*(list(args[0]) if args else []), *self.added]
        model = keras.read_keras(calls)
        return _spec(name, model.layers, _image(model.input), model.init)


def _check_import(node: ast.Import | ast.ImportFrom) -> None:
    modules = (
        [node.module or ""]
        if isinstance(node, ast.ImportFrom)
        else [alias.name for alias in node.names]
    )
    for module in modules:
        if module.split(".")[0] not in _IMPORTS:
            refuse(node.lineno, f"imports {module[:40]!r}, which no model needs; remove the line")


def _unwrapped(node: ast.expr) -> ast.expr:
    """`nn.Sequential(…).to(device)` is the Sequential."""
    while (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("to", "cuda", "cpu", "train", "eval", "float")
        and isinstance(node.func.value, ast.Call)
    ):
        node = node.func.value
    return node


def _is_training_code(node: ast.expr) -> bool:
    """Whether a call makes a loss, an optimizer or a history, which belong to the recipe."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    name = node.func.attr
    try:
        before = ast.unparse(node.func.value) if len(list(ast.walk(node.func.value))) < 12 else ""
    except (ValueError, RecursionError):
        return False
    if before in ("nn", "torch.nn"):
        return name.endswith("Loss")
    if before in ("torch.optim", "optim", "tf.keras.optimizers", "keras.optimizers"):
        return True
    return (before, name) in (("model", "fit"), ("torch", "device"))


# ---- the spec ----------------------------------------------------------------------------------


def _spec(
    name: str,
    layers: list[tuple[Layer, int]],
    image: tuple[int, int, int] | None,
    init: str = "default",
) -> ModelSpec:
    """The layers as a spec for the images that they were written for."""
    if not layers:
        raise SpecError("The Sequential has no layers; paste at least one.", line=1)
    used = [layer for layer, _ in layers if layer.type != "Identity"] or [layers[0][0]]
    if used[0].type == "Linear":  # it takes vectors, a spec takes images
        used.insert(0, Layer("Flatten"))
    images = [image] if image else _likely_images(used)
    specs = [ModelSpec(name=name, input=shape, init=init, layers=used) for shape in images]
    return next((_without_sizes(spec) for spec in specs if _builds(spec)), specs[0])


def _likely_images(layers: list[Layer]) -> list[tuple[int, int, int]]:
    """Image shapes that the first layers may be made for; 28×28 in grey where they do not say."""
    channels = next(
        (layer.args["in_channels"] for layer in layers if "in_channels" in layer.args), 1
    )
    features = next(
        (layer.args["in_features"] for layer in layers if "in_features" in layer.args), 0
    )
    channels = channels if type(channels) is int and 1 <= channels <= 16 else 1
    sides = list(_SIDES)
    for colours in (1, 3):
        is_flat = layers[0].type == "Flatten" and type(features) is int and 0 < features < 2**20
        if is_flat and features % colours == 0 and _square_side(features // colours):
            return [(colours, *[_square_side(features // colours)] * 2)]
    return [(channels, side, side) for side in sides]


def _builds(spec: ModelSpec) -> bool:
    try:
        summarize(spec)
    except SpecError:
        return False
    return True


def _without_sizes(spec: ModelSpec) -> ModelSpec:
    """A spec that builds, without the sizes that follow from the shape that arrives."""
    return spec.with_layers([layer.without_args(*_SIZES) for layer in spec.layers])


def _image(shape: tuple[int, ...] | None) -> tuple[int, int, int] | None:
    """Keras's input [H, W, C], [H, W] or [features] as channels, height, width."""
    if shape is None:
        return None
    if len(shape) == 1:
        side = _square_side(shape[0])
        return (1, side, side) if side else (1, 1, shape[0])
    return (shape[2] if len(shape) == 3 else 1, shape[0], shape[1])


def _square_side(features: int) -> int:
    """The side of a square image of so many pixels; 0 where there is none."""
    side = math.isqrt(features)
    return side if side * side == features else 0
