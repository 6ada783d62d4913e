"""The recipe's form: every field of TrainConfig, with the defaults of the chosen preset."""

from __future__ import annotations

from typing import Any

import streamlit as st

from digitlab.errors import ConfigError
from digitlab.models.load import known_recipe
from digitlab.training.config import TrainConfig
from digitlab.ui import url
from digitlab.ui.model_picker import OWN
from digitlab.ui.train.augmentation import PARAMS as AUGMENTATION_PARAMS
from digitlab.ui.train.augmentation import augmentation_fields
from digitlab.ui.train.recipe_fields import NEVER, PARAMS, ask, ask_all

MAIN = ("epochs", "batch_size", "optimizer", "learning_rate", "seed")
FITTED = ("subset", "normalization", "val_fraction", "seed")  # all that a classical model asks for
DATA = ("normalization", "val_fraction", "label_smoothing", "device", "subset")
STOPPING = ("early_stopping", "keep", "gradient_clip")
COMPUTE = ("precision", "threads", "average", "test_curve", "compile")
_TAKE_MOMENTUM = ("sgd", "rmsprop")
_IN_URL = (*PARAMS.values(), *AUGMENTATION_PARAMS)


def recipe_form(model: str, *, classical: bool = False) -> TrainConfig | None:
    """The recipe as the visitor set it; None, and a sentence, where it does not fit together.

    A `classical` model is fitted: only the data's settings and the seed mean something to it.
    """
    start = TrainConfig.from_dict(_known_recipe(model))
    url.reset_on_change(
        "recipe", (model, url.get("preset") if model == OWN else ""), _IN_URL
    )  # another model brings its own recipe
    if classical:
        return start.changed(**ask_all(FITTED, start, st.columns(len(FITTED))))
    values = _main_fields(start)
    with st.expander("More settings", icon=":material/tune:"):
        values |= _course_fields(start, values["optimizer"])
        values |= ask_all(DATA, start, st.columns(len(DATA)))
        values["augmentation"] = augmentation_fields(start.augmentation)
        values |= ask_all(STOPPING, start, st.columns(len(STOPPING)))
        values |= ask_all(COMPUTE, start, st.columns(len(COMPUTE)))
    try:
        return start.changed(**values, restarts=())
    except ConfigError as e:
        st.error(str(e), icon=":material/error:")
        return None


def fill_recipe_form(config: TrainConfig) -> None:
    """Make the form show this recipe when it is next drawn."""
    url.forget_owner("recipe")
    url.drop("preset")
    values = config.model_dump()
    values |= values.pop("augmentation")
    for field, value in values.items():
        param = PARAMS.get(field, field)
        if param in _IN_URL and (value is not None or field in NEVER):
            url.put(param, 0 if value is None else value)


def _known_recipe(model: str) -> dict[str, Any]:
    """The preset's recipe; one's own network begins with that of the preset it was made from."""
    name = url.get("preset") if model == OWN else model
    return known_recipe(name)


def _main_fields(start: TrainConfig) -> dict[str, Any]:
    more = {"learning_rate": {"step": start.learning_rate / 2}}
    return {
        name: ask(name, start, column, **more.get(name, {}))
        for name, column in zip(MAIN, st.columns(len(MAIN)), strict=True)
    }


def _course_fields(start: TrainConfig, optimizer: str) -> dict[str, Any]:
    """How the steps change; what the optimizer has no use for is shown, but cannot be set."""
    first, second, third, fourth = st.columns(4)
    values = {
        "schedule": ask("schedule", start, first),
        "weight_decay": ask("weight_decay", start, second),
    }
    takes = optimizer in _TAKE_MOMENTUM
    momentum = ask("momentum", start, third, disabled=not takes)
    values["momentum"] = momentum if takes else 0.0
    sgd = optimizer == "sgd" and momentum > 0
    values["nesterov"] = ask("nesterov", start, fourth, disabled=not sgd) and sgd
    if values["schedule"] == "step":
        values["step_epochs"] = ask("step_epochs", start, first)
        values["step_factor"] = ask("step_factor", start, second)
    return values
