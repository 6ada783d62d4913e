"""`TrainConfig`: every recipe field with its type, bounds, title, and help in its docstring."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from digitlab.data.info import VAL_FRACTION
from digitlab.errors import ConfigError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from digitlab.data.dataset import Dataset

Optimizer = Literal["sgd", "adam", "adamw", "muon", "rmsprop", "adadelta"]
Schedule = Literal["constant", "step", "cosine", "one-cycle"]
Loss = Literal["cross-entropy", "nll", "mse", "multi-margin", "focal", "binary", "reconstruction"]
Task = Literal["classify", "reconstruct"]
Normalize = Literal["dataset", "half", "none"]
Precision = Literal["auto", "float32", "bfloat16"]

# What a field is. "recipe": it changes what is learnt. "data": which images are learnt from.
# "compute": where and how fast. "watching": what is measured on the way, changing nothing.
Kind = Literal["recipe", "data", "seed", "compute", "watching"]
LOSS_TITLES = {  # of an axis
    "cross-entropy": "cross-entropy (nats)",
    "nll": "negative log-likelihood (nats)",
    "mse": "mean squared error",
    "multi-margin": "multi-margin loss",
    "focal": "focal loss (nats)",
    "binary": "binary cross-entropy (nats)",
    "reconstruction": "error per pixel",
}
# What the outputs of a network mean depends on these.
LOSS_FIELDS = ("loss", "focal_gamma", "pixel_loss", "kl_weight")
_TAKE_MOMENTUM = ("sgd", "rmsprop")
_TAKE_SMOOTHING = ("cross-entropy", "mse", "focal", "binary")


@dataclass(frozen=True)
class Form:
    """How a form asks for a field, where type, bounds and kind do not say it.

    `low`, `high` and `step` are narrower than what is valid; `start` is shown where the default is
    None; `none` says in a word what None means. `options` gives the titles of values, `param` the
    name in a URL, `group` the heading. `used` tells from the other fields whether it has an effect.
    """

    group: str = ""
    param: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    start: float | None = None
    none: str = ""
    options: Mapping[str, str] | None = None
    used: Callable[[Mapping[str, Any]], bool] = lambda recipe: True


def form_of(field: FieldInfo) -> Form:
    """What a field of a recipe says of the form that asks for it."""
    return next((mark for mark in field.metadata if isinstance(mark, Form)), Form())


def param(name: str, field: FieldInfo) -> str:
    """The field's name in a URL."""
    return form_of(field).param or name


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        field_title_generator=lambda name, _: name.replace("_", " ").capitalize(),
    )

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

    rotation: Annotated[float, Form(step=5), Field(ge=0, le=180, title="Rotation (± degrees)")] = (
        0.0
    )
    """Largest rotation either way, in degrees. Try 10; beyond 30 a 6 begins to look like a 9."""
    shift: Annotated[float, Form(step=0.05), Field(ge=0, le=0.5, title="Shift (± share)")] = 0.0
    """Largest shift either way, as a share of the image's side. Try 0.1, more for digits that are
    not centred."""
    scale: Annotated[float, Form(step=0.05), Field(ge=0, le=0.9, title="Scale (± share)")] = 0.0
    """Largest change of size either way, as a share. Try 0.1, which is 90 % to 110 %: people write
    in all sizes."""
    shear: Annotated[float, Form(step=5), Field(ge=0, le=60, title="Shear (± degrees)")] = 0.0
    """Largest slant either way, in degrees. Try 10: handwriting leans to the left or right."""
    thickness: Annotated[float, Form(step=0.1), Field(ge=0, le=1, title="Thickness (share)")] = 0.0
    """Share of the images whose strokes become thinner or bolder by up to a pixel. Try 0.4: pens
    differ."""
    elastic: Annotated[float, Form(step=0.2), Field(ge=0, le=5, title="Elastic (pixels)")] = 0.0
    """Standard deviation of a smooth random displacement, in pixels. It imitates an unsteady hand
    (Simard et al. 2003); try 0.7."""
    noise: Annotated[float, Form(step=0.05), Field(ge=0, le=1, title="Noise (deviation)")] = 0.0
    """Standard deviation of Gaussian noise on each pixel, as a share of paper to ink. Try
    0.1."""
    erasing: Annotated[float, Form(step=0.1), Field(ge=0, le=1, title="Erasing (share)")] = 0.0
    """Share of the images in which a random rectangle is overwritten. Try 0.3, so that no single
    part of a digit decides (Zhong et al. 2017)."""

    @property
    def active(self) -> bool:
        return any(value > 0 for value in self.model_dump().values())


class TrainConfig(_Frozen):
    """How a network is trained. Every field has a default that works on MNIST.

    A field says here, once, what it is: its type and bounds, its kind (`Kind`; "recipe" where none
    is given), a title, and in its docstring first what it is, then what it does and what to try.

    `val_fraction` None keeps the dataset's own validation split. Early stopping ends a run after
    so many epochs without a better validation accuracy (of equal ones, the smaller loss is the
    better). `keep` says which weights a run ends with: those of the last epoch or of the best.
    With an `average` above 0 the run's weights are a running mean over its steps (as in Izmailov
    et al. 2018 and the averages of Polyak and Ruppert). `precision`, `channels_last` and `threads`
    are chosen by what the machine does best unless they are given. `restarts` are the epochs after
    which the learning rate's schedule begins anew; continuing a finished run adds one.
    """

    _softmax_as_scores: bool = PrivateAttr(default=False)

    epochs: Annotated[int, Form(group="Basics"), Field(ge=1, le=1000)] = 10
    """Passes over the training set. Start with a few, and use more while the validation accuracy
    still rises."""
    batch_size: Annotated[int, Form(group="Basics", param="batch"), Field(ge=1, le=8192)] = 64
    """Images per step. 64 to 256 suit most networks; larger batches are faster and need a higher
    learning rate."""
    optimizer: Annotated[
        Optimizer,
        Form(
            group="Basics",
            options={
                "sgd": "SGD",
                "adam": "Adam",
                "adamw": "AdamW",
                "muon": "Muon",
                "rmsprop": "RMSprop",
                "adadelta": "Adadelta",
            },
        ),
    ] = "adam"
    """Rule that turns gradients into steps. Adam and AdamW work well without tuning; Muon often
    learns more in few epochs; SGD with momentum, tuned, can end better."""
    learning_rate: Annotated[
        float,
        Form(group="Basics", param="lr", low=1e-6),
        Field(gt=0, le=100),
    ] = 1e-3
    """Size of a step, at its largest. Try 0.001 with Adam and 0.05 with SGD; lower it if the loss
    jumps, raise it if the loss falls slowly."""
    momentum: Annotated[
        float,
        Form(high=0.999, step=0.1, used=lambda recipe: recipe["optimizer"] in _TAKE_MOMENTUM),
        Field(ge=0, lt=1),
    ] = 0.0
    """Share of the previous step that is added to the next, for SGD and RMSprop. It smooths out
    jumps of the gradient; try 0.9."""
    nesterov: Annotated[
        bool,
        Form(used=lambda recipe: recipe["optimizer"] == "sgd" and recipe["momentum"] > 0),
        Field(title="Nesterov"),
    ] = False
    """Nesterov's form of momentum, for SGD. It applies the momentum before the gradient is used;
    try it if the loss oscillates."""
    weight_decay: Annotated[float, Form(param="decay", step=1e-4), Field(ge=0, le=1)] = 0.0
    """Strength with which every weight is pulled towards zero. It counters overfitting; try 0.01
    with AdamW, 0.0005 with SGD."""
    schedule: Annotated[
        Schedule,
        Form(
            options={
                "constant": "Constant",
                "step": "Step by step",
                "cosine": "Cosine",
                "one-cycle": "One cycle",
            }
        ),
        Field(title="Learning-rate schedule"),
    ] = "constant"
    """Course of the learning rate during training. One cycle learns most in a few epochs, cosine
    suits long trainings, constant is the simplest."""
    step_epochs: Annotated[
        int,
        Form(used=lambda recipe: recipe["schedule"] == "step"),
        Field(ge=1, le=1000, title="Epochs between steps"),
    ] = 5
    """Epochs after which the schedule “Step by step” lowers the learning rate, again and again. Try
    a third of all epochs."""
    step_factor: Annotated[
        float,
        Form(low=0.01, step=0.1, used=lambda recipe: recipe["schedule"] == "step"),
        Field(gt=0, le=1, title="Factor of a step"),
    ] = 0.5
    """Number by which the schedule “Step by step” multiplies the learning rate each time. 0.1 is
    usual, 0.5 is gentler."""
    warmup_epochs: Annotated[float, Form(step=0.5), Field(ge=0, le=100)] = 0.0
    """Epochs at the start in which the learning rate rises to its schedule. It steadies large
    batches and transformers; try 1."""
    loss: Annotated[
        Loss,
        Form(
            options={
                "cross-entropy": "Cross-entropy",
                "nll": "Negative log-likelihood (NLL)",
                "mse": "Squared error (MSE)",
                "multi-margin": "Multi-margin",
                "focal": "Focal",
                "binary": "Binary heads",
                "reconstruction": "Reconstruction (autoencoders)",
            }
        ),
    ] = "cross-entropy"
    """Number that training makes small. Cross-entropy suits classifiers and takes what a last
    Softmax or LogSoftmax gives, too; reconstruction is for autoencoders."""
    focal_gamma: Annotated[
        float,
        Form(param="gamma", high=5, step=0.5, used=lambda recipe: recipe["loss"] == "focal"),
        Field(ge=0, le=20, title="Gamma of the focal loss"),
    ] = 2.0
    """Exponent by which the focal loss counts easy images less. 2 is usual, 0 is
    cross-entropy."""
    pixel_loss: Annotated[
        Literal["binary", "mse"],
        Form(
            param="pixels",
            options={"binary": "Binary cross-entropy", "mse": "Squared error (MSE)"},
            used=lambda recipe: recipe["loss"] == "reconstruction",
        ),
        Field(title="Error of a pixel"),
    ] = "binary"
    """How an autoencoder's pixels are compared with those of the image, from 0 to 1. Binary
    cross-entropy learns faster; many courses begin with the squared error."""
    kl_weight: Annotated[
        float,
        Form(
            param="kl",
            high=10,
            step=0.5,
            used=lambda recipe: recipe["loss"] == "reconstruction",
        ),
        Field(ge=0, le=1000, title="Weight of the divergence"),
    ] = 1.0
    """Strength that holds a variational autoencoder's latent values to a normal distribution. It
    weighs the KL divergence: 1 is usual, more gives smoother images, less sharper ones."""
    label_smoothing: Annotated[
        float,
        Form(
            param="smoothing",
            high=0.5,
            step=0.05,
            used=lambda recipe: recipe["loss"] in _TAKE_SMOOTHING,
        ),
        Field(ge=0, lt=1),
    ] = 0.0
    """Share of each label that is spread evenly over all classes. It keeps the network from being
    too sure; try 0.05."""
    normalization: Annotated[
        Normalize,
        Form(
            group="Data",
            param="norm",
            options={"dataset": "The dataset's own", "half": "0.5 / 0.5", "none": "None (0…1)"},
        ),
        Field(title="Normalisation"),
    ] = "dataset"
    """How pixel values are shifted and scaled before the first layer. The dataset's own mean and
    deviation suit nearly everything; try None to compare."""
    augmentation: Annotated[
        Augmentation,
        Form(group="Augmentation"),
    ] = Augmentation()
    """Random changes to each training image, drawn anew in every epoch. They stand in for more
    data; 0 changes nothing."""
    val_fraction: Annotated[
        float | None,
        "data",
        Form(param="val", step=0.05, start=VAL_FRACTION),
        Field(ge=0, le=0.5, title="Validation share"),
    ] = None
    """Share of the training images that is kept apart for validation. 0.1 is enough here; 0 trains
    on all images, without validation."""
    subset: Annotated[
        int | None, "data", Form(none="all"), Field(ge=10, le=10**9, title="Training images")
    ] = None
    """Largest number of images to train on. They are drawn by the seed, each class by its share;
    try 1,000 to see how few are enough."""
    seed: Annotated[int, "seed", Form(group="Basics", high=2**31 - 1), Field(ge=0, lt=2**63)] = 0
    """Number that fixes all that is random, such as first weights and order. The same seed gives
    the same weights on as many threads; other seeds show what is left to chance."""
    device: Annotated[
        str,
        "compute",
        Form(options={"auto": "Automatic", "cpu": "CPU", "cuda": "CUDA GPU", "mps": "Apple GPU"}),
        Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$"),
    ] = "auto"
    """Where the network is computed. Automatic uses a GPU if there is one; small networks are
    hardly faster on it."""
    devices: Annotated[int, "compute", Field(ge=1, le=64, title="Number of devices")] = 1
    """Number of devices that share each batch. They are GPUs, or processes on a CPU; only rounding
    and dropout differ from one. Try all GPUs for large networks."""
    precision: Annotated[
        Precision,
        "compute",
        Form(options={"auto": "Automatic", "float32": "float32", "bfloat16": "bfloat16"}),
    ] = "auto"
    """Number format of the forward and backward pass. bfloat16 is about twice as fast for
    convolutions on hardware that multiplies it; weights stay float32."""
    channels_last: Annotated[
        bool | None,
        "compute",
        Form(none="automatic"),
    ] = None
    """Whether the channels of a pixel lie side by side in memory. That is faster for most
    convolutions; Automatic does it there."""
    threads: Annotated[int | None, "compute", Form(none="automatic"), Field(ge=1, le=256)] = None
    """Processor threads that compute a step. Try 1 for small networks: for them, starting more
    threads costs more time than it saves."""
    compile: Annotated[bool, "compute", Field(title="torch.compile")] = False
    """Whether torch.compile prepares the network before the first step. It takes up to a minute;
    try it for long trainings."""
    early_stopping: Annotated[
        int | None,
        Form(group="End of training", param="patience", none="never"),
        Field(ge=1, le=1000),
    ] = None
    """Epochs without a better validation accuracy after which training ends. Try 5 in a long
    training."""
    keep: Annotated[
        Literal["last", "best"],
        Form(
            group="End of training",
            options={"last": "the last epoch", "best": "the best validation accuracy"},
        ),
        Field(title="Keep the weights of"),
    ] = "last"
    """Epoch whose weights the run ends with. The last is the fair choice for figures to publish;
    try the best together with early stopping."""
    gradient_clip: Annotated[
        float | None,
        Form(param="clip", step=0.5, none="never"),
        Field(gt=0, le=1e6, title="Clip the gradient"),
    ] = None
    """Largest norm of the gradient: a longer one is shortened to it. Try 1 if the loss jumps, or
    for recurrent networks."""
    average: Annotated[
        float, Form(high=0.99999, step=0.01), Field(ge=0, lt=1, title="EMA decay")
    ] = 0.0
    """Decay of a moving average (EMA) of the weights, which the run then ends with. It often reads
    better than the last weights; try 0.999, or 0 for none."""
    test_curve: Annotated[
        bool, "watching", Form(param="testcurve"), Field(title="Test each epoch")
    ] = False
    """Whether the test accuracy is measured after every epoch, too. Do not choose settings by
    it, or the test accuracy becomes too optimistic."""
    restarts: Annotated[tuple[Annotated[int, Field(ge=1, le=999)], ...], Field(max_length=100)] = ()
    """Epochs after which the learning-rate schedule begins anew. Continuing a finished run adds
    one."""

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
        if self.devices > self.batch_size:
            raise ValueError(
                f"batch_size ({self.batch_size}) must not be less than devices ({self.devices})"
            )
        if self.warmup_epochs > self.epochs:
            raise ValueError(
                f"warmup_epochs ({self.warmup_epochs:g}) must not exceed epochs ({self.epochs})"
            )
        if self.label_smoothing and self.loss not in _TAKE_SMOOTHING:
            raise ValueError(
                f"label_smoothing is for losses {', '.join(map(repr, _TAKE_SMOOTHING))}; with "
                f"{self.loss!r} it must be 0"
            )
        if self.momentum and self.optimizer not in _TAKE_MOMENTUM:
            raise ValueError(
                f"momentum is for optimizers 'sgd' and 'rmsprop'; {self.optimizer!r} has its own"
            )
        if self.val_fraction == 0 and (self.early_stopping or self.keep == "best"):
            raise ValueError(
                "early_stopping and keep 'best' need the validation accuracy: "
                "val_fraction must be above 0"
            )
        return self

    @classmethod
    @cache
    def names(cls, *kinds: Kind) -> tuple[str, ...]:
        """The names of the fields of these kinds, in their order."""
        return tuple(
            name
            for name, field in cls.model_fields.items()
            if next((mark for mark in field.metadata if mark in get_args(Kind)), "recipe") in kinds
        )

    @classmethod
    def names_for_classical(cls) -> tuple[str, ...]:
        """The names of the fields that a scikit-learn model uses; it does not train in steps."""
        return (*cls.names("data", "seed"), "normalization")

    def taking_softmax_as_scores(self) -> TrainConfig:
        """A copy whose cross-entropy takes the probabilities of a last Softmax as raw scores.

        Version 0.2 trained so; runs of that time are opened and resumed as they were.
        """
        copy = self.model_copy()
        copy._softmax_as_scores = True
        return copy

    @property
    def takes_softmax_as_scores(self) -> bool:
        """Whether a last Softmax is left as it is; see `taking_softmax_as_scores`."""
        return self._softmax_as_scores

    @property
    def task(self) -> Task:
        """What a network learns by this recipe: to tell classes apart, or to give the image."""
        return "reconstruct" if self.loss == "reconstruction" else "classify"

    @property
    def loss_title(self) -> str:
        """What the losses of a training are, with their unit."""
        return LOSS_TITLES[self.loss]

    def take_subset(self, data: Dataset) -> Dataset:
        """`data` with the training images that this recipe uses: drawn by the seed, by class."""
        return data if self.subset is None else data.subset(self.subset, self.seed)

    def changed(self, **values: Any) -> TrainConfig:
        """A copy with some fields changed, validated anew; ConfigError where one is refused."""
        return type(self)(**{**self.model_dump(), **values})

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
        place[last] = parse_value(raw.strip())
    return values


def parse_lists(assignments: Sequence[str]) -> tuple[dict[str, list[Any]], list[str]]:
    """``["seed=0,1", "epochs=3"]`` → ``{"seed": [0, 1]}`` and the assignments of one value."""
    lists: dict[str, list[Any]] = {}
    single = []
    for text in assignments:
        key, _, raw = text.partition("=")
        value = parse_value(raw.strip())
        if isinstance(value, str) and "," in value:
            name = key.strip().replace("-", "_")
            lists[name] = [parse_value(part.strip()) for part in value.split(",") if part.strip()]
        else:
            single.append(text)
    return lists, single


def parse_value(raw: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return {"None": None, "True": True, "False": False}.get(raw, raw)


def _explain(error: ValidationError, model: type[BaseModel]) -> ConfigError:
    """The first thing wrong, in a sentence: field, what was given, what is allowed."""
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    field, value = ".".join(path), first.get("input")
    if first["type"] == "extra_forbidden":
        known = model.model_fields
        near = difflib.get_close_matches(path[-1], known, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else f" Known are {', '.join(known)}."
        return ConfigError(f"A recipe has no field {field!r}.{hint}", field=field)
    if first["type"] == "value_error":
        return ConfigError(f"These settings cannot be combined: {first['ctx']['error']}.")
    reason = first["msg"][0].lower() + first["msg"][1:]
    if field == "device":
        reason = "one of 'auto', 'cpu', 'cuda', 'cuda:0', 'mps' is allowed"
    about = summary(model.model_fields[path[0]]) if path and path[0] in model.model_fields else ""
    about = f" ({about[0].lower()}{about[1:]})" if about else ""
    return ConfigError(f"{field}{about}: {reason}; not {value!r}.", field=field)


def summary(field: FieldInfo) -> str:
    """What a field is: the first sentence of its docstring, without its full stop."""
    return " ".join((field.description or "").split()).partition(". ")[0].rstrip(".")
