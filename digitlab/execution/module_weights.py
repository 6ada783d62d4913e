"""The weights that a person's own module has, stored as a run that a training can start from."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from digitlab import files
from digitlab.data.info import INPUT_SHAPE
from digitlab.execution.prepare import new_record, plan
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
    record = new_record(experiment, status="running", executor="foreground", name=name)
    folder = run_folder.run_folder(record.id)
    files.write_tensors(folder / run_folder.WEIGHTS, reading.weights)
    files.write_atomically(folder / run_folder.SPEC, spec.to_yaml())
    message = "The weights that a module had, stored to start from; not trained here."
    store.update_run(record.id, status="stopped", ended=time.time(), message=message)
    return spec, record.id
