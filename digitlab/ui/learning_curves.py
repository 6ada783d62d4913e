"""A run's learning curves: fixed ones on Results, and ones that update while it trains."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from digitlab.figures import training as figures
from digitlab.runs.run import Run, open_run
from digitlab.ui import shared_views
from digitlab.ui.chart import show_chart
from digitlab.ui.live_charts import LiveChart, show_live_charts

UPDATE_SECONDS = 2.0
_MAIN = ("accuracy", "loss")  # the others are for those who look for a reason
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
        with columns[i % 2]:
            show_chart(figure, key=f"curve:{name}", alt=_ALT[name])


def watch_curves(run: Run) -> None:
    """Show accuracy and loss as charts that keep their place, zoom and hover while they grow."""
    show_live_charts("curves", [chart for chart in _live_charts(run) if chart.name in _MAIN])
    st.caption(
        "The training loss falls first. Validation shows how good the network is on images that "
        "it was not trained on."
    )


def watch_other_curves(run: Run) -> None:
    """Show learning rate, speed and gradient in a fold; nothing for a model without a rate."""
    charts = [chart for chart in _live_charts(run) if chart.name not in _MAIN]
    if charts:
        with st.expander("Learning rate, speed, gradient", icon=":material/show_chart:"):
            show_live_charts("other-curves", charts)


def _live_charts(run: Run) -> list[LiveChart]:
    record = run.record
    # While it trains, all visitors see the same charts for some seconds.
    version = (
        shared_views.read_progress(run.id)
        if record.active and record.step
        else (record.status, record.step, record.ended)
    )
    return shared_views.draw_once(run.id, version, _draw_live)


def _draw_live(run_id: str) -> list[LiveChart]:
    charts = _draw(run_id)
    alone = charts[0][0] == "loss"  # of an autoencoder, which has no accuracy
    return [
        LiveChart(name, _ALT[name], figure, share=10 if alone and name == "loss" else 5)
        for name, figure in charts
    ]


def _draw(run_id: str) -> list[tuple[str, go.Figure]]:
    run = open_run(run_id)
    steps, epochs = run.history.steps, run.history.epochs
    charts = [("loss", figures.loss_curve(steps, epochs, title=run.config.loss_title))]
    if run.task == "classify":
        accuracy = figures.accuracy_curve(epochs, best_epoch=run.record.best_epoch)
        charts.insert(0, ("accuracy", accuracy))
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
