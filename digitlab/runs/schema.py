"""The run store's tables, and the engine that reaches them."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, Integer, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Real(TypeDecorator):
    """A number of 64 bits; what is not a number is NULL, as SQLite has it, in every database."""

    impl = Float
    cache_ok = True

    def process_bind_param(self, value: float | None, _dialect: object) -> float | None:
        return None if value is None or math.isnan(value) else value


class Base(DeclarativeBase):
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own form
        dict[str, Any]: JSON,
        list[str]: JSON,
        float: Real,
        int: BigInteger,  # which SQLite's integers are anyway
    }


class RunRow(Base):
    """One run; the columns are RunRecord's fields."""

    __tablename__ = "runs"
    __table_args__ = (
        Index("runs_by_time", "created"),
        Index("runs_by_status", "status", "created"),
        Index("runs_by_owner", "owner", "created"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    model: Mapped[str]
    dataset: Mapped[str]
    status: Mapped[str]
    executor: Mapped[str]
    spec: Mapped[dict[str, Any]]
    config: Mapped[dict[str, Any]]
    data: Mapped[dict[str, Any]]
    environment: Mapped[dict[str, Any]]
    normalization: Mapped[dict[str, Any]]
    parameters: Mapped[int]
    seed: Mapped[int]
    created: Mapped[float]
    started: Mapped[float | None]
    ended: Mapped[float | None]
    epochs: Mapped[int]
    epochs_done: Mapped[int]
    step: Mapped[int]
    total_steps: Mapped[int]
    best_epoch: Mapped[int | None]
    kept_epoch: Mapped[float | None]
    train_loss: Mapped[float | None]
    train_accuracy: Mapped[float | None]
    val_loss: Mapped[float | None]
    val_accuracy: Mapped[float | None]
    test_loss: Mapped[float | None]
    test_accuracy: Mapped[float | None]
    train_seconds: Mapped[float | None]
    images_per_second: Mapped[float | None]
    message: Mapped[str]
    note: Mapped[str] = mapped_column(server_default="")
    tags: Mapped[list[str]] = mapped_column(server_default="[]")
    notices: Mapped[list[str]] = mapped_column(server_default="[]")
    parent: Mapped[str | None]
    owner: Mapped[str | None]
    share: Mapped[str | None]


class EpochRow(Base):
    """One epoch of a run; the columns are EpochDone's fields."""

    __tablename__ = "epochs"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[int]
    train_loss: Mapped[float]
    train_accuracy: Mapped[float | None]
    val_loss: Mapped[float | None]
    val_accuracy: Mapped[float | None]
    learning_rate: Mapped[float]
    seconds: Mapped[float]
    best: Mapped[bool]
    test_loss: Mapped[float | None]
    test_accuracy: Mapped[float | None]


class StepRow(Base):
    """A window of a run's steps; the columns are StepsDone's fields."""

    __tablename__ = "steps"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[float]
    loss: Mapped[float | None]
    loss_min: Mapped[float | None]
    loss_max: Mapped[float | None]
    learning_rate: Mapped[float]
    grad_norm: Mapped[float | None]
    images_per_second: Mapped[float]


class LeaseRow(Base):
    """Which process carries a run out; see `lease`. `expires` is by the database's clock."""

    __tablename__ = "leases"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    holder: Mapped[str]
    host: Mapped[str]
    process: Mapped[int]
    place: Mapped[str]
    expires: Mapped[float]
    request: Mapped[str | None]


class SweepRow(Base):
    """What the runs of a sweep do not know that chooses its trials as it goes."""

    __tablename__ = "sweeps"

    id: Mapped[str] = mapped_column(primary_key=True)
    created: Mapped[float]
    owner: Mapped[str | None] = mapped_column(index=True)
    search: Mapped[dict[str, Any]]
    stopped: Mapped[str]
    ended: Mapped[bool]


class TrainingRow(Base):
    """How long a run of a visitor trained; kept for a day, also when the run is deleted."""

    __tablename__ = "trainings"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    owner: Mapped[str] = mapped_column(index=True)
    ended: Mapped[float]
    seconds: Mapped[float]
