"""The recipe's form: every field of TrainConfig, with the defaults of the chosen preset."""

from __future__ import annotations

from typing import Any

import streamlit as st

from digitlab.data.catalog import VAL_FRACTION
from digitlab.errors import ConfigError
from digitlab.models.presets import known_recipe
from digitlab.training.config import TrainConfig
from digitlab.ui import url
from digitlab.ui.model_picker import OWN

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
    *("norm", "val", "smoothing", "device", "patience", "keep", "clip"),
    *("rotation", "shift", "scale", "shear", "thickness"),
)


def recipe_form(model: str) -> TrainConfig | None:
    """The recipe as the visitor set it; None, and a sentence, where it does not fit together."""
    start = TrainConfig.from_dict(_known_recipe(model))
    url.reset_on_change(
        "recipe", (model, url.get("preset") if model == OWN else ""), _PARAMS
    )  # another model brings its own recipe
    values = _main_fields(start)
    with st.expander("More settings", icon=":material/tune:"):
        values |= _course_fields(start, values["optimizer"])
        values |= _data_fields(start)
        values |= _stopping_fields(start)
    try:
        return TrainConfig(**values)
    except ConfigError as e:
        st.error(str(e), icon=":material/error:")
        return None


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
    columns = st.columns(4)
    with columns[0]:
        norm = url.choose(
            "Normalisation", NORMALIZATIONS, param="norm", default=start.normalization
        )
    with columns[1]:
        val = url.real(
            "Validation share",
            param="val",
            default=VAL_FRACTION if start.val_fraction is None else start.val_fraction,
            low=0,
            high=0.5,
            step=0.05,
        )
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
        "label_smoothing": smoothing,
        "device": device,
        "augmentation": _augmentation_fields(start),
    }


def _augmentation_fields(start: TrainConfig) -> dict[str, float]:
    st.markdown("**Augmentation**: each image changed anew in every epoch; 0 changes nothing.")
    given = start.augmentation
    fields = (
        ("rotation", "Rotation (± degrees)", given.rotation, 180.0, 5.0),
        ("shift", "Shift (± share)", given.shift, 0.5, 0.05),
        ("scale", "Scale (± share)", given.scale, 0.9, 0.05),
        ("shear", "Shear (± degrees)", given.shear, 60.0, 5.0),
        ("thickness", "Stroke thickness (share)", given.thickness, 1.0, 0.1),
    )
    values = {}
    for column, (field, label, default, high, step) in zip(st.columns(5), fields, strict=True):
        with column:
            values[field] = url.real(
                label, param=field, default=default, low=0, high=high, step=step
            )
    return values


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
