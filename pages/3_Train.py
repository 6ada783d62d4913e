"""Train: start a run, watch it learn, stop it."""

import streamlit as st

from digitlab.models.classical.catalog import classical_kind
from digitlab.snippets import basics
from digitlab.ui import page
from digitlab.ui.datasets import pick_dataset
from digitlab.ui.model_picker import OWN, pick_model
from digitlab.ui.train.recipe import recipe_form
from digitlab.ui.train.reproduce import show_reproductions
from digitlab.ui.train.selected_run import selected_run
from digitlab.ui.train.start import plan_run, start
from digitlab.ui.train.tab_visibility import is_visible
from digitlab.ui.train.watch import show_runs, watch_run

with page.page(
    page.TRAIN,
    "Train",
    "Choose a dataset, a model and a recipe, and watch the network learn. A run trains in its own "
    "process: nothing you do in the browser can lose it.",
):
    page.cell("What to train")
    choice = st.columns(2)
    with choice[0]:
        dataset = pick_dataset()
    with choice[1]:
        model, spec = pick_model()
    config = recipe_form(model, spec, classical=classical_kind(spec) is not None)
    if config:
        experiment = plan_run(spec, dataset, config)
        if experiment and st.button("Start training", type="primary", icon=":material/play_arrow:"):
            start(experiment)
        recipe = config.differing()
        if model == OWN:
            page.code_fold(basics.training_of_spec(spec.to_yaml(), dataset, recipe))
        else:
            page.code_fold(basics.training(model, dataset, recipe))

    run_id, visible = selected_run(), is_visible()
    if run_id:
        page.cell(
            "Watch it learn",
            "The training loss falls first. Validation shows how good the network's answers are on "
            "images that it was not trained on.",
        )
        watch_run(run_id, visible=visible)
        page.code_fold(basics.curves(run_id))
    show_runs(below_run=bool(run_id), visible=visible)
    show_reproductions(dataset)
