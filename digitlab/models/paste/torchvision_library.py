"""torchvision.models in a text: read from torchvision's own source, as the text itself is.

So a text may subclass ResNet, replace `model.fc` or take a model apart. A model that is as
torchvision has it, but for the channels it takes and the classes it gives, stays one layer,
"torchvision/resnet18". Weights are never loaded.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.paste.native import MISSING, Function, Namespace, Native, Unknown
from digitlab.models.paste.objects import Instance, Scope, UserFunction
from digitlab.models.paste.torch_modules import CLASSES, LayerModule, ModuleClass, walk
from digitlab.models.whole_model_names import TORCHVISION_MODELS

_MODELS = {name.rpartition("/")[2] for name in TORCHVISION_MODELS}
# The file of a model by how its name begins.
_FILES = {
    **dict.fromkeys(("resnet", "resnext", "wide_resnet"), "resnet"),
    **{name: name for name in ("alexnet", "convnext", "densenet", "efficientnet", "googlenet")},
    **{name: name for name in ("regnet", "squeezenet", "vgg", "maxvit", "mnasnet")},
    "inception": "inception",
    "mobilenet_v2": "mobilenetv2",
    "mobilenet_v3": "mobilenetv3",
    "shufflenet": "shufflenetv2",
    "swin": "swin_transformer",
    "vit": "vision_transformer",
}
_CLASSES = {
    "ResNet": "resnet", "VGG": "vgg", "DenseNet": "densenet", "AlexNet": "alexnet",
    "SqueezeNet": "squeezenet", "MobileNetV2": "mobilenetv2", "VisionTransformer":
    "vision_transformer", "ConvNeXt": "convnext", "EfficientNet": "efficientnet",
}  # fmt: skip
_NOT_OURS = {"weights", "pretrained", "progress", "weights_backbone", "aux_logits",
             "init_weights", "transform_input"}  # fmt: skip


class Weights(Native):
    """`ResNet18_Weights.DEFAULT`: names weights that are never loaded."""

    kind = "weights of torchvision"

    def attribute(self, name: str, run: Any) -> Any:
        return Function(name, None, lambda run, args, kwargs: None) if name == "verify" else self

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        return self

    def item(self, index: Any, run: Any) -> Any:
        return self


class Source(Native):
    """A module that is read from its file when the text first uses it."""

    def __init__(self, name: str) -> None:
        self.name, self.kind = name, f"the module {name}"
        self.scope: Scope | None = None

    def attribute(self, name: str, run: Any) -> Any:
        if name.endswith("_Weights"):
            return Weights()
        if name in _MODELS:
            return factory(name)
        value = self.names(run).get(name, MISSING)
        return (
            value
            if value is not MISSING
            else Unknown(f"uses {self.name}.{name}, which cannot be read", run.line)
        )

    def names(self, run: Any) -> dict[str, Any]:
        """What the file defines, read once for each text."""
        sources = run.sources
        if self.name not in sources:
            sources[self.name] = scope = Scope()
            scope.names["__package__"] = self.name.rpartition(".")[0]
            scope.names["WeightsEnum"] = Weights()
            body = _statements(self.name)
            tables = [node for node in body if _is_table(node)]
            scope.names.update({node.name: Weights() for node in tables})
            run.read_source([node for node in body if node not in tables], scope)
        return sources[self.name].names


@cache
def _statements(name: str) -> list[ast.stmt]:
    """The statements of a module's file."""
    root = find_spec("torchvision")
    folder = Path(next(iter(root.submodule_search_locations))) if root else Path()
    path = folder.joinpath(*name.split(".")[1:]).with_suffix(".py")
    if not path.is_file():
        path = path.with_suffix("") / "__init__.py"
    try:
        return ast.parse(path.read_text(encoding="utf-8")).body
    except (OSError, SyntaxError):
        return []


def _is_table(node: ast.stmt) -> bool:
    """Whether a class only lists weights that could be downloaded."""
    return isinstance(node, ast.ClassDef) and node.name.endswith("_Weights")


def _file(name: str) -> str:
    return next((file for front, file in _FILES.items() if name.startswith(front)), "")


def factory(name: str) -> Function:
    """`models.resnet18(…)`."""

    def make(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        weights = [*args, kwargs.get("weights"), kwargs.get("pretrained")]
        if any(value not in (None, False) for value in weights if not isinstance(value, Unknown)):
            run.note(f"The weights of {name} are drawn anew: pretrained ones are not loaded.")
        arguments = {key: value for key, value in kwargs.items() if key not in _NOT_OURS}
        return _pristine(name, arguments, run)

    return Function(name, None, make)


def _pristine(name: str, kwargs: dict[str, Any], run: Any) -> Any:
    function = Source(f"torchvision.models.{_file(name)}").names(run).get(name)
    if name in ("inception_v3", "googlenet"):
        kwargs = {**kwargs, "aux_logits": False, "init_weights": False}
    if isinstance(function, UserFunction):
        try:
            with run.strictly():
                made = run.call(function, [], kwargs)
        except SpecError:
            made = None
        if isinstance(made, Instance):
            made.origin = name
            return made
    return whole_model(f"torchvision/{name}", kwargs.get("num_classes", 1000), run)


def whole_model(type_: str, classes: Any, run: Any) -> LayerModule:
    """A model that is one layer of a spec."""
    if isinstance(classes, Unknown):
        classes.refuse()
    return LayerModule(_WHOLE, type_, {"num_classes": classes}, run.line)


def as_layer(instance: Any, run: Any) -> LayerModule | None:
    """A model of torchvision that the text left as it is, but for its channels and classes, as
    one layer; None for another one."""
    if getattr(instance, "origin", None) is None:
        return None
    if getattr(instance, "whole", None) is None:
        instance.whole = _compared(instance, run) or False
    return instance.whole or None


def _compared(instance: Instance, run: Any) -> LayerModule | None:
    budget, notes = run.budget.steps, list(run.notes)
    known = _pristine(instance.origin, {}, run)
    run.budget.steps = budget
    run.notes[:] = notes
    ours, theirs = _signature(instance), _signature(known)
    if len(ours) != len(theirs) or not theirs:
        return None
    stem = next((at for at, (_, type_, _) in enumerate(theirs) if type_ == "Conv2d"), -1)
    head = max(at for at, (_, type_, _) in enumerate(theirs) if type_ in ("Linear", "Conv2d"))
    for at, ((path, type_, args), (path_2, type_2, args_2)) in enumerate(
        zip(ours, theirs, strict=True)
    ):
        free = {"in_channels"} if at == stem else set()
        free |= {"out_features", "out_channels", "in_features"} if at == head else set()
        same = {k: v for k, v in args.items() if k not in free} == {
            k: v for k, v in args_2.items() if k not in free
        }
        if (path, type_) != (path_2, type_2) or not same:
            return None
    classes = ours[head][2].get("out_features", ours[head][2].get("out_channels"))
    channels = ours[stem][2].get("in_channels") if stem >= 0 else 3
    if type(classes) is not int or type(channels) is not int:
        return None
    return whole_model(f"torchvision/{instance.origin}", classes, run)


def _signature(module: Any) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (name, inner.type, inner.args)
        for name, inner in walk(module)
        if isinstance(inner, LayerModule)
    ]


_WHOLE = ModuleClass("a whole model", None, (CLASSES["Module"],))


def _find(name: str) -> Any:
    if name in _MODELS:
        return factory(name)
    if name.endswith("_Weights"):
        return Weights()
    if name in _CLASSES:
        return Member(f"torchvision.models.{_CLASSES[name]}", name)
    if name in set(_FILES.values()):
        return Source(f"torchvision.models.{name}")
    return None


class Member(Native):
    """A class of torchvision, read when it is used."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name, self.kind = module, name, f"the class {name}"

    def resolved(self, run: Any) -> Any:
        """The class itself."""
        return Source(self.module).attribute(self.name, run)

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        return run.call(self.resolved(run), args, kwargs)


def _get_model(run: Any, name: Any, more: dict[str, Any]) -> Any:
    if not isinstance(name, str) or name not in _MODELS:
        return Unknown("asks torchvision for a model that it does not have", run.line)
    return factory(name).call([], more, run)


def _timm(run: Any, name: Any, more: dict[str, Any]) -> Any:
    if not isinstance(name, str):
        return Unknown("asks timm for a model that is not known", run.line)
    if more.get("pretrained"):
        run.note(f"The weights of {name} are drawn anew: pretrained ones are not loaded.")
    return whole_model(f"timm/{name[:60]}", more.get("num_classes", 1000), run)


MODELS = Namespace(
    "torchvision.models", {"get_model": Function("get_model", "name **more", _get_model)}, _find
)
TORCHVISION = Namespace("torchvision", {"models": MODELS})
MODULES: dict[str, Native] = {
    "torchvision": TORCHVISION,
    "torchvision.models": MODELS,
    **{
        f"torchvision.models.{name}": Source(f"torchvision.models.{name}")
        for name in (*set(_FILES.values()), "_utils")
    },
    **{
        f"torchvision.{name}": Source(f"torchvision.{name}")
        for name in ("ops.misc", "ops.stochastic_depth")
    },
    "timm": Namespace("timm", {"create_model": Function("create_model", "name **more", _timm)}),
}
NAMES: dict[str, Any] = {"torchvision": TORCHVISION, "models": MODELS, "timm": MODULES["timm"]}
