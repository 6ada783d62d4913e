"""The learning curves of the run."""

from __future__ import annotations

import streamlit as st

from digitlab.models.classical.catalog import classical_kind
from digitlab.snippets import basics
from digitlab.ui import page
from digitlab.ui.learning_curves import show_curves
from digitlab.ui.results.view import View


def show(view: View) -> None:
    """Show loss, accuracy, learning rate and speed during the training."""
    run = view.run
    page.cell(
        "Learning curves",
        "A classical model is fitted in one step: its loss and accuracy are points, not curves."
        if classical_kind(run.spec) and run.record.epochs_done < 2
        else f"{'Loss and accuracy' if run.task == 'classify' else 'The reconstruction error'} "
        "during the training, the learning rate of each step, and the speed in images per second.",
    )
    history = run.history
    if not history.steps and not history.epochs:
        st.info("No learning curves were saved with this run.", icon=":material/show_chart:")
    else:
        show_curves(run)
    page.code_fold(basics.curves(run.id))
