"""The classic comparison: two hidden layers of 16 or 64 units with sigmoid or ReLU, as a sweep."""

from __future__ import annotations

import streamlit as st

from digitlab.data.registry import dataset_title
from digitlab.errors import DigitlabError
from digitlab.models.presets import load_preset
from digitlab.runs import store
from digitlab.runs.record import RunRecord
from digitlab.sweeps.grid import plan_sweep, submit_sweep
from digitlab.training.config import TrainConfig
from digitlab.ui import page
from digitlab.ui.train.default_recipe import default_recipe
from digitlab.ui.train.selected_run import select_sweep
from digitlab.words import ago

CLASSIC = tuple(
    f"two-hidden-{size}-{activation}" for size in (16, 64) for activation in ("sigmoid", "relu")
)
NAME = "The classic four"
_RECENT_RUNS = 1_000


def offer_classic(dataset: str, *, key: str, sentence: bool = False) -> None:
    """A button that trains the four and shows them on Train, and a link to those of last time.

    Each has its own recipe, and training, validation and test accuracy after every epoch. A
    `sentence` beside the button says what they are.
    """
    last = last_classic(dataset)
    training = last is not None and last.active
    with st.container(
        horizontal=True, vertical_alignment="center", width="stretch" if sentence else "content"
    ):
        if not training and st.button(
            "Train the classic four",
            key=f"classic:{key}",
            icon=":material/stacked_line_chart:",
            help=f"Two hidden layers of 16 or 64 units, with sigmoid or ReLU, on "
            f"{dataset_title(dataset)}: which matters more, width or activation?",
        ):
            _train(dataset)
        if sentence and last is None:
            st.caption("Four networks in one chart: does width matter more, or the activation?")
        if last is not None:
            st.page_link(
                page.TRAIN,
                label="Watch the classic four"
                if training
                else f"The last four, {ago(last.created)}",
                icon=":material/stacked_line_chart:" if training else ":material/history:",
                query_params={"sweep": last.data.sweep.id},
            )


def _train(dataset: str) -> None:
    try:
        sweep = submit_sweep(plan_sweep(list(classic_recipes(dataset).items()), dataset, {}), NAME)
    except DigitlabError as e:
        page.show_error(e, st.toast)
        return
    select_sweep(sweep.id)
    st.switch_page(page.TRAIN, query_params={"sweep": sweep.id, "dataset": dataset})


def classic_recipes(dataset: str) -> dict[str, TrainConfig]:
    """The name of each of the four networks, and its recipe on this dataset."""
    recipes = {name: default_recipe(name, load_preset(name).spec, dataset) for name in CLASSIC}
    return {name: recipe.changed(test_curve=True) for name, recipe in recipes.items()}


def last_classic(dataset: str) -> RunRecord | None:
    """A run of the newest classic sweep on this dataset; one that is active, if any is."""
    records = store.list_records(limit=_RECENT_RUNS, search="two-hidden")
    sweeps = (r.data.sweep for r in records if r.dataset == dataset and r.data.sweep)
    newest = next((sweep for sweep in sweeps if sweep.name == NAME), None)
    if newest is None:
        return None
    return max(store.list_sweep(newest.id), key=lambda record: record.active)
