"""The recipe's form: every field of TrainConfig, with the defaults of the chosen preset."""

from __future__ import annotations

from typing import Any

import streamlit as st

from digitlab.data.catalog import VAL_FRACTION
from digitlab.errors import ConfigError
from digitlab.models.presets import known_recipe
from digitlab.training.config import TrainConfig
from digitlab.ui import url
from digitlab.ui.augmentation import PARAMS as AUGMENTATION_PARAMS
from digitlab.ui.augmentation import augmentation_fields
from digitlab.ui.model_picker import OWN
from digitlab.ui.recipe_compute import PARAMS as COMPUTE_PARAMS
from digitlab.ui.recipe_compute import compute_fields

OPTIMIZERS = {
    "sgd": "SGD",
    "adam": "Adam",
    "adamw": "AdamW",
    "rmsprop": "RMSprop",
    "adadelta": "Adadelta",
}
SCHEDULES = {
    "constant": "Constant",
    "step": "Step by step",
    "cosine": "Cosine",
    "one-cycle": "One cycle",
}
NORMALIZATIONS = {"dataset": "The dataset's own", "half": "0.5 / 0.5", "none": "None (0…1)"}
KEEP = {"last": "the last epoch", "best": "the best validation accuracy"}

_PARAMS = (
    *("epochs", "batch", "optimizer", "lr", "seed"),
    *("schedule", "step_epochs", "step_factor", "decay", "momentum", "nesterov"),
    *("norm", "val", "subset", "smoothing", "device", "patience", "keep", "clip"),
    *AUGMENTATION_PARAMS,
    *COMPUTE_PARAMS,
)
_FIELDS = {  # of a recipe, where the URL has another name for them
    "batch_size": "batch",
    "learning_rate": "lr",
    "weight_decay": "decay",
    "normalization": "norm",
    "val_fraction": "val",
    "label_smoothing": "smoothing",
    "early_stopping": "patience",
    "gradient_clip": "clip",
    "test_curve": "testcurve",
}
_NEVER = ("early_stopping", "gradient_clip", "subset", "threads")  # None is a 0 on the form


def recipe_form(model: str, *, classical: bool = False) -> TrainConfig | None:
    """The recipe as the visitor set it; None, and a sentence, where it does not fit together.

    A `classical` model is fitted: only the data's settings and the seed mean something to it.
    """
    start = TrainConfig.from_dict(_known_recipe(model))
    url.reset_on_change(
        "recipe", (model, url.get("preset") if model == OWN else ""), _PARAMS
    )  # another model brings its own recipe
    if classical:
        return start.changed(**_fit_fields(start))
    values = _main_fields(start)
    with st.expander("More settings", icon=":material/tune:"):
        values |= _course_fields(start, values["optimizer"])
        values |= _data_fields(start)
        values |= _stopping_fields(start)
        values |= compute_fields(start)
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
        param = _FIELDS.get(field, field)
        if param in _PARAMS and (value is not None or field in _NEVER):
            url.put(param, 0 if value is None else value)


def _known_recipe(model: str) -> dict[str, Any]:
    """The preset's recipe; one's own network begins with that of the preset it was made from."""
    name = url.get("preset") if model == OWN else model
    return known_recipe(name)


def _main_fields(start: TrainConfig) -> dict[str, Any]:
    columns = st.columns(5)
    with columns[0]:
        epochs = url.number("Epochs", param="epochs", default=start.epochs, low=1, high=1000)
    with columns[1]:
        batch = url.number("Batch size", param="batch", default=start.batch_size, low=1, high=8192)
    with columns[2]:
        optimizer = url.choose("Optimizer", OPTIMIZERS, param="optimizer", default=start.optimizer)
    with columns[3]:
        rate = url.real(
            "Learning rate",
            param="lr",
            default=start.learning_rate,
            low=1e-6,
            high=100.0,
            step=start.learning_rate / 2,
        )
    with columns[4]:
        seed = url.number("Seed", param="seed", default=start.seed, low=0, high=2**31 - 1)
    return {
        "epochs": epochs,
        "batch_size": batch,
        "optimizer": optimizer,
        "learning_rate": rate,
        "seed": seed,
    }


def _fit_fields(start: TrainConfig) -> dict[str, Any]:
    """What counts for a classical model."""
    columns = st.columns(4)
    with columns[0]:
        subset = _subset_field(start)
    with columns[1]:
        norm = _normalization_field(start)
    with columns[2]:
        val = _val_field(start)
    with columns[3]:
        seed = url.number("Seed", param="seed", default=start.seed, low=0, high=2**31 - 1)
    return {"subset": subset, "normalization": norm, "val_fraction": val, "seed": seed}


def _subset_field(start: TrainConfig) -> int | None:
    images = url.number(
        "Training images (0: all)",
        param="subset",
        default=start.subset or 0,
        low=0,
        high=10**9,
        help="At most so many, drawn by the seed so that each class keeps its share.",
    )
    return max(images, 10) if images else None


def _normalization_field(start: TrainConfig) -> str:
    return url.choose("Normalisation", NORMALIZATIONS, param="norm", default=start.normalization)


def _val_field(start: TrainConfig) -> float:
    return url.real(
        "Validation share",
        param="val",
        default=VAL_FRACTION if start.val_fraction is None else start.val_fraction,
        low=0,
        high=0.5,
        step=0.05,
    )


def _course_fields(start: TrainConfig, optimizer: str) -> dict[str, Any]:
    columns = st.columns(4)
    takes = optimizer in ("sgd", "rmsprop")
    with columns[0]:
        schedule = url.choose(
            "Learning-rate schedule", SCHEDULES, param="schedule", default=start.schedule
        )
    values: dict[str, Any] = {"schedule": schedule}
    with columns[1]:
        values["weight_decay"] = url.real(
            "Weight decay", param="decay", default=start.weight_decay, low=0, high=1, step=1e-4
        )
    with columns[2]:
        momentum = url.real(
            "Momentum",
            param="momentum",
            default=start.momentum,
            low=0,
            high=0.999,
            step=0.1,
            disabled=not takes,
            help="For SGD and RMSprop.",
        )
    values["momentum"] = momentum if takes else 0.0
    with columns[3]:
        sgd = optimizer == "sgd" and momentum > 0
        nesterov = url.switch(
            "Nesterov momentum", param="nesterov", default=start.nesterov, disabled=not sgd
        )
    values["nesterov"] = nesterov and sgd
    if schedule == "step":
        with columns[0]:
            values["step_epochs"] = url.number(
                "Every … epochs", param="step_epochs", default=start.step_epochs, low=1, high=1000
            )
        with columns[1]:
            values["step_factor"] = url.real(
                "times", param="step_factor", default=start.step_factor, low=0.01, high=1, step=0.1
            )
    return values


def _data_fields(start: TrainConfig) -> dict[str, Any]:
    columns = st.columns(5)
    with columns[4]:
        subset = _subset_field(start)
    with columns[0]:
        norm = _normalization_field(start)
    with columns[1]:
        val = _val_field(start)
    with columns[2]:
        smoothing = url.real(
            "Label smoothing",
            param="smoothing",
            default=start.label_smoothing,
            low=0,
            high=0.5,
            step=0.05,
        )
    with columns[3]:
        devices = {"auto": "Automatic", "cpu": "CPU", "cuda": "CUDA GPU", "mps": "Apple GPU"}
        device = url.choose("Device", devices, param="device", default="auto")
    return {
        "normalization": norm,
        "val_fraction": val,
        "subset": subset,
        "label_smoothing": smoothing,
        "device": device,
        "augmentation": augmentation_fields(start.augmentation),
    }


def _stopping_fields(start: TrainConfig) -> dict[str, Any]:
    columns = st.columns(3)
    with columns[0]:
        patience = url.number(
            "Stop early after … epochs without improvement (0: never)",
            param="patience",
            default=start.early_stopping or 0,
            low=0,
            high=1000,
        )
    with columns[1]:
        keep = url.choose("Keep the weights of", KEEP, param="keep", default=start.keep)
    with columns[2]:
        clip = url.real(
            "Clip the gradient's norm at (0: never)",
            param="clip",
            default=start.gradient_clip or 0.0,
            low=0,
            high=1e6,
            step=0.5,
        )
    return {"early_stopping": patience or None, "keep": keep, "gradient_clip": clip or None}
