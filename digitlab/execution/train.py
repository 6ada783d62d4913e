"""`train`: one experiment carried out here and now, and stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from digitlab.data.load import load_dataset
from digitlab.execution.execute import execute
from digitlab.execution.module_weights import keep_weights_of
from digitlab.execution.prepare import new_record, plan
from digitlab.execution.progress import show_progress
from digitlab.runs import lease
from digitlab.runs.run import Run
from digitlab.training.events import Event

if TYPE_CHECKING:
    from torch import nn

    from digitlab.data.dataset import Dataset
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.experiment import Experiment
    from digitlab.runs.record import Sweep
    from digitlab.training.config import TrainConfig


def train(
    model: str | ModelSpec | nn.Module,
    data: str | Dataset = "mnist",
    config: TrainConfig | None = None,
    *,
    name: str = "",
    progress: bool = True,
    on_event: Callable[[Event], None] | None = None,
    start_from: str | None = None,
    keep_weights: bool = False,
) -> Run:
    """Train `model` (a preset's name, a file, a ModelSpec or your own nn.Module) on `data` and
    return the saved run.

    Shows a progress bar on stderr unless `progress` is False; `on_event` is called with every
    training event. `start_from` is the id of a run of the same architecture whose weights to begin
    with. A module is read by `ModelSpec.from_module` and stays as it is; its weights are drawn anew
    by the recipe's seed, so that the run can be reproduced, or with `keep_weights` are those that
    it has, which are stored as a run of their own to start from. Without a `config`, a preset is
    trained by its own recipe. Ctrl-C stops cleanly: the run is kept with what it learnt. Raises
    SpecError, ConfigError or DatasetError before anything is stored.
    """
    if isinstance(data, str):
        data = load_dataset(data)
    if keep_weights:
        model, start_from = keep_weights_of(model, data, config, name)
    experiment = plan(model, data, config, start_from)
    return carry_out(experiment, data, name=name, progress=progress, on_event=on_event)


def carry_out(
    experiment: Experiment,
    data: Dataset | None = None,
    *,
    name: str = "",
    progress: bool = True,
    on_event: Callable[[Event], None] | None = None,
    sweep: Sweep | None = None,
) -> Run:
    """Carry out a planned experiment here and now, as `train` does; its data is read if need be."""
    record = new_record(experiment, status="running", executor="foreground", name=name, sweep=sweep)
    with lease.holding(record.id), show_progress(record, enabled=progress) as show:

        def tell(event: Event) -> None:
            show(event)
            if on_event:
                on_event(event)

        return execute(record, data, tell)
