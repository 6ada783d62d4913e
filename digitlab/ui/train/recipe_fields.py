"""The fields of the recipe's form: how each is called, what it does, and what to try."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from digitlab.data.info import VAL_FRACTION
from digitlab.training.config import TrainConfig
from digitlab.ui import url

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

FEWEST = 10  # images that a training set is cut down to


class Field(NamedTuple):
    """How one field of TrainConfig is asked for: by a widget of `url`, with its own arguments.

    `param` is its name in the URL where that is another than the field's.
    """

    label: str
    widget: Callable[..., Any]
    help: str
    own: Mapping[str, Any] = {}
    param: str = ""


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
DEVICES = {"auto": "Automatic", "cpu": "CPU", "cuda": "CUDA GPU", "mps": "Apple GPU"}
PRECISIONS = {
    "auto": "Automatic",
    "float32": "float32",
    "bfloat16": "bfloat16 where it can",
}

FIELDS = {
    "epochs": Field(
        "Epochs",
        url.number,
        "How often every training image is seen: begin with a few, and give it more while the "
        "validation accuracy still rises.",
        {"low": 1, "high": 1000},
    ),
    "batch_size": Field(
        "Batch size",
        url.number,
        "Images in one step: 64 to 256 suit most networks; more are faster, and want a higher "
        "learning rate.",
        {"low": 1, "high": 8192},
        "batch",
    ),
    "optimizer": Field(
        "Optimizer",
        url.choose,
        "How a gradient becomes a step: Adam and AdamW learn well untuned; SGD with momentum can "
        "end better once its rate is found.",
        {"options": OPTIMIZERS},
    ),
    "learning_rate": Field(
        "Learning rate",
        url.real,
        "How far a step goes: try 0.001 with Adam and 0.05 with SGD, less where the loss jumps, "
        "more where it creeps.",
        {"low": 1e-6, "high": 100.0},
        "lr",
    ),
    "seed": Field(
        "Seed",
        url.number,
        "Decides all that is random, such as first weights and order: the same one repeats a run, "
        "another shows how much was luck.",
        {"low": 0, "high": 2**31 - 1},
    ),
    "schedule": Field(
        "Learning-rate schedule",
        url.choose,
        "How the learning rate changes on the way: one cycle learns most in few epochs, cosine "
        "suits long trainings, constant is the easiest to understand.",
        {"options": SCHEDULES},
    ),
    "step_epochs": Field(
        "Every … epochs",
        url.number,
        "How long the rate stays before it is multiplied: try a third of all epochs.",
        {"low": 1, "high": 1000},
    ),
    "step_factor": Field(
        "times",
        url.real,
        "What the rate is multiplied by: 0.1 is the classic, 0.5 is gentler.",
        {"low": 0.01, "high": 1, "step": 0.1},
    ),
    "weight_decay": Field(
        "Weight decay",
        url.real,
        "Pulls every weight towards zero, against learning by heart: try 0.01 with AdamW, 0.0005 "
        "with SGD.",
        {"low": 0, "high": 1, "step": 1e-4},
        "decay",
    ),
    "momentum": Field(
        "Momentum",
        url.real,
        "For SGD and RMSprop: keeps a share of the steps before, which smooths the way; try 0.9.",
        {"low": 0, "high": 0.999, "step": 0.1},
    ),
    "nesterov": Field(
        "Nesterov momentum",
        url.switch,
        "For SGD with momentum: takes the gradient where the momentum leads; try it where the "
        "loss swings.",
    ),
    "normalization": Field(
        "Normalisation",
        url.choose,
        "How pixels are shifted and scaled before the first layer: the dataset's own suits nearly "
        "everything; try None to see what it is worth.",
        {"options": NORMALIZATIONS},
        "norm",
    ),
    "val_fraction": Field(
        "Validation share",
        url.real,
        "Training images that are kept apart to judge by on the way: 0.1 is plenty here; 0 trains "
        "on all of them, unseen.",
        {"low": 0, "high": 0.5, "step": 0.05},
        "val",
    ),
    "label_smoothing": Field(
        "Label smoothing",
        url.real,
        "Spreads this share of the wanted certainty over all classes, against being too sure: try "
        "0.05.",
        {"low": 0, "high": 0.5, "step": 0.05},
        "smoothing",
    ),
    "device": Field(
        "Device",
        url.choose,
        "What computes: Automatic takes a GPU where there is one; small networks are hardly "
        "faster on it.",
        {"options": DEVICES},
    ),
    "subset": Field(
        "Training images (0: all)",
        url.number,
        "At most so many, drawn by the seed so that each class keeps its share: try 1,000 to see "
        "how little is enough.",
        {"low": 0, "high": 10**9},
    ),
    "early_stopping": Field(
        "Stop early after … epochs without improvement (0: never)",
        url.number,
        "Ends a training whose validation accuracy no longer rises: try 5 in a long one.",
        {"low": 0, "high": 1000},
        "patience",
    ),
    "keep": Field(
        "Keep the weights of",
        url.choose,
        "Which weights the run ends with: the last are the fair choice for figures to publish; "
        "try the best together with stopping early.",
        {"options": KEEP},
    ),
    "gradient_clip": Field(
        "Clip the gradient's norm at (0: never)",
        url.real,
        "Shortens a longer gradient to this, so that no single batch can do harm: try 1 where the "
        "loss jumps, or for recurrent networks.",
        {"low": 0, "high": 1e6, "step": 0.5},
        "clip",
    ),
    "precision": Field(
        "Precision",
        url.choose,
        "bfloat16 makes convolutions about twice as fast on processors and GPUs that multiply it "
        "in hardware; weights stay float32, and Automatic takes it where it pays.",
        {"options": PRECISIONS},
    ),
    "threads": Field(
        "Threads (0: automatic)",
        url.number,
        "Processor cores that work on a step: try 1 for small networks, as waking others takes "
        "longer than the work.",
        {"low": 0, "high": 256},
    ),
    "average": Field(
        "Mean of the weights (decay)",
        url.real,
        "A running mean over the steps often reads better than the last weights: try 0.999, or 0 "
        "for none.",
        {"low": 0, "high": 0.99999, "step": 0.01, "format": "%.5g"},
    ),
    "test_curve": Field(
        "Test after every epoch",
        url.switch,
        "Draws the test accuracy too: to look at, never to choose by, as it would no longer be a "
        "test.",
        param="testcurve",
    ),
    "compile": Field(
        "torch.compile",
        url.switch,
        "Compiles the network first, which takes up to a minute: try it for long trainings.",
    ),
}
PARAMS = {name: field.param or name for name, field in FIELDS.items()}  # in the URL
NEVER = ("early_stopping", "gradient_clip", "subset", "threads")  # None is a 0 on the form


def ask(name: str, start: TrainConfig, place: DeltaGenerator, **arguments: Any) -> Any:
    """Draw the field in `place`, beginning with what `start` says; what the visitor set."""
    field = FIELDS[name]
    default = getattr(start, name)
    if default is None:
        default = VAL_FRACTION if name == "val_fraction" else 0
    if name == "device":
        default = "auto"  # what is right elsewhere need not be here
    with place:
        value = field.widget(
            field.label,
            param=PARAMS[name],
            default=default,
            help=field.help,
            **{**field.own, **arguments},
        )
    if name == "subset" and value:
        value = max(value, FEWEST)
    return None if name in NEVER and not value else value


def ask_all(names: tuple[str, ...], start: TrainConfig, places: list[DeltaGenerator]) -> dict:
    """Several fields, one in each place: field → value."""
    return {name: ask(name, start, place) for name, place in zip(names, places, strict=True)}
