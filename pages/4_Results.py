"""Results: one run taken apart."""

import streamlit as st

from digitlab.notebook import snippets
from digitlab.ui import cached, page, results, url
from digitlab.ui.run_picker import pick_run
from digitlab.ui.watch import show_curves
from digitlab.ui.words import SPLIT_NAMES

with page.page(
    page.RESULTS,
    "Results",
    "One run, taken apart: how good it is, how sure that is, and which images it gets wrong.",
):
    choice = st.columns([3, 1])
    with choice[0]:
        run = pick_run()
    if run is None:
        page.missing("There is no run with results yet.", page.TRAIN, "Train a first network")
        st.stop()
    with choice[1]:
        splits = {name: SPLIT_NAMES[name] for name in ("test", "val")}
        split = url.choose("Split", splits, param="on", default="test", widget=st.segmented_control)
    result = cached.evaluation(run, split)

    page.cell(
        run.record.name,
        f"{run.record.model} trained on {run.record.dataset}, seed {run.record.seed}, measured on "
        f"the {SPLIT_NAMES[split].lower()} split. The interval (Wilson) says how far chance in "
        "the choice of images may move the figure.",
    )
    results.show_summary(run, result)
    page.code_fold(snippets.evaluation(run.id, split))

    page.cell(
        "Which digits are taken for which?",
        "Rows are what an image is, columns what the network read. Everything off the diagonal "
        "is a mistake.",
    )
    mode = results.show_confusion(run, result)
    page.code_fold(snippets.confusion(run.id, split, mode))

    page.cell(
        "Mistakes",
        "The most confident mistakes come first: they say most about what the network has "
        "learnt wrongly, or about labels that are wrong themselves.",
    )
    true, read = results.show_mistakes(run, result, split)
    page.code_fold(snippets.mistakes(run.id, split, true, read))

    page.cell(
        "Class by class",
        "Precision: of the images read as this class, how many were. Recall: of the images of "
        "this class, how many were found. F1 is their harmonic mean; support is how many there "
        "are.",
    )
    results.show_classes(result)
    page.code_fold(snippets.per_class(run.id, split))

    page.cell("How it learnt")
    show_curves(run.id, run.history, best_epoch=run.record.best_epoch)
    page.code_fold(snippets.curves(run.id))
