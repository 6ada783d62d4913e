"""An architecture by its name, from a file, or as it is; and the recipe that comes with it."""

from __future__ import annotations

import pathlib
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from digitlab.errors import SpecError
from digitlab.models.layer import shown
from digitlab.models.library import is_saved, load_saved
from digitlab.models.presets import presets_by_name, read_preset_file, suggest_preset
from digitlab.models.spec import ModelSpec, read_file

if TYPE_CHECKING:
    from torch import nn


def load_model(model: str | pathlib.Path | ModelSpec | nn.Module) -> ModelSpec:
    """A spec by its name, from the path of a .yaml, .json or .py file, or the spec itself.

    A name is a preset's or one that an architecture was saved under (`digitlab.models.library`).
    "torchvision/resnet18" and "timm/resnet18" are those models alone, "sklearn/SVC" that estimator.
    A .py or .ipynb file is read by `ModelSpec.from_code` and not executed, your own nn.Module by
    `ModelSpec.from_module`. Raises SpecError for an unknown name, a missing file, or a file or
    module that holds no architecture.
    """
    if isinstance(model, ModelSpec):
        return model
    if _is_module(model):
        return ModelSpec.from_module(model)
    if not isinstance(model, str | pathlib.Path):
        raise SpecError(
            f"A model is a preset's name, a file, a ModelSpec or an nn.Module; not {shown(model)}."
        )
    if isinstance(model, str) and model in presets_by_name():
        return presets_by_name()[model].spec
    if isinstance(model, str) and is_saved(model):
        return load_saved(model)
    if isinstance(model, str) and re.fullmatch(r"(torchvision|timm|sklearn)/\w{1,63}", model):
        library, _, name = model.partition("/")
        args = {} if library == "sklearn" else {"num_classes": 10}
        return ModelSpec(name=name, layers=[{model: args}])
    if _is_file_name(model):
        return read_preset_file(model)[0]
    if _is_code(model):
        return ModelSpec.from_code(read_file(model))
    raise SpecError(
        f"There is no preset {shown(str(model))}; {suggest_preset(str(model))}, or give the path "
        f"of a .yaml, .json or .py file."
    )


def known_recipe(model: object) -> dict[str, Any]:
    """The recipe of a preset or of a file that holds one, as fields of TrainConfig.

    Of any other architecture the loss alone, where it is an autoencoder; else empty.
    """
    if isinstance(model, ModelSpec):
        return {"loss": "reconstruction"} if model.gives_image else {}
    if isinstance(model, str) and model in presets_by_name():
        return dict(presets_by_name()[model].recipe)
    if isinstance(model, str | pathlib.Path) and _is_file_name(model):
        recipe = read_preset_file(model)[1].get("recipe")
        return dict(recipe) if isinstance(recipe, Mapping) else {}
    return {}


def _is_module(model: object) -> bool:
    """Whether it is an nn.Module, asked without importing torch: who has one has imported it.

    Another thread may be importing it: its modules are then there in part.
    """
    module_class = getattr(sys.modules.get("torch.nn"), "Module", None)
    return module_class is not None and isinstance(model, module_class)


def _is_code(model: str | pathlib.Path) -> bool:
    return str(model).lower().endswith((".py", ".ipynb"))


def _is_file_name(model: str | pathlib.Path) -> bool:
    return str(model).lower().endswith((".yaml", ".yml", ".json"))
