"""`TrainConfig`: a recipe as data, validated once, with a reason for every refusal."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from digitlab.errors import ConfigError

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset

Optimizer = Literal["sgd", "adam", "adamw", "rmsprop", "adadelta"]
Schedule = Literal["constant", "step", "cosine", "one-cycle"]
Normalize = Literal["dataset", "half", "none"]
Precision = Literal["auto", "float32", "bfloat16"]

# What a field is. "recipe": it changes what is learnt. "data": which images are learnt from.
# "compute": where and how fast. "watching": what is measured on the way, changing nothing.
Kind = Literal["recipe", "data", "seed", "compute", "watching"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_as_number(cls, value: Any, info: ValidationInfo) -> Any:
        # Python takes True for 1: early_stopping=True would wait for one epoch only.
        if isinstance(value, bool) and cls.model_fields[info.field_name].annotation not in (
            bool,
            bool | None,
        ):
            raise PydanticCustomError("no_truth", "input should not be a yes or no")
        return value

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as e:
            raise _explain(e, type(self)) from e


class Augmentation(_Frozen):
    """Random changes made to each training image anew in every epoch; zeros change nothing."""

    rotation: Annotated[float, Field(ge=0, le=180, description="degrees either way")] = 0.0
    shift: Annotated[float, Field(ge=0, le=0.5, description="share of the image's side")] = 0.0
    scale: Annotated[float, Field(ge=0, le=0.9, description="0.1: from 90 % to 110 %")] = 0.0
    shear: Annotated[float, Field(ge=0, le=60, description="degrees either way")] = 0.0
    thickness: Annotated[
        float, Field(ge=0, le=1, description="share of the images made thinner or bolder")
    ] = 0.0
    elastic: Annotated[
        float, Field(ge=0, le=5, description="pixels that a point moves, standard deviation")
    ] = 0.0
    noise: Annotated[
        float, Field(ge=0, le=1, description="standard deviation, share of the pixels' range")
    ] = 0.0
    erasing: Annotated[
        float, Field(ge=0, le=1, description="share of the images with a rectangle erased")
    ] = 0.0

    @property
    def active(self) -> bool:
        return any(value > 0 for value in self.model_dump().values())


class TrainConfig(_Frozen):
    """How a network is trained. Every field has a default that works on MNIST.

    `val_fraction` None keeps the dataset's own validation split. Early stopping ends a run after
    so many epochs without a better validation accuracy (of equal ones, the smaller loss is the
    better). `keep` says which weights a run ends with: those of the last epoch or of the best.
    With an `average` above 0 the run's weights are a running mean over its steps (as in Izmailov
    et al. 2018 and the averages of Polyak and Ruppert). `precision`, `channels_last` and `threads`
    are chosen by what the machine does best unless they are given. `restarts` are the epochs after
    which the learning rate's schedule begins anew; continuing a finished run adds one.
    """

    epochs: Annotated[int, Field(ge=1, le=1000, description="passes over the training set")] = 10
    batch_size: Annotated[int, Field(ge=1, le=8192, description="images per step")] = 64
    optimizer: Annotated[Optimizer, Field(description="update rule")] = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=100, description="peak step size")] = 1e-3
    momentum: Annotated[float, Field(ge=0, lt=1, description="SGD and RMSprop only")] = 0.0
    nesterov: Annotated[bool, Field(description="SGD with momentum only")] = False
    weight_decay: Annotated[float, Field(ge=0, le=1, description="L2 pull towards zero")] = 0.0
    schedule: Annotated[Schedule, Field(description="course of the learning rate")] = "constant"
    step_epochs: Annotated[int, Field(ge=1, le=1000, description="step schedule: every")] = 5
    step_factor: Annotated[float, Field(gt=0, le=1, description="step schedule: times")] = 0.5
    label_smoothing: Annotated[float, Field(ge=0, lt=1, description="share spread evenly")] = 0.0
    normalization: Annotated[Normalize, Field(description="of the pixel values")] = "dataset"
    augmentation: Augmentation = Augmentation()
    val_fraction: Annotated[
        float | None, "data", Field(ge=0, le=0.5, description="share of the training set")
    ] = None
    subset: Annotated[
        int | None, "data", Field(ge=10, le=10**9, description="at most so many training images")
    ] = None
    seed: Annotated[int, "seed", Field(ge=0, lt=2**63, description="of everything random")] = 0
    device: Annotated[
        str,
        "compute",
        Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="where it computes"),
    ] = "auto"
    precision: Annotated[
        Precision, "compute", Field(description="of the forward and backward pass")
    ] = "auto"
    channels_last: Annotated[bool | None, "compute", Field(description="layout of the images")] = (
        None
    )
    threads: Annotated[
        int | None, "compute", Field(ge=1, le=256, description="of the processor")
    ] = None
    compile: Annotated[
        bool, "compute", Field(description="by torch.compile, before the first step")
    ] = False
    early_stopping: Annotated[
        int | None, Field(ge=1, le=1000, description="epochs without improvement")
    ] = None
    keep: Annotated[
        Literal["last", "best"], Field(description="weights that the run ends with")
    ] = "last"
    gradient_clip: Annotated[
        float | None, Field(gt=0, le=1e6, description="largest gradient norm")
    ] = None
    average: Annotated[
        float, Field(ge=0, lt=1, description="decay of a running mean of the weights")
    ] = 0.0
    test_curve: Annotated[bool, "watching", Field(description="test figures after every epoch")] = (
        False
    )
    restarts: Annotated[
        tuple[Annotated[int, Field(ge=1, le=999)], ...],
        Field(max_length=100, description="epochs after which the schedule begins anew"),
    ] = ()

    @field_validator("augmentation", mode="wrap")
    @classmethod
    def _say_where(cls, value: Any, validate: Callable[[Any], Augmentation]) -> Augmentation:
        try:
            return validate(value)
        except ConfigError as e:
            raise ConfigError(f"augmentation: {e}", field=f"augmentation.{e.field}") from e

    @field_serializer("restarts")
    def _as_list(self, restarts: tuple[int, ...]) -> list[int]:
        return list(restarts)  # what JSON would make of it

    @model_validator(mode="after")
    def _fields_agree(self) -> TrainConfig:
        if self.nesterov and (self.optimizer != "sgd" or self.momentum == 0):
            raise ValueError("nesterov needs optimizer 'sgd' with a momentum above 0")
        if list(self.restarts) != sorted({n for n in self.restarts if n < self.epochs}):
            raise ValueError(
                f"restarts must be rising numbers of epochs below epochs ({self.epochs})"
            )
        if self.momentum and self.optimizer not in ("sgd", "rmsprop"):
            raise ValueError(
                f"momentum is for optimizers 'sgd' and 'rmsprop'; {self.optimizer!r} has its own"
            )
        if self.val_fraction == 0 and (self.early_stopping or self.keep == "best"):
            raise ValueError(
                "early_stopping and keep 'best' judge by validation accuracy: "
                "val_fraction must be above 0"
            )
        return self

    @classmethod
    def names(cls, *kinds: Kind) -> tuple[str, ...]:
        """The names of the fields of these kinds, in their order."""
        return tuple(
            name
            for name, field in cls.model_fields.items()
            if next((mark for mark in field.metadata if mark in get_args(Kind)), "recipe") in kinds
        )

    def take_subset(self, data: Dataset) -> Dataset:
        """`data` with the training images that this recipe uses: drawn by the seed, by class."""
        return data if self.subset is None else data.subset(self.subset, self.seed)

    def changed(self, **values: Any) -> TrainConfig:
        """A copy with some fields changed, validated anew; ConfigError where one is refused."""
        return TrainConfig(**{**self.model_dump(), **values})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainConfig:
        """A recipe from a mapping, such as a preset's or a saved run's."""
        if not isinstance(values, Mapping):
            raise ConfigError(f"A recipe is a mapping of fields to values; not {values!r}.")
        return cls(**values)

    def differing(self) -> dict[str, Any]:
        """Only the fields that differ from the defaults, for a short account of the recipe."""
        mine, default = self.model_dump(), TrainConfig().model_dump()
        return {name: value for name, value in mine.items() if value != default[name]}


def parse_assignments(assignments: list[str]) -> dict[str, Any]:
    """``["epochs=3", "augmentation.rotation=10"]`` → nested fields; values read as JSON or text.

    Raises ConfigError for a text without '=' or a field set in two ways.
    """
    values: dict[str, Any] = {}
    for text in assignments:
        key, separator, raw = text.partition("=")
        if not separator or not key.strip():
            raise ConfigError(f"A setting is written key=value, as in epochs=3; not {text!r}.")
        *parents, last = key.strip().replace("-", "_").split(".")
        place = values
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise ConfigError(f"{parent!r} is set in two ways.", field=parent)
        if isinstance(place.get(last), dict):
            raise ConfigError(f"{last!r} is set in two ways.", field=last)
        place[last] = _read_value(raw.strip())
    return values


def _read_value(raw: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return {"None": None, "True": True, "False": False}.get(raw, raw)


def _explain(error: ValidationError, model: type[BaseModel]) -> ConfigError:
    """The first thing wrong, in a sentence: field, what was given, what is allowed."""
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    field, given = ".".join(path), first.get("input")
    if first["type"] == "extra_forbidden":
        known = model.model_fields
        near = difflib.get_close_matches(path[-1], known, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else f" Known are {', '.join(known)}."
        return ConfigError(f"A recipe has no field {field!r}.{hint}", field=field)
    if first["type"] == "value_error":
        return ConfigError(f"This recipe does not fit together: {first['ctx']['error']}.")
    reason = first["msg"][0].lower() + first["msg"][1:]
    if field == "device":
        reason = "one of 'auto', 'cpu', 'cuda', 'cuda:0', 'mps' is allowed"
    about = (
        model.model_fields[path[0]].description if path and path[0] in model.model_fields else ""
    )
    about = f" ({about})" if about else ""
    return ConfigError(f"{field}{about}: {reason}; not {given!r}.", field=field)
