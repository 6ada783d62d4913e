"""`RunRecord`: everything that is known of a run except its weights and predictions."""

from __future__ import annotations

import re
import secrets
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from digitlab.errors import RunNotFoundError

Status = Literal["queued", "running", "paused", "finished", "stopped", "failed", "interrupted"]
ACTIVE: tuple[Status, ...] = ("queued", "running")

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


class RunRecord(BaseModel):
    """A run as it is stored; times are seconds since 1970 (UTC), accuracies shares from 0 to 1.

    `spec` and `config` are the plain forms of ModelSpec and TrainConfig; `data` holds the
    dataset's name, fingerprint, class names and split; `normalization` the mean and deviation
    that the network was trained with. `notices` are sentences about what went wrong; `note` and
    `tags` are what a person wrote; `parent` is the run that this one repeats with a change. Fields
    that are not known yet are None.
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
    data: dict[str, Any]
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

    @property
    def active(self) -> bool:
        """Whether it waits or trains."""
        return self.status in ACTIVE

    @property
    def members(self) -> list[str]:
        """Ids of the runs that answer together, where this is an ensemble; else empty."""
        return self.data.get("members") or []

    @property
    def bundled(self) -> bool:
        """Whether it came with digitlab, read-only."""
        return self.executor == "bundled"


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
