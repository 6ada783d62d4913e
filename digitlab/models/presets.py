"""Presets: published and proven architectures with their recipes, one YAML file each in presets/.

A preset's file is a spec's file with a few fields more (`title`, `about`, `source`, `published`,
`mark`, `recipe`). To add one, add a file. This module does not import torch.
"""

from __future__ import annotations

import difflib
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from digitlab.errors import SpecError
from digitlab.models.layer import shown
from digitlab.models.spec import ModelSpec, lines_of, read_file
from digitlab.models.text import read_json, read_yaml

FOLDER = pathlib.Path(__file__).parent / "presets"
PUBLISHED_ON = "mnist"  # the data of every preset's source
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

    @property
    def classifies(self) -> bool:
        """Whether its recipe trains it to tell classes apart."""
        return self.recipe.get("loss") != "reconstruction"


class Published(NamedTuple):
    """A figure that a preset's source gives: an accuracy, 0…1, of the split `split`."""

    title: str
    accuracy: float
    split: str
    source: str


def list_presets() -> tuple[Preset, ...]:
    """All presets, the smallest ideas first: linear, hidden layers, convolutions, blocks."""
    return tuple(presets_by_name().values())


def load_preset(name: str) -> Preset:
    """The preset called `name`. Raises SpecError with the nearest names if there is none."""
    if name not in presets_by_name():
        raise SpecError(f"There is no preset {shown(name)}; {suggest_preset(name)}.")
    return presets_by_name()[name]


def published(dataset: str) -> list[Published]:
    """Test accuracies that the presets' sources give for this dataset, the best first.

    Where a source gives only a validation accuracy, that: images not trained on, too.
    """
    if dataset != PUBLISHED_ON:
        return []
    figures = []
    for preset in list_presets():
        split = "test" if "test_accuracy" in preset.published else "val"
        value = preset.published.get(f"{split}_accuracy")
        if value is not None:
            figures.append(Published(preset.title, value / 100, split, preset.source))
    return sorted(figures, key=lambda figure: -figure.accuracy)


# How names begin, in the order in which presets are listed.
_ORDER = (
    "logistic",
    "one-hidden",
    "two-hidden",
    "four-hidden",
    "lenet",
    "cnn-small",
    "cnn",
    "resnet",
    "densenet",
    "inception",
    "lstm",
    "mlp-mixer",
    "vit",
    "autoencoder",
    "vae",
    "tiny",
    "fast",
    "record",
    "linear-svm",
    "svm",
    "knn",
    "naive-bayes",
    "random-forest",
    "gradient-boosting",
    "mlp-sklearn",
)


@cache
def presets_by_name() -> Mapping[str, Preset]:
    """All presets by their names, in the order of `list_presets`."""

    def rank(path: pathlib.Path) -> tuple[Any, ...]:
        first = next((i for i, word in enumerate(_ORDER) if path.stem.startswith(word)), 99)
        return first, *(f"{int(w):06}" if w.isdecimal() else w for w in path.stem.split("-"))

    return {path.stem: _preset(path) for path in sorted(FOLDER.glob("*.yaml"), key=rank)}


def _preset(path: pathlib.Path) -> Preset:
    spec, more = read_preset_file(path)
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


def read_preset_file(path: str | pathlib.Path) -> tuple[ModelSpec, dict[str, Any]]:
    """The spec in a file and the fields that only presets have. Raises SpecError."""
    text = read_file(path)
    with lines_of(text):
        data = read_json(text) if str(path).lower().endswith(".json") else read_yaml(text)
        if not isinstance(data, dict):
            return ModelSpec.from_dict(data), {}  # raises, and says why
        more = {field: data.pop(field) for field in _FIELDS if field in data}
        return ModelSpec.from_dict(data), more


def suggest_preset(name: str) -> str:
    """What to say of a name that is no preset's: the nearest names, or where all are listed."""
    near = difflib.get_close_matches(str(name), presets_by_name(), 3, 0.5)
    if near:
        return f"did you mean {' or '.join(near)}"
    return "`python -m digitlab models` lists them"
