"""The weights that a person's own module has, stored as a run that a training can start from."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from digitlab import files
from digitlab.data.info import INPUT_SHAPE
from digitlab.execution.prepare import make_record, plan
from digitlab.models.modules.read import read_module
from digitlab.models.spec import ModelSpec
from digitlab.runs import run_folder, store

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset
    from digitlab.training.config import TrainConfig


def keep_weights_of(
    module: object, data: Dataset, config: TrainConfig | None, name: str = ""
) -> tuple[ModelSpec, str]:
    """The architecture of an nn.Module, and the id of a run that holds the weights it has now.

    Raises SpecError for anything else, and for a module that is no architecture for the data.
    """
    reading = read_module(module, INPUT_SHAPE)
    spec = ModelSpec(name=reading.name, input=INPUT_SHAPE, layers=reading.layers)
    experiment = plan(spec, data, config)
    message = "Weights of your module, before training: what its training starts from."
    record = make_record(experiment, status="stopped", executor="foreground",
                         name=f"{name or reading.name}, before training")  # fmt: skip
    record = record.changed(started=record.created, ended=time.time(), message=message)
    store.find_ids(record.id)  # a store that is new reads the folders that are there: not this one
    folder = run_folder.run_folder(record.id)
    try:
        files.write_tensors(folder / run_folder.WEIGHTS, reading.weights)
        files.write_atomically(folder / run_folder.SPEC, spec.to_yaml())
        run_folder.write_record(record)
        store.add_run(record)
    except Exception:
        run_folder.remove_folder(record.id)
        raise
    return spec, record.id
