"""Presets: published and proven architectures with their recipes, one YAML file each in presets/.

A preset's file is a spec's file with a few fields more (`title`, `about`, `source`, `published`,
`mark`, `recipe`). To add one, add a file. This module does not import torch.
"""

from __future__ import annotations

import difflib
import pathlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.layer import shown
from digitlab.models.library import is_saved, load_saved
from digitlab.models.spec import ModelSpec, lines_of, read_file
from digitlab.models.text import read_json, read_yaml

FOLDER = pathlib.Path(__file__).parent / "presets"
_FIELDS = ("title", "about", "source", "published", "mark", "recipe")


@dataclass(frozen=True)
class Preset:
    """An architecture with the recipe it is trained by and where it comes from.

    `published` holds the figures its source gives, in percent (`train_accuracy`, `val_accuracy`,
    `test_accuracy`), `mark` those that it must reach at least; `recipe` the fields of a TrainConfig
    in which it differs from the default.
    """

    name: str
    title: str
    about: str
    source: str
    spec: ModelSpec
    recipe: Mapping[str, Any]
    published: Mapping[str, float]
    mark: Mapping[str, float]


def list_presets() -> tuple[Preset, ...]:
    """All presets, the smallest ideas first: linear, hidden layers, convolutions, blocks."""
    return tuple(_presets().values())


def load_preset(name: str) -> Preset:
    """The preset called `name`. Raises SpecError with the nearest names if there is none."""
    presets = _presets()
    if name not in presets:
        raise SpecError(f"There is no preset {shown(name)}; {_nearest(name)}.")
    return presets[name]


def load_model(model: str | pathlib.Path | ModelSpec) -> ModelSpec:
    """A spec by its name, from the path of a .yaml or .json file, or the spec itself.

    A name is a preset's or one that an architecture was saved under (`digitlab.models.library`).
    "torchvision/resnet18" is that model of torchvision alone, "sklearn/SVC" that estimator.
    Raises SpecError for an unknown name, a missing file, or a file that holds no architecture.
    """
    if isinstance(model, ModelSpec):
        return model
    if not isinstance(model, str | pathlib.Path):
        raise SpecError(f"A model is a preset's name, a file or a ModelSpec; not {shown(model)}.")
    if isinstance(model, str) and model in _presets():
        return _presets()[model].spec
    if isinstance(model, str) and is_saved(model):
        return load_saved(model)
    if isinstance(model, str) and re.fullmatch(r"(torchvision|sklearn)/\w{1,63}", model):
        library, _, name = model.partition("/")
        args = {"num_classes": 10} if library == "torchvision" else {}
        return ModelSpec(name=name, layers=[{model: args}])
    if _is_file_name(model):
        return _read(model)[0]
    raise SpecError(
        f"There is no preset {shown(str(model))}; {_nearest(str(model))}, or give the path of a "
        f".yaml or .json file."
    )


_ORDER = (
    *("logistic", "one-hidden", "two-hidden", "four-hidden", "lenet", "cnn-small", "cnn"),
    *("resnet", "densenet", "inception", "lstm", "mlp-mixer", "vit", "tiny", "fast", "record"),
    *("linear-svm", "svm", "knn", "naive-bayes", "random-forest", "gradient-boosting"),
    "mlp-sklearn",
)


@cache
def _presets() -> Mapping[str, Preset]:
    def place(path: pathlib.Path) -> tuple[Any, ...]:
        rank = next((i for i, word in enumerate(_ORDER) if path.stem.startswith(word)), 99)
        return rank, *(f"{int(w):06}" if w.isdecimal() else w for w in path.stem.split("-"))

    return {path.stem: _preset(path) for path in sorted(FOLDER.glob("*.yaml"), key=place)}


def _preset(path: pathlib.Path) -> Preset:
    spec, more = _read(path)
    assert spec.name == path.stem, f"{path} must be named as its file"
    return Preset(
        name=spec.name,
        title=more["title"],
        about=more["about"],
        source=more["source"],
        spec=spec,
        recipe=MappingProxyType(dict(more.get("recipe", {}))),
        published=MappingProxyType(dict(more.get("published", {}))),
        mark=MappingProxyType(dict(more.get("mark", {}))),
    )


def _read(path: str | pathlib.Path) -> tuple[ModelSpec, dict[str, Any]]:
    """The spec in a file and the fields that only presets have."""
    text = read_file(path)
    with lines_of(text):
        data = read_json(text) if str(path).lower().endswith(".json") else read_yaml(text)
        if not isinstance(data, dict):
            return ModelSpec.from_dict(data), {}  # raises, and says why
        more = {field: data.pop(field) for field in _FIELDS if field in data}
        return ModelSpec.from_dict(data), more


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(str(name), _presets(), 3, 0.5)
    if near:
        return f"did you mean {' or '.join(near)}"
    return f"presets are {', '.join(_presets())}"


def known_recipe(model: object) -> dict[str, Any]:
    """The recipe of a preset or of a file that holds one, as fields of TrainConfig; else empty."""
    if isinstance(model, str) and model in _presets():
        return dict(_presets()[model].recipe)
    if isinstance(model, str | pathlib.Path) and _is_file_name(model):
        recipe = _read(model)[1].get("recipe")
        return dict(recipe) if isinstance(recipe, Mapping) else {}
    return {}


def _is_file_name(model: str | pathlib.Path) -> bool:
    return str(model).lower().endswith((".yaml", ".yml", ".json"))
