"""The form of a search: which fields take which values, how they are chosen, for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.jobs.queue import check_room
from digitlab.snippets import basics
from digitlab.sweeps.grid import MOST
from digitlab.sweeps.search import TRIALS, Search, make_search
from digitlab.sweeps.sweep import start_sweep
from digitlab.training.config import TrainConfig
from digitlab.ui import page, url
from digitlab.ui.compute import compute
from digitlab.ui.labels import model_title
from digitlab.ui.model_picker import OWN
from digitlab.ui.train.field_search import FieldSearch, field_title
from digitlab.ui.train.selected_run import select_sweep
from digitlab.words import counted

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from digitlab.models.spec import ModelSpec

_PARAM = "search"
_METHODS = {"tpe": "TPE", "random": "At random", "grid": "Every combination"}
_PRUNING = {"none": "Never", "median": "Below the median", "asha": "Not in the best third (ASHA)"}


def searches() -> bool:
    """Whether the form is that of a search, which the URL says."""
    return url.get(_PARAM) == "1"


def show_search_switch() -> None:
    """The switch between a form of one run and of a search around it."""
    url.switch(
        "Search",
        param=_PARAM,
        help="Fields of the recipe and arguments of layers are searched for the best by "
        "validation. Each field below then has a box Search; the others keep their value.",
    )


def show_search(
    model: str,
    spec: ModelSpec,
    dataset: str,
    config: TrainConfig,
    fields: FieldSearch,
    start_place: DeltaGenerator,
    *,
    primary: bool,
) -> None:
    """How a search around this recipe goes on, and the button that starts it."""
    st.markdown("**Search**")
    fields.ask_layers(spec)
    space, settings = fields.space, _ask_settings()
    if not space:
        text = "Tick Search below a field, or choose an argument of a layer."
        st.info(text, icon=":material/info:")
        return
    searched = " × ".join(field_title(field, spec) for field in space)
    title = f"{model_title(spec.name)}: {searched}"[:120]
    try:
        check_room()
        search = compute(make_search, spec, dataset, space, config, name=title, **settings)
    except DigitlabError as e:
        page.show_error(e)
        return
    seeds = counted(search.seeds, "other seed")
    end = f"The best is trained with {seeds}, whose test accuracy alone is told."
    st.caption(
        f"Up to **{counted(search.trials, 'trial')}**, compared on the validation images. "
        + end * (search.seeds > 0)
    )
    kind = "primary" if primary else "secondary"
    icon = ":material/travel_explore:"
    if start_place.button("Start search", type=kind, icon=icon, width="stretch"):
        _start(search)
    name = f"{spec.name}.yaml" if model == OWN else model
    page.code_fold(basics.search(name, dataset, space, config.differing(), settings))


def _start(search: Search) -> None:
    try:
        sweep_id = start_sweep(search)
    except DigitlabError as e:
        page.show_error(e)
        return
    select_sweep(sweep_id)
    st.rerun()


def _ask_settings() -> dict[str, Any]:
    first, second, third, fourth, fifth = st.columns([3, 3, 2, 2, 2], vertical_alignment="bottom")
    with first:
        method = url.choose(
            "Values are drawn", _METHODS, param="draws", default="tpe",
            help="TPE draws more of what did well in earlier trials. Every combination is for "
            "lists and ranges with a step.",
        )  # fmt: skip
    with second:
        pruning = url.choose(
            "A trial is ended early", _PRUNING, param="pruning", default="median",
            help="After an epoch, by its validation compared with that of earlier trials.",
        )  # fmt: skip
    with third:
        is_grid = method == "grid"  # which has as many as there are combinations
        trials = url.number(
            "Trials", param="trials", default=TRIALS, low=1, high=MOST, disabled=is_grid
        )
    with fourth:
        minutes = url.number(
            "Minutes (0: any)", param="minutes", default=0, low=0, high=100_000,
            help="Of training, all trials together: after them none begins any more.",
        )  # fmt: skip
    with fifth:
        seeds = url.number(
            "Seeds of the best", param="finals", default=3, low=0, high=20,
            help="With which the best configuration is trained at the end.",
        )  # fmt: skip
    settings = {"method": method, "pruning": pruning, "seeds": seeds}
    settings |= {} if is_grid else {"trials": trials}
    return settings | ({"minutes": minutes} if minutes else {})
