"""The form of several runs at once: every combination of some models and values of the recipe."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.jobs.queue import check_room, list_active
from digitlab.runs import store
from digitlab.settings import read_settings
from digitlab.snippets import basics
from digitlab.sweeps.grid import assign, plan_sweep, submit_sweep
from digitlab.ui import page, url
from digitlab.ui.datasets import pick_dataset
from digitlab.ui.labels import model_title, setting_title
from digitlab.ui.model_picker import OWN, pick_models
from digitlab.ui.train.recipe import several_form
from digitlab.ui.train.selected_run import select_sweep
from digitlab.ui.train.start import DOUBLE_CLICK_SECONDS, learns_the_same
from digitlab.words import counted, duration

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.experiment import Experiment
    from digitlab.runs.record import RunRecord
    from digitlab.training.config import TrainConfig

_PARAM = "several"
_RECENT_RUNS = 300
_TWIN = "same-sweep"  # in the session: the active sweep because of which Start asks


def takes_several() -> bool:
    """Whether the form takes several values of each field, which the URL says."""
    return url.get(_PARAM) == "1"


def show_switch() -> None:
    """The switch between a form of one run and of several."""
    url.switch(
        "Several values",
        param=_PARAM,
        help="Each field takes several values, such as 0.1, 0.01, and several models can be "
        "chosen: every combination is trained, and all are watched in one chart.",
    )


def show_several_form(*, primary: bool) -> str:
    """The form of a sweep; the dataset that was chosen."""
    first, second, third = st.columns([4, 9, 4], vertical_alignment="bottom")
    dataset = pick_dataset(first)
    with second:
        models = pick_models()
    description = st.container()
    show_switch()
    if not models:
        description.info("Choose at least one model.", icon=":material/info:")
        return dataset
    try:
        with st.container(key="fields"):
            starts, values = several_form(models, dataset)
        with description:
            experiments = _plan(models, starts, values, dataset)
    except DigitlabError as e:
        page.show_error(e, description.error)
        return dataset
    kind = "primary" if primary else "secondary"
    label = f"Start {counted(len(experiments), 'run')}"
    clicked = third.button(label, type=kind, icon=":material/play_arrow:", width="stretch")
    with description:
        _start_once(experiments, _name(models, values), clicked=clicked)
    _show_code(models, starts, values, dataset)
    return dataset


def _plan(
    models: Sequence[tuple[str, ModelSpec]],
    starts: Sequence[TrainConfig],
    values: Mapping[str, Sequence[Any]],
    dataset: str,
) -> list[Experiment]:
    """The experiments, after saying how many there are, and of what; DigitlabError if they cannot
    be trained.
    """
    specs = [spec for _, spec in models]
    pairs = list(zip(specs, starts, strict=True))
    check_room(len(assign(pairs, values)))  # first: planning many takes a while
    experiments = plan_sweep(pairs, dataset, values)
    counts = [counted(len(models), "model")] if len(models) > 1 else []
    counts += [
        f"{len(options)} values of {setting_title(name)}"
        for name, options in values.items()
        if len(options) > 1
    ]
    reason = f": {' × '.join(counts)}" if counts else ""
    hint = "" if counts else " Write several values, as in 0.1, 0.01, or choose several models."
    seconds = _estimate(experiments)
    time = f" About {duration(seconds)}, by earlier runs." if seconds is not None else ""
    st.caption(f"**{counted(len(experiments), 'run')}**{reason}.{time}{hint}")
    return experiments


def _estimate(experiments: Sequence[Experiment]) -> float | None:
    """Seconds that they will train, by the newest run of each model; None where one has none."""
    per_epoch = {
        (record.model, record.dataset): record.train_seconds / record.epochs_done
        for record in reversed(store.list_records(("finished",), limit=_RECENT_RUNS))
        if record.train_seconds and record.epochs_done
    }
    known = [per_epoch.get((each.spec.name, each.dataset.name)) for each in experiments]
    if None in known:
        return None
    epochs = [each.config.epochs for each in experiments]
    seconds = sum(second * count for second, count in zip(known, epochs, strict=True))
    return max(1.0, seconds / read_settings().max_jobs)


def _name(models: Sequence[tuple[str, ModelSpec]], values: Mapping[str, Sequence[Any]]) -> str:
    """What a sweep is called: what differs between its runs."""
    differing = ["model"] * (len(models) > 1)
    differing += [setting_title(name) for name, options in values.items() if len(options) > 1]
    name = " × ".join(differing)
    if len(models) == 1:
        name = f"{model_title(models[0][1].name)}: {name}" if name else model_title(models[0][0])
    return name[:1].upper() + name[1:]


def _start_once(experiments: Sequence[Experiment], name: str, *, clicked: bool) -> None:
    """Start the sweep if Start was `clicked`; where the same trains already, ask first."""
    if clicked:
        twin = _find_twin(experiments)
        if twin is None:
            _start(experiments, name)
        elif abs(time.time() - twin.created) < DOUBLE_CLICK_SECONDS:
            _watch(twin.data.sweep.id)
        else:
            st.session_state[_TWIN] = twin.data.sweep.id
    if _TWIN in st.session_state:
        _ask_again(experiments, name)


def _find_twin(experiments: Sequence[Experiment]) -> RunRecord | None:
    """The newest run of a sweep that is active and consists of the same experiments."""
    sweeps = {record.data.sweep.id for record in list_active() if record.data.sweep}
    for records in map(store.list_sweep, sweeps):
        pairs = zip(experiments, records, strict=False)
        if len(records) == len(experiments) and all(
            learns_the_same(experiment, record.experiment) for experiment, record in pairs
        ):
            return records[-1]
    return None


def _ask_again(experiments: Sequence[Experiment], name: str) -> None:
    twin = _find_twin(experiments)
    if twin is None or twin.data.sweep.id != st.session_state[_TWIN]:  # ended, or another form
        del st.session_state[_TWIN]
        return
    st.warning(
        "The same runs are training or waiting already: started again, they end with the same "
        "networks.",
        icon=":material/content_copy:",
    )
    with st.container(horizontal=True):
        if st.button("Watch them", icon=":material/visibility:"):
            _watch(twin.data.sweep.id)
        if st.button("Start them once more anyway", icon=":material/play_arrow:"):
            _start(experiments, name)


def _start(experiments: Sequence[Experiment], name: str) -> None:
    """Queue the runs, watch them, and rerun the page."""
    try:
        sweep = submit_sweep(experiments, name)
    except DigitlabError as e:
        page.show_error(e)
        return
    _watch(sweep.id)


def _watch(sweep_id: str) -> None:
    st.session_state.pop(_TWIN, None)
    select_sweep(sweep_id)
    st.rerun()


def _show_code(
    models: Sequence[tuple[str, ModelSpec]],
    starts: Sequence[TrainConfig],
    values: Mapping[str, Sequence[Any]],
    dataset: str,
) -> None:
    recipes = {
        (f"{spec.name}.yaml" if name == OWN else name): start.differing()
        for (name, spec), start in zip(models, starts, strict=True)
    }
    page.code_fold(basics.sweep(recipes, dataset, values))
