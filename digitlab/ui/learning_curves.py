"""A run's learning curves: still ones of its results, and ones that grow while it trains."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from digitlab.figures import training as figures
from digitlab.runs.run import Run, open_run
from digitlab.ui import shared_views
from digitlab.ui.live_charts import Moving, as_json, moving_charts

GROW_SECONDS = 2.0
_ALT = {
    "loss": "Training loss per step and validation loss per epoch.",
    "accuracy": "Training and validation accuracy per epoch.",
    "rate": "Learning rate per step.",
    "speed": "Images per second.",
    "gradient": "Length of the gradient per step.",
}


def show_curves(run: Run) -> None:
    """The learning curves of a run as it is."""
    record = run.record
    moment = (record.status, record.step, record.ended)
    for place, (name, figure) in enumerate(shared_views.drawn(run.id, moment, _draw)):
        if place % 2 == 0:
            columns = st.columns(2)  # a row each: a phone shows them in their order, too
        columns[place % 2].plotly_chart(figure, key=f"curve:{name}", alt=_ALT[name])


def watch_curves(run: Run) -> None:
    """The same in charts that keep their place, zoom and pointer while they grow."""
    record = run.record
    # While it trains, all who look within some seconds are shown the same charts.
    moment = (
        shared_views.moment(run.id) if record.active else (record.status, record.step, record.ended)
    )
    moving_charts("curves", shared_views.drawn(run.id, moment, _moving))


def _moving(run_id: str) -> list[Moving]:
    return [Moving(name, _ALT[name], as_json(figure)) for name, figure in _draw(run_id)]


def _draw(run_id: str) -> list[tuple[str, go.Figure]]:
    run = open_run(run_id)
    steps, epochs = run.history.steps, run.history.epochs
    charts = [
        ("loss", figures.loss_curve(steps, epochs)),
        ("accuracy", figures.accuracy_curve(epochs, best_epoch=run.record.best_epoch)),
    ]
    if not steps or any(step["learning_rate"] for step in steps):  # not of a fit
        charts += [
            ("rate", figures.learning_rate_curve(steps)),
            ("speed", figures.speed_curve(steps)),
        ]
        if any(step["grad_norm"] for step in steps):
            charts.append(("gradient", figures.gradient_norm_curve(steps)))
    for _, figure in charts:
        figure.update_layout(uirevision=run_id)  # another run begins with a view of its own
    return charts
