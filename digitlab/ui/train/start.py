"""Starting a run from a page."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.data.registry import find_dataset
from digitlab.errors import DigitlabError, SpecError
from digitlab.jobs.compute import requests
from digitlab.jobs.queue import active_runs, enqueue, list_active
from digitlab.models.classical.catalog import classical_kind
from digitlab.settings import read_settings
from digitlab.ui import cached, page, url
from digitlab.ui.compute import compute
from digitlab.ui.labels import model_title
from digitlab.ui.markdown import plain
from digitlab.ui.train.selected_run import select_run

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.experiment import Experiment
    from digitlab.runs.record import RunRecord
    from digitlab.training.config import TrainConfig

DOUBLE_CLICK_SECONDS = 2.0  # two clicks within this time are meant as one
_TWIN = "same-experiment"  # the active run because of which Start asks


def plan_run(spec: ModelSpec, dataset: str, config: TrainConfig) -> Experiment | None:
    """Plan the experiment and show what would be trained; None, and the error, if it cannot be."""
    try:
        experiment = compute(requests.plan, spec, dataset, config)
    except DigitlabError as e:
        page.show_error(e)
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


def start_once(experiment: Experiment, *, clicked: bool) -> None:
    """Start the experiment if Start was `clicked`; where the same trains already, ask first."""
    if clicked:
        twin = _find_twin(experiment)
        if twin is None:
            start(experiment)
        elif abs(time.time() - twin.created) < DOUBLE_CLICK_SECONDS:
            _watch(twin.id)
        else:
            st.session_state[_TWIN] = twin.id
    if _TWIN in st.session_state:
        _ask_again(experiment)


def _find_twin(experiment: Experiment) -> RunRecord | None:
    """A run that waits or trains and will learn exactly the same; None where there is none."""
    active = list_active()
    return next((r for r in active if learns_the_same(experiment, r.experiment)), None)


def learns_the_same(first: Experiment, second: Experiment) -> bool:
    """Whether two experiments end with the same network: also their seeds are equal."""
    seeds = first.config == second.config and first.start_from == second.start_from
    return seeds and first.spec == second.spec and first.same_data(second)


def _ask_again(experiment: Experiment) -> None:
    twin = _find_twin(experiment)
    if twin is None or twin.id != st.session_state[_TWIN]:  # it has ended, or the form was changed
        del st.session_state[_TWIN]
        return
    verb = "is training" if twin.status == "running" else "is waiting in the queue"
    st.warning(
        f"The same experiment {verb} already: another run with this seed will end with the same "
        "network.",
        icon=":material/content_copy:",
    )
    with st.container(horizontal=True):
        if st.button("Watch it", icon=":material/visibility:"):
            _watch(twin.id)
        seed = experiment.config.seed + 1
        if st.button(f"Start with seed {seed}", icon=":material/casino:"):
            url.put("seed", seed)
            start(replace(experiment, config=experiment.config.changed(seed=seed)))
        if st.button("Start it once more anyway", icon=":material/play_arrow:"):
            start(experiment)


def start(experiment: Experiment) -> None:
    """Queue a run of the experiment and select it."""
    try:
        busy = len(active_runs()) >= read_settings().max_jobs
        run_id = enqueue(experiment)
    except DigitlabError as e:
        page.show_error(e)
        return
    if busy:
        st.toast(
            "Another run is training. This run waits in the queue.", icon=":material/hourglass:"
        )
    _watch(run_id)


def _watch(run_id: str) -> None:
    st.session_state.pop(_TWIN, None)
    select_run(run_id)
    st.rerun()
