"""A run's learning curves: fixed ones on Results, and ones that update while it trains."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from digitlab.figures import training as figures
from digitlab.runs.run import Run, open_run
from digitlab.ui import shared_views
from digitlab.ui.live_charts import LiveChart, as_json, show_live_charts

UPDATE_SECONDS = 2.0
_ALT = {
    "loss": "Training loss per step and validation loss per epoch.",
    "accuracy": "Training and validation accuracy per epoch.",
    "rate": "Learning rate per step.",
    "speed": "Images per second.",
    "gradient": "Norm of the gradient per step.",
}


def show_curves(run: Run) -> None:
    """Show the learning curves of a run that does not change."""
    record = run.record
    version = (record.status, record.step, record.ended)
    for i, (name, figure) in enumerate(shared_views.draw_once(run.id, version, _draw)):
        if i % 2 == 0:
            columns = st.columns(2)  # two charts a row: a phone shows them in the same order
        columns[i % 2].plotly_chart(figure, key=f"curve:{name}", alt=_ALT[name])


def watch_curves(run: Run) -> None:
    """Show the learning curves as charts that keep their place, zoom and hover while they grow."""
    record = run.record
    # While it trains, all visitors see the same charts for some seconds.
    version = (
        shared_views.read_progress(run.id)
        if record.active
        else (record.status, record.step, record.ended)
    )
    show_live_charts("curves", shared_views.draw_once(run.id, version, _draw_live))


def _draw_live(run_id: str) -> list[LiveChart]:
    return [LiveChart(name, _ALT[name], as_json(figure)) for name, figure in _draw(run_id)]


def _draw(run_id: str) -> list[tuple[str, go.Figure]]:
    run = open_run(run_id)
    steps, epochs = run.history.steps, run.history.epochs
    charts = [
        ("loss", figures.loss_curve(steps, epochs, title=run.config.loss_title)),
    ]
    if run.task == "classify":
        accuracy = figures.accuracy_curve(epochs, best_epoch=run.record.best_epoch)
        charts.append(("accuracy", accuracy))
    if not steps or any(step["learning_rate"] for step in steps):  # a classical model has no rate
        charts += [
            ("rate", figures.learning_rate_curve(steps)),
            ("speed", figures.speed_curve(steps)),
        ]
        if any(step["grad_norm"] for step in steps):
            charts.append(("gradient", figures.gradient_norm_curve(steps)))
    for _, figure in charts:
        figure.update_layout(uirevision=run_id)  # zoom is reset only for another run
    return charts
