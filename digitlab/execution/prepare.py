"""Preparing a run: an experiment is checked whole before anything is stored or allocated."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from digitlab.data.info import INPUT_SHAPE, SPLIT_SEED, VAL_FRACTION, DatasetInfo
from digitlab.data.registry import find_dataset
from digitlab.errors import ConfigError, SpecError
from digitlab.execution.initial_weights import check_start, inherited
from digitlab.models.build import check_fits
from digitlab.models.classical.catalog import classical_args, classical_kind
from digitlab.models.load import load_model
from digitlab.models.spec import ModelSpec
from digitlab.runs import store
from digitlab.runs.record import RunRecord, new_run_id
from digitlab.training.config import TrainConfig
from digitlab.training.devices import pick_device

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset
    from digitlab.runs.record import Status


def new_record(
    model: str | ModelSpec,
    data: str | Dataset,
    config: TrainConfig,
    *,
    status: Status,
    executor: str,
    name: str = "",
    parent: str | None = None,
    start_from: str | None = None,
) -> RunRecord:
    """The record of a run to come, stored. It begins with the weights of the run `start_from`.

    Raises SpecError where the architecture does not fit the dataset or the limits, ConfigError
    where the recipe's device is not there, DatasetError for an unknown dataset.
    """
    spec = load_model(model)
    info = find_dataset(data) if isinstance(data, str) else data.info
    summary = check_fits(spec, INPUT_SHAPE, len(info.classes), batch_size=config.batch_size)
    classical = classical_kind(spec)
    if not summary.trainable and classical is None:
        raise SpecError(f"{spec.name} has no weights to learn; add a Linear or a convolution.")
    pick_device(config.device)
    split = _describe(info, None if isinstance(data, str) else data, config)
    if start_from is not None:
        check_start(start_from, spec)
        split |= {"start_from": start_from, **inherited(start_from, info.classes)}
    record = RunRecord(
        id=new_run_id(spec.name),
        name=name.strip()[:120] or spec.name,
        model=spec.name,
        dataset=info.name,
        status=status,
        executor=executor,
        spec=spec.to_dict(),
        config=config.model_dump(),
        data=split,
        parameters=summary.parameters,
        seed=config.seed,
        epochs=config.epochs if classical is None else classical.epochs(classical_args(spec)),
        created=time.time(),
        parent=parent or start_from,
        started=time.time() if status == "running" else None,
    )
    store.add_run(record)
    return record


def _describe(info: DatasetInfo, data: Dataset | None, config: TrainConfig) -> dict[str, object]:
    """The split that the run uses; a loaded dataset's own where the recipe leaves it open."""
    fraction = config.val_fraction
    if fraction is None:
        fraction = data.val_fraction if data else VAL_FRACTION
    images = len(data.train) + len(data.val) if data else info.train_size
    if not round(images * fraction) and (config.early_stopping or config.keep == "best"):
        raise ConfigError(
            "early_stopping and keep 'best' judge by validation accuracy, but a val_fraction of "
            f"{fraction:g} leaves no image of {images:,} to validate with; use more, such as 0.1.",
            field="val_fraction",
        )
    return {
        "classes": list(info.classes),
        "val_fraction": fraction,
        "split_seed": data.split_seed if data else SPLIT_SEED,
    }
