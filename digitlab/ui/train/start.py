"""Starting a run from a page."""

from __future__ import annotations

import streamlit as st

from digitlab.data.info import INPUT_SHAPE
from digitlab.data.registry import find_dataset
from digitlab.errors import DigitlabError, SpecError
from digitlab.jobs.queue import active_runs, submit
from digitlab.models.classical.catalog import classical_kind
from digitlab.models.spec import ModelSpec
from digitlab.settings import read_settings
from digitlab.training.config import TrainConfig
from digitlab.ui import cached, page
from digitlab.ui.labels import model_title
from digitlab.ui.markdown import plain
from digitlab.ui.train.selected_run import select_run


def check_start(spec: ModelSpec, dataset: str, config: TrainConfig) -> bool:
    """Show what would be trained; whether it can be."""
    from digitlab.models.build import check_fits

    info = find_dataset(dataset)
    try:
        check_fits(spec, INPUT_SHAPE, len(info.classes), batch_size=config.batch_size)
        parameters = cached.summarize(spec).parameters
    except SpecError as e:
        st.error(str(e), icon=":material/error:")
        st.page_link(
            page.ARCHITECTURE,
            label="Fix it on the Architecture page",
            icon=page.ICONS[page.ARCHITECTURE],
        )
        return False
    title = plain(model_title(spec.name))
    images = round(info.train_size * (1 - (config.val_fraction or 0)))
    images = min(images, config.subset or images)
    data = f"{images:,} training images of {info.title}"
    if classical_kind(spec):
        st.caption(
            f"**{title}** will be fitted to {data}. Its number of parameters depends on them."
        )
        return True
    epochs = f"{config.epochs} epoch{'s' if config.epochs != 1 else ''}"
    st.caption(
        f"**{title}** has {parameters:,} parameters and will be trained on {data} for {epochs}."
    )
    return True


def start(spec: ModelSpec, dataset: str, config: TrainConfig) -> None:
    """Queue the run and select it."""
    try:
        busy = len(active_runs()) >= read_settings().max_jobs
        run_id = submit(spec, dataset, config)
    except DigitlabError as e:
        st.error(str(e), icon=":material/error:")
        return
    if busy:
        st.toast(
            "Another run is training. This run waits in the queue.", icon=":material/hourglass:"
        )
    select_run(run_id)
    st.rerun()
