"""Planning an experiment: it is checked whole before anything is stored or allocated."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from digitlab import owners
from digitlab.data.info import DIGITS
from digitlab.data.registry import find_dataset
from digitlab.errors import ConfigError, SpecError
from digitlab.execution.initial_weights import (
    check_initial_weights,
    inherited_abstention,
    inherited_normalization,
)
from digitlab.models.build import check_fits, summarize
from digitlab.models.classical.catalog import classical_args, classical_kind
from digitlab.models.load import known_recipe, load_model
from digitlab.models.presets import presets_by_name
from digitlab.models.spec import ModelSpec
from digitlab.runs import store
from digitlab.runs.disk import check_disk
from digitlab.runs.experiment import DatasetSplit, Experiment, divide
from digitlab.runs.record import RunData, RunRecord, new_run_id
from digitlab.training.config import TrainConfig
from digitlab.training.devices import check_devices
from digitlab.training.loss import check_loss

if TYPE_CHECKING:
    from torch import nn

    from digitlab.data.dataset import Dataset
    from digitlab.runs.record import Status, Sweep


def plan(
    model: str | ModelSpec | nn.Module,
    data: str | Dataset | DatasetSplit,
    config: TrainConfig | None = None,
    start_from: str | None = None,
) -> Experiment:
    """The experiment, after checking that it can be carried out.

    `model` is a preset's name, a file or a ModelSpec. `data` is a dataset's name, one that is
    loaded, or the split of another experiment; the recipe's `val_fraction` overrides theirs.
    Without a `config` a preset is trained by its own recipe. A preset as it is, and a library's
    model, are fitted to the dataset's images and its number of classes. It starts from the weights
    of the run `start_from`. Raises SpecError where the architecture does not fit the dataset or the
    limits, ConfigError where the recipe's device is not on a machine that trains its own runs,
    DatasetError for an unknown dataset, and RunError where the weights do not fit.
    """
    spec = load_model(model)
    config = config or TrainConfig.from_dict({**known_recipe(spec), **known_recipe(model)})
    split = divide(data, config)
    _check_validation(data, split, config)
    classes = len(split.classes) if config.task == "classify" else None
    shape = _input_shape(data, split)
    if (shape, classes or len(DIGITS)) != (spec.input, len(DIGITS)) and _is_known(spec):
        spec = spec.for_data(shape, len(split.classes))
    summary = check_fits(spec, shape, classes, batch_size=config.batch_size)
    check_loss(spec, config)
    if not summary.trainable and classical_kind(spec) is None:
        raise SpecError(f"{spec.name} has no weights to learn; add a Linear or a convolution.")
    check_devices(config)
    if start_from is not None:
        check_initial_weights(start_from, spec)
    return Experiment(spec, split, config, start_from)


def _input_shape(data: str | Dataset | DatasetSplit, split: DatasetSplit) -> tuple[int, int, int]:
    """Channels, height and width of the dataset's images."""
    by_name = isinstance(data, str | DatasetSplit)
    return find_dataset(split.name).shape if by_name else data.input_shape


def _is_known(spec: ModelSpec) -> bool:
    """Whether the architecture is a preset as it is, or a library's model alone: for digits."""
    preset = presets_by_name().get(spec.name)
    if preset is not None:
        return preset.spec == spec
    return len(spec.layers) == 1 and "/" in spec.layers[0].type


def _check_validation(
    data: str | Dataset | DatasetSplit, split: DatasetSplit, config: TrainConfig
) -> None:
    """ConfigError where the recipe needs the validation accuracy and no image is left for it."""
    by_name = isinstance(data, str | DatasetSplit)
    images = find_dataset(split.name).train_size if by_name else len(data.train) + len(data.val)
    needed = config.early_stopping or config.keep == "best"
    if needed and not round(images * split.val_fraction):
        raise ConfigError(
            "early_stopping and keep 'best' need the validation accuracy, but a val_fraction of "
            f"{split.val_fraction:g} leaves no image of {images:,} for validation; use a "
            "larger one, such as 0.1.",
            field="val_fraction",
        )


def new_record(experiment: Experiment, **values: Any) -> RunRecord:
    """The record of a run that is to carry out `experiment`, stored; see `make_record`."""
    check_disk()
    record = make_record(experiment, **values)
    (store.begin_run if record.status == "running" else store.add_run)(record)
    return record


def make_record(
    experiment: Experiment,
    *,
    status: Status,
    executor: str,
    name: str = "",
    parent: str | None = None,
    sweep: Sweep | None = None,
) -> RunRecord:
    """The record of a run of `experiment`, which is not stored yet."""
    spec, config, split = experiment.spec, experiment.config, experiment.dataset
    data = {
        "classes": list(split.classes),
        "val_fraction": split.val_fraction,
        "split_seed": split.split_seed,
    }
    start_from = experiment.start_from
    if start_from is not None:
        data |= {
            "start_from": start_from,
            **inherited_abstention(start_from, split.classes),
            **inherited_normalization(start_from),
        }
    if sweep is not None:
        data["sweep"] = sweep.model_dump()
    classical = classical_kind(spec)
    return RunRecord(
        id=new_run_id(spec.name),
        name=name.strip()[:120] or spec.name,
        model=spec.name,
        dataset=split.name,
        status=status,
        executor=executor,
        spec=spec.to_dict(),
        config=config.model_dump(),
        data=RunData(**data),
        parameters=summarize(spec).parameters,
        seed=config.seed,
        epochs=config.epochs if classical is None else classical.epochs(classical_args(spec)),
        created=time.time(),
        parent=parent or start_from,
        started=time.time() if status == "running" else None,
        owner=owners.new_owner(),
    )
