"""The run store's tables, and the engine that reaches them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, BigInteger, Engine, ForeignKey, Index, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from digitlab.errors import StoreError
from digitlab.runs.database import bring_up_to_date
from digitlab.settings import read_settings

BUSY_SECONDS = 15


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012 - SQLAlchemy's own form


class RunRow(Base):
    """One run; the columns are RunRecord's fields."""

    __tablename__ = "runs"
    __table_args__ = (
        Index("runs_by_time", "created"),
        Index("runs_by_status", "status", "created"),
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
    seed: Mapped[int] = mapped_column(BigInteger)
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


class EpochRow(Base):
    """One epoch of a run; the columns are EpochDone's fields."""

    __tablename__ = "epochs"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[int]
    train_loss: Mapped[float]
    train_accuracy: Mapped[float]
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


def connect() -> Engine:
    """The engine of the store that the environment names, its tables in their present form.

    A store that is not there is made, with the runs whose folders are.

    Raises StoreError where the address is wrong or the database cannot be opened.
    """
    return _engine(read_settings().database_url)


@lru_cache(maxsize=8)
def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        sqlite = parsed.get_backend_name() == "sqlite"
        if sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS} if sqlite else {})
        if sqlite:
            event.listen(engine, "connect", _prepare_sqlite)
        if bring_up_to_date(engine, Base.metadata):
            from digitlab.runs.restore import restore_runs  # it needs the tables of this module

            restore_runs(engine)
    except ArgumentError as e:
        raise StoreError(
            f"DIGITLAB_DATABASE_URL is not a database address: {e}. "
            "An example is sqlite:////data/digitlab.db."
        ) from e
    except (SQLAlchemyError, OSError, ImportError) as e:
        raise StoreError(
            f"The run store {_without_password(url)} cannot be opened ({_reason(e)}). Check that "
            "the folder is writable, or set DIGITLAB_HOME to one that is; a damaged file can be "
            "moved away, and digitlab makes a new one from the runs' folders."
        ) from e
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """WAL lets pages read while a run writes; FULL keeps a committed epoch through power loss."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _without_password(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "(unreadable address)"


def _reason(e: Exception) -> str:
    return " ".join(str(getattr(e, "orig", None) or e).split())[:200]
