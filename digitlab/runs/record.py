"""`RunRecord`: everything that is known of a run except its weights and predictions."""

from __future__ import annotations

import re
import secrets
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PrivateAttr, model_serializer

from digitlab import owners
from digitlab.data.info import SPLIT_SEED, VAL_FRACTION
from digitlab.errors import RunNotFoundError
from digitlab.models.spec import ModelSpec
from digitlab.runs.experiment import DatasetSplit, Experiment
from digitlab.training.config import Task, TrainConfig

Status = Literal["queued", "running", "paused", "finished", "stopped", "failed", "interrupted"]
ACTIVE: tuple[Status, ...] = ("queued", "running")

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


class Sweep(BaseModel):
    """Several runs that were asked for together, under a name; each of them holds this.

    Of a sweep that chooses its trials as it goes, `trial` is the run's number, from 1; `pruned`
    says why it was ended early, and `resumed` counts how often its process died. A run of the best
    configuration with another seed has no number but is `final`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    name: str = ""
    trial: int | None = None
    pruned: str = ""
    resumed: int = 0
    final: bool = False

    @model_serializer(mode="wrap")
    def _without_defaults(self, dump: Any) -> dict[str, Any]:
        values = dump(self)  # what is queued together is written as earlier versions wrote it
        return {key: value for key, value in values.items() if value or key in ("id", "name")}


class RunData(BaseModel):
    """What a run learns from, and where its answers come from.

    `fingerprint` and the numbers of images are known when its training begins. `start_from` is the
    run whose weights it began with; `members` and `how` are an ensemble's. `no_digit` and `trust`
    say how a network that was shown what is no digit declines. `imported` is the id that it had
    where it was made, and when it came from there; of a network that was trained elsewhere also its
    `file`, `sha256` and `format`. `normalization` is that of the weights it starts from, where they
    need another than the recipe's, `sweep` what it is a part of; `claimed` is that of RunRecord.
    What else is stored is kept as it is.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    classes: tuple[str, ...] = ()
    val_fraction: float = VAL_FRACTION
    split_seed: int = SPLIT_SEED
    fingerprint: str | None = None
    train_images: int | None = None
    val_images: int | None = None
    test_images: int | None = None
    start_from: str | None = None
    members: tuple[str, ...] = ()
    how: str | None = None
    no_digit: str | None = None
    trust: dict[str, Any] | None = None
    imported: dict[str, Any] | None = None
    normalization: dict[str, float] | None = None
    sweep: Sweep | None = None
    claimed: bool | None = None
    _stored: dict[str, Any] = PrivateAttr()

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self._stored = values

    @model_serializer
    def _as_stored(self) -> dict[str, Any]:
        return dict(self._stored)  # neither another order nor a field more than was given

    def changed(self, **values: Any) -> RunData:
        """A copy with some values changed."""
        return RunData(**{**self._stored, **values})


class RunRecord(BaseModel):
    """A run as it is stored; times are seconds since 1970 (UTC), accuracies shares from 0 to 1.

    `spec` and `config` are the stored forms of what `experiment` holds; `normalization` is the
    mean and deviation that the network was trained with. `notices` are sentences about what went
    wrong; `note` and `tags` are what a person wrote; `parent` is the run of which this
    one is a rerun with a change. `owner` is whose it is, None for everybody's (see `owners`), and
    `share` the key that shows it to others. Fields that are not known yet are None.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    name: str
    model: str
    dataset: str
    status: Status
    executor: Literal["process", "foreground", "bundled"] = "foreground"
    spec: dict[str, Any]
    config: dict[str, Any]
    data: RunData
    environment: dict[str, Any] = {}
    normalization: dict[str, float] = {}
    parameters: int = 0
    seed: int = 0
    created: float
    started: float | None = None
    ended: float | None = None
    epochs: int = 0
    epochs_done: int = 0
    step: int = 0
    total_steps: int = 0
    best_epoch: int | None = None
    kept_epoch: float | None = None
    train_loss: float | None = None
    train_accuracy: float | None = None
    val_loss: float | None = None
    val_accuracy: float | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None
    train_seconds: float | None = None
    images_per_second: float | None = None
    message: str = ""
    note: str = ""
    tags: list[str] = []
    notices: list[str] = []
    parent: str | None = None
    owner: str | None = None
    share: str | None = None

    @model_serializer(mode="wrap")
    def _as_before_owners(self, dump: Any) -> dict[str, Any]:
        values = dump(self)  # what is everybody's is written as earlier versions wrote it
        for name in ("owner", "share"):
            if values.get(name, "") is None:
                del values[name]
        return values

    @cached_property
    def experiment(self) -> Experiment:
        """What the run carries out. SpecError or ConfigError for one of a later version."""
        spec = ModelSpec.from_dict(self.spec)
        config = TrainConfig.from_dict(self.config)
        if "loss" not in self.config and spec.layers and spec.layers[-1].type == "Softmax":
            config = config.taking_softmax_as_scores()  # of version 0.2, which knew no other way
        return Experiment(spec, self.split, config, self.data.start_from)

    @property
    def split(self) -> DatasetSplit:
        """The dataset, and how it is divided."""
        data = self.data
        return DatasetSplit(
            self.dataset, data.classes, data.val_fraction, data.split_seed, data.fingerprint
        )

    def __copy__(self) -> RunRecord:
        copy = super().__copy__()
        copy.__dict__.pop("experiment", None)  # what is changed in the copy may be a part of it
        return copy

    def changed(self, **values: Any) -> RunRecord:
        """A copy with some values changed."""
        return RunRecord(**{**self.model_dump(), **values})

    @property
    def task(self) -> Task:
        """What is learnt: to tell classes apart, or to give the image back."""
        return "reconstruct" if self.config.get("loss") == "reconstruction" else "classify"

    @property
    def trained_elsewhere(self) -> bool:
        """Whether its weights came from a file: of its recipe, only what they take is known."""
        return "file" in (self.data.imported or {})

    @property
    def claimed(self) -> bool:
        """Whether its results are what its file says: they were not computed from its weights."""
        came_as_zip = bool((self.data.imported or {}).get("id"))  # of before that was written down
        return came_as_zip if self.data.claimed is None else self.data.claimed

    @property
    def measured(self) -> bool:
        """Whether it has results on a test split."""
        return self.test_accuracy is not None or self.test_loss is not None

    @property
    def active(self) -> bool:
        """Whether it waits or trains."""
        return self.status in ACTIVE

    @property
    def members(self) -> list[str]:
        """Ids of the runs that answer together, where this is an ensemble; else empty."""
        return list(self.data.members)

    @property
    def bundled(self) -> bool:
        """Whether it came with digitlab, read-only."""
        return self.executor == "bundled"

    @property
    def changeable(self) -> bool:
        """Whether they may change it for whom this process acts."""
        return not self.bundled and owners.may_change(self.owner)


def new_run_id(name: str) -> str:
    """A fresh id that names the model and is safe in a path and a URL."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:48].strip("-") or "run"
    return f"{slug}-{secrets.token_hex(4)}"


def check_run_id(run_id: str) -> str:
    """The id itself where it has an id's form; RunNotFoundError otherwise, so no path escapes."""
    if not isinstance(run_id, str) or not _ID.fullmatch(run_id):
        raise RunNotFoundError(
            f"There is no run {str(run_id)[:80]!r}. `python -m digitlab runs` lists them.",
            run_id=str(run_id)[:80],
        )
    return run_id
