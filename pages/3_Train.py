"""Train: start a run, watch it learn, stop it."""

import streamlit as st

from digitlab.models.classical.catalog import classical_kind
from digitlab.snippets import basics
from digitlab.ui import page
from digitlab.ui.datasets import pick_dataset
from digitlab.ui.model_picker import OWN, pick_model
from digitlab.ui.train.recipe import recipe_form
from digitlab.ui.train.reproduce import show_reproductions
from digitlab.ui.train.selected_run import followed_run
from digitlab.ui.train.start import check_start, start
from digitlab.ui.train.tab_visibility import is_visible
from digitlab.ui.train.watch import show_lists, watch

with page.page(
    page.TRAIN,
    "Train",
    "Choose data, a network and a recipe, and watch the network learn. A run has a process of its "
    "own: nothing you do in the browser can lose it.",
):
    page.cell("What to train")
    choice = st.columns(2)
    with choice[0]:
        dataset = pick_dataset()
    with choice[1]:
        model, spec = pick_model()
    config = recipe_form(model, classical=classical_kind(spec) is not None)
    if config:
        if check_start(spec, dataset, config) and st.button(
            "Start training", type="primary", icon=":material/play_arrow:"
        ):
            start(spec, dataset, config)
        recipe = config.differing()
        if model == OWN:
            page.code_fold(basics.training_of_spec(spec.to_yaml(), dataset, recipe))
        else:
            page.code_fold(basics.training(model, dataset, recipe))

    run_id, seen = followed_run(), is_visible()
    if run_id:
        page.cell(
            "Watch it learn",
            "Training loss falls first; validation says whether what is learnt holds for digits "
            "that the network has never seen.",
        )
        watch(run_id, seen=seen)
        page.code_fold(basics.curves(run_id))
    show_lists(aside=bool(run_id), seen=seen)
    show_reproductions(dataset)
