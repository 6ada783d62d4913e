"""The form of a run: dataset, model and recipe, what they would train, and the button that does."""

from __future__ import annotations

import streamlit as st

from digitlab.data.registry import dataset_title, default_dataset
from digitlab.models.classical.catalog import classical_kind
from digitlab.snippets import basics
from digitlab.ui import page, url
from digitlab.ui.classic import offer_classic
from digitlab.ui.datasets import pick_dataset
from digitlab.ui.labels import model_title
from digitlab.ui.markdown import plain
from digitlab.ui.model_picker import DEFAULT, OWN, pick_model
from digitlab.ui.train.field_search import FieldSearch
from digitlab.ui.train.recipe import recipe_form
from digitlab.ui.train.search_form import searches, show_search, show_search_switch
from digitlab.ui.train.several import show_several_form, show_switch, takes_several
from digitlab.ui.train.start import plan_run, start_once


def show_form(*, folded: bool) -> str:
    """The form, `folded` below a run that is watched; the dataset that was chosen."""
    if not folded:
        page.cell("What to train")
        return _show_form(primary=True)
    with st.expander(f"Train another: {_next()}", icon=":material/add:"):
        return _show_form(primary=False)


def _next() -> str:
    """What the form would train, in plain text."""
    model, *more = (url.get("model") or DEFAULT).split(",")
    title = "your own network" if model == OWN else model_title(model)
    if more and takes_several():
        title = f"{len(more) + 1} models"
    return plain(f"{title} on {dataset_title(url.get('dataset') or default_dataset())}")


def _show_form(*, primary: bool) -> str:
    if takes_several():
        return show_several_form(primary=primary)
    first, second, third = st.columns([6, 6, 5], vertical_alignment="bottom")
    dataset = pick_dataset(first)
    with second:
        model, spec = pick_model()
    description = st.container()  # beside the button, which a phone shows above the recipe
    with st.container(horizontal=True, vertical_alignment="center"):
        show_switch()
        show_search_switch()
        offer_classic(dataset, key="train")
    classical = classical_kind(spec) is not None
    fields = None
    if searches():
        fields = FieldSearch([] if classical else None)
    with st.container(key="fields"):
        config = recipe_form(model, spec, dataset, classical=classical, search=fields)
    if not config:
        return dataset
    if fields:
        show_search(model, spec, dataset, config, fields, third, primary=primary)
        return dataset
    with description:
        experiment = plan_run(spec, dataset, config)
    if experiment:
        kind, icon = "primary" if primary else "secondary", ":material/play_arrow:"
        clicked = third.button("Start training", type=kind, icon=icon, width="stretch")
        with description:
            start_once(experiment, clicked=clicked)
    recipe = config.differing()
    if model == OWN:
        page.code_fold(basics.training_of_spec(spec.to_yaml(), dataset, recipe))
    else:
        page.code_fold(basics.training(model, dataset, recipe))
    return dataset
