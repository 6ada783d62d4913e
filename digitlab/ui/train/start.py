"""Starting a run from a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.data.registry import find_dataset
from digitlab.errors import DigitlabError, SpecError
from digitlab.jobs.queue import active_runs, enqueue
from digitlab.models.classical.catalog import classical_kind
from digitlab.settings import read_settings
from digitlab.ui import cached, page
from digitlab.ui.labels import model_title
from digitlab.ui.markdown import plain
from digitlab.ui.train.selected_run import select_run

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.experiment import Experiment
    from digitlab.training.config import TrainConfig


def plan_run(spec: ModelSpec, dataset: str, config: TrainConfig) -> Experiment | None:
    """Plan the experiment and show what would be trained; None, and the error, if it cannot be."""
    from digitlab.execution.prepare import plan

    try:
        experiment = plan(spec, dataset, config)
    except DigitlabError as e:
        st.error(str(e), icon=":material/error:")
        if isinstance(e, SpecError):
            st.page_link(
                page.ARCHITECTURE,
                label="Fix it on the Architecture page",
                icon=page.ICONS[page.ARCHITECTURE],
            )
        return None
    _describe(experiment)
    return experiment


def _describe(experiment: Experiment) -> None:
    spec, config, split = experiment.spec, experiment.config, experiment.dataset
    title, info = plain(model_title(spec.name)), find_dataset(split.name)
    images = info.train_size - round(info.train_size * split.val_fraction)
    data = f"{min(images, config.subset or images):,} training images of {info.title}"
    if classical_kind(spec):
        st.caption(
            f"**{title}** will be fitted to {data}. Its number of parameters depends on them."
        )
        return
    summary = cached.summarize(spec)
    epochs = f"{config.epochs} epoch{'s' if config.epochs != 1 else ''}"
    st.caption(
        f"**{title}** has {summary.parameters:,} parameters and will be trained on {data} for "
        f"{epochs}."
    )
    for note in summary.notes:
        st.caption(plain(note))


def start(experiment: Experiment) -> None:
    """Queue a run of the experiment and select it."""
    try:
        busy = len(active_runs()) >= read_settings().max_jobs
        run_id = enqueue(experiment)
    except DigitlabError as e:
        st.error(str(e), icon=":material/error:")
        return
    if busy:
        st.toast(
            "Another run is training. This run waits in the queue.", icon=":material/hourglass:"
        )
    select_run(run_id)
    st.rerun()
