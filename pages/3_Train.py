"""Train: start a run, watch it learn, stop it."""

import streamlit as st

from digitlab.ui import page
from digitlab.ui.train.form import show_form
from digitlab.ui.train.polling import keep_polling
from digitlab.ui.train.reproduce import show_reproductions
from digitlab.ui.train.run_lists import show_runs
from digitlab.ui.train.search_progress import open_search, watch_search
from digitlab.ui.train.selected_run import selected_run, selected_sweep
from digitlab.ui.train.sweep import open_sweep, show_sweep_link, watch_sweep
from digitlab.ui.train.tab_visibility import is_visible
from digitlab.ui.train.watch import open_watched, watch_run

sweep_id = selected_sweep()
selected = selected_run()
with page.page(
    page.TRAIN,
    "Train",
    ""
    if selected or sweep_id
    else "Choose a dataset, a model and a recipe, and watch the network learn.",
):
    cells, visible = st.container(), is_visible()  # which is a component and takes room
    with cells, page.guard():
        watched, search = open_watched(selected), open_search(sweep_id)
        sweep = open_sweep(None if search else sweep_id)
        with page.guard():  # a run that cannot be shown leaves the rest of the page
            if watched:
                show_sweep_link(watched.record)
                watch_run(watched, visible=visible)
            elif search:
                watch_search(search, visible=visible)
            elif sweep:
                watch_sweep(sweep, visible=visible)
        watching = bool(watched or search or sweep)
        dataset = show_form(folded=watching)
        show_runs(below_run=watching, visible=visible)
        show_reproductions(dataset)
        keep_polling(dataset, selected, visible=visible)
