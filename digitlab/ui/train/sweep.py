"""Watching a sweep: all its runs in one chart and one table, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.evaluation.comparison import compare_pair
from digitlab.figures import comparison as figures
from digitlab.figures.evaluation import confusion_matrix
from digitlab.figures.sweep import Axis, parallel_coordinates
from digitlab.jobs import queue
from digitlab.runs import store
from digitlab.runs.record import RunRecord, Sweep
from digitlab.runs.run import open_run
from digitlab.settings import read_settings
from digitlab.sweeps.sweep import stop_sweep
from digitlab.ui import cached, page, shared_views
from digitlab.ui.chart import show_chart
from digitlab.ui.compare.verdict import SIGNIFICANT
from digitlab.ui.display import STEADY
from digitlab.ui.labels import STATUS_WORDS, differing_settings, run_names
from digitlab.ui.learning_curves import UPDATE_SECONDS
from digitlab.ui.live_charts import LiveChart, show_live_charts
from digitlab.ui.markdown import plain
from digitlab.ui.train.polling import rerun
from digitlab.ui.train.selected_run import (
    deselect_sweep,
    open_column,
    select_run,
    select_sweep,
    show_opened,
)
from digitlab.ui.train.watch import REFRESH_SECONDS
from digitlab.words import duration, hundred, percent

_OPEN = "sweep-open"
_FAILURES = 3  # that are told in full


def open_sweep(sweep_id: str | None) -> list[RunRecord]:
    """The runs of a sweep in their order; without any, says so and deselects it."""
    if not sweep_id:
        return []
    queue.reconcile()
    records = store.list_sweep(sweep_id)
    if not records:
        text = f"No run of the sweep {sweep_id[:60]} is left."
        page.show_error(text, icon=":material/search_off:")
        deselect_sweep()
    return records


def watch_sweep(records: Sequence[RunRecord], *, visible: bool) -> None:
    """A sweep's panel, which refreshes while a run of it is active and the tab `visible`."""
    sweep = records[0].data.sweep
    active = any(record.active for record in records)
    if active:
        st.html(STEADY)
    factor = 1 if active and visible else 0
    st.fragment(_show_progress, run_every=factor * REFRESH_SECONDS or None)(sweep, active)
    if not active:
        _show_result(records)
    st.fragment(_show_charts, run_every=factor * UPDATE_SECONDS or None)(sweep.id)
    # As often as the progress: both tell how many runs are done.
    st.fragment(_show_table, run_every=factor * REFRESH_SECONDS or None)(sweep.id)
    if not active:
        _show_confusion(records)


def show_sweep_link(record: RunRecord) -> None:
    """A way from a run to the sweep that it is a part of."""
    sweep = record.data.sweep
    if sweep is not None:
        st.button(
            f"All runs of {plain(sweep.name)}",
            key=f"sweep-of:{record.id}",
            icon=":material/arrow_back:",
            type="tertiary",
            on_click=select_sweep,
            args=(sweep.id,),
        )


@page.guard()
def _show_progress(sweep: Sweep, was_active: bool) -> None:
    if was_active:
        shared_views.reconcile()
    records = store.list_sweep(sweep.id)
    active = [record for record in records if record.active]
    if not records or (was_active and not active):
        rerun()  # the whole page: its result is known
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.header(f":material/stacks: {plain(sweep.name)}", anchor=False)
    if active:
        if all(record.changeable for record in active):
            right.button(
                "Stop all", key="stop-sweep", icon=":material/stop:", width="stretch",
                on_click=_stop, args=(sweep.id,),
                help="What the runs have learnt is kept. Those that wait do not begin.",
            )  # fmt: skip
        done = sum(_share(record) for record in records) / len(records)
        st.progress(min(1.0, done), text=_progress_text(records))
    _show_failures(records)


def _show_failures(records: Sequence[RunRecord]) -> None:
    """Name the runs that failed, and say why."""
    names = run_names(records, brief=True)
    failed = [
        f"**{plain(name)}** {STATUS_WORDS[record.status]}. {page.message(record.message)}"
        for record, name in zip(records, names, strict=True)
        if record.status in ("failed", "interrupted")
    ]
    for text in failed[:_FAILURES]:
        st.error(text, icon=":material/error:")
    if len(failed) > _FAILURES:
        st.caption(f"{len(failed) - _FAILURES} more failed: the table names them.")


def _stop(sweep_id: str) -> None:
    try:
        stop_sweep(sweep_id)
    except DigitlabError as e:
        page.show_error(e, st.toast)


def _share(record: RunRecord) -> float:
    if not record.active:
        return 1.0
    return record.step / record.total_steps if record.total_steps else 0.0


def _progress_text(records: Sequence[RunRecord]) -> str:
    """How many of the runs have ended, train and wait, and how long the others will take."""
    done = [record for record in records if not record.active]
    running = sum(record.status == "running" for record in records)
    parts = [f"{len(done)} of {len(records)} done"]
    parts += [f"{running} training"] if running else []
    waiting = len(records) - len(done) - running
    parts += [f"{waiting} waiting"] if waiting else []
    times = [r.ended - r.started for r in done if r.started and r.ended]
    if times and len(times) == len(done):
        remaining = len(records) - sum(_share(record) for record in records)
        seconds = sum(times) / len(times) * remaining / read_settings().max_jobs
        parts.append(f"about {duration(max(1.0, round(seconds)))} left")
    return " · ".join(parts)


@page.guard()
def _show_charts(sweep_id: str) -> None:
    records = store.list_sweep(sweep_id)
    if not any(record.epochs_done for record in records):
        st.caption("The curves begin with the first epoch.")
        return
    charts = []
    if len(records) == 1 or max(record.epochs for record in records) > 1:  # one makes no curve
        charts += _curve_charts(records)
    charts += _value_charts(records)
    for each in charts:
        each.figure.update_layout(uirevision=sweep_id)
    if charts:
        show_live_charts("sweep", charts)


def _curve_charts(records: Sequence[RunRecord]) -> list[LiveChart]:
    histories = [_epochs(record) for record in records]
    names = run_names(records, brief=True)
    charts = []
    for value in _curves(records):
        if value == "classic":
            figure = figures.train_and_validation(histories, names)
        else:
            figure = figures.learning_curves(histories, names, value=value)
        title = figures.TITLES.get(value, "Training, validation and test accuracy")
        charts.append(LiveChart(value, f"{title} of each run by epoch.", figure))
    return charts


def _value_charts(records: Sequence[RunRecord]) -> list[LiveChart]:
    """The runs that have ended as lines through what differs between them; none for a few."""
    ended = [r for r in records if not r.active and None not in (r.val_accuracy, r.val_loss)]
    columns = differing_settings(ended) if len(ended) > 2 else {}
    if not columns:
        return []
    axes = [
        Axis(title[:1].lower() + title[1:], values, _order(values), _is_wide(values))
        for title, values in columns.items()
    ]
    accuracies = [100 * record.val_accuracy for record in ended]
    axes.append(Axis("validation accuracy", accuracies, unit=" %"))
    pairs = zip(run_names(ended, brief=True), ended, strict=True)
    names = [f"{name}: {percent(record.val_accuracy)}" for name, record in pairs]
    best = [record.id for record in ended].index(best_of(ended).id)
    states = [record.status for record in ended]
    figure = parallel_coordinates(axes, names, states, best)
    text = f"The runs as lines through their values; best: {names[best]}."
    return [LiveChart("values", text, figure, share=10)]


def _order(values: Sequence[Any]) -> list[Any]:
    """The order of what is no number."""
    return sorted(set(values)) if any(isinstance(value, str) for value in values) else []


def _is_wide(values: Sequence[Any]) -> bool:
    """Whether numbers are better seen by their logarithm."""
    numbers = [value for value in values if isinstance(value, int | float)]
    return len(numbers) == len(values) and min(numbers) > 0 and max(numbers) >= 30 * min(numbers)


def _curves(records: Sequence[RunRecord]) -> tuple[Any, Any]:
    if all(record.task == "reconstruct" for record in records):
        return "val_loss", "train_loss"
    tests_every_epoch = any(record.config.get("test_curve") for record in records)
    return ("classic" if tests_every_epoch else "val_accuracy"), "val_loss"


def _epochs(record: RunRecord) -> list[dict[str, Any]]:
    home = str(read_settings().home)
    return _read_epochs(home, record.id, record.epochs_done, record.ended)


@st.cache_data(max_entries=512, show_spinner=False)
def _read_epochs(home: str, run_id: str, *version: object) -> list[dict[str, Any]]:
    return open_run(run_id).history.epochs


@page.guard()
def _show_table(sweep_id: str) -> None:
    import pandas as pd

    show_opened()
    records = store.list_sweep(sweep_id)
    best = best_of(records)
    accuracy = st.column_config.NumberColumn(format="%.2f %%", width=90)
    table = {
        "Run": run_names(records, brief=True),
        "Open": ["Watch" if record.active else "See" for record in records],
        "Validation": [hundred(record.val_accuracy) for record in records],
        "Test": [hundred(record.test_accuracy) for record in records],
        "Status": [_status(record, best) for record in records],
        "Time": [duration(record.train_seconds) for record in records],
        **{key: values for key, values in differing_settings(records).items() if key != "Model"},
    }
    st.dataframe(
        pd.DataFrame(table),
        hide_index=True,
        height="content" if len(records) <= 12 else 460,
        placeholder="–",
        column_config={
            "Validation": accuracy,
            "Test": accuracy,
            "Run": st.column_config.TextColumn(pinned=True),
            "Status": st.column_config.TextColumn(width=125),
            "Open": open_column([record.id for record in records], _OPEN),
        },
        alt="The runs of the sweep: what differs between them, and what they reached.",
    )


def _status(record: RunRecord, best: RunRecord | None) -> str:
    if best is not None and record.id == best.id:
        return "best so far" if record.active else "best by validation"
    if record.status == "running" and record.epochs:
        return f"epoch {record.epochs_done} of {record.epochs}"
    return STATUS_WORDS[record.status]


def best_of(records: Sequence[RunRecord]) -> RunRecord | None:
    """The run with the best validation accuracy, or with the smallest loss of autoencoders.

    Not by test: the test accuracy of a run that was chosen by it would be too optimistic.
    """
    classifiers = [record for record in records if record.val_accuracy is not None]
    if classifiers:
        return max(classifiers, key=lambda record: (record.val_accuracy, -(record.val_loss or 0)))
    others = [record for record in records if record.val_loss is not None]
    return min(others, key=lambda record: record.val_loss) if others else None


def _show_result(records: Sequence[RunRecord]) -> None:
    """Which run is the best, and the way to compare all of them."""
    best, names = best_of(records), run_names(records, brief=True)
    if best is None:
        st.info("None of the runs has learnt anything that can be measured.")
        return
    name = plain(names[[record.id for record in records].index(best.id)])
    measured = (
        f"{percent(best.val_accuracy)} of the validation images right, and "
        f"{percent(best.test_accuracy)} of the test images"
        if best.val_accuracy is not None
        else f"validation error {best.val_loss:.4f}"
    )
    st.markdown(f"Best by validation: **{name}**, {measured}. {_compare_with_next(records, best)}")
    if also := _confounded(records):
        st.caption(
            f"The networks differ in their recipes, too ({', '.join(also)}): a part of the "
            "differences may be due to these."
        )
    comparable = [record.id for record in records if record.test_accuracy is not None][:20]
    with st.container(horizontal=True):
        if len(comparable) > 1 and st.button(
            "Compare them", type="primary", icon=page.ICONS[page.COMPARE]
        ):
            choice = {"runs": ",".join(comparable), "section": "learning"}
            st.switch_page(page.COMPARE, query_params=choice)
        st.button(
            "See the best alone", icon=":material/trophy:", on_click=select_run, args=(best.id,)
        )


def _compare_with_next(records: Sequence[RunRecord], best: RunRecord) -> str:
    """Whether the best run's lead over the next may be chance; empty where nobody can tell."""
    following = best_of([record for record in records if record.id != best.id])
    if following is None or best.test_accuracy is None or following.test_accuracy is None:
        return ""
    try:
        pair = compare_pair(
            *(cached.evaluation(open_run(record.id), "test") for record in (best, following))
        )
    except DigitlabError:
        return ""
    name = plain(run_names(records, brief=True)[[r.id for r in records].index(following.id)])
    verdict = "is within chance" if pair.p_value >= SIGNIFICANT else "is more than chance"
    return f"On the test images, its difference to the next, {name}, {verdict} (McNemar's test)."


def _confounded(records: Sequence[RunRecord]) -> list[str]:
    """Settings that come with the model, so that nobody can tell which of the two matters."""
    columns = differing_settings(records)
    models = columns.pop("Model", None)
    if models is None:
        return []
    sets = {
        name: [{v for v, of in zip(values, models, strict=True) if of == model} for model in models]
        for name, values in columns.items()
    }
    return [
        name[:1].lower() + name[1:]
        for name, each in sets.items()
        if each.count(each[0]) < len(each)
    ]


def _show_confusion(records: Sequence[RunRecord]) -> None:
    """The confusion matrix of the best run."""
    best = best_of(records)
    if best is None or best.test_accuracy is None:
        return
    try:
        result = cached.evaluation(open_run(best.id), "test")
    except DigitlabError as e:  # its predictions are gone
        st.caption(page.message(e))
        return
    figure: go.Figure = confusion_matrix(result.confusion, result.classes)
    name = run_names(records, brief=True)[[record.id for record in records].index(best.id)]
    st.markdown(f"**What the best confuses on the test images: {plain(name)}**")
    show_chart(
        figure,
        key=f"sweep:confusion:{best.id}",
        alt="Confusion matrix of the best run: rows are the true classes, columns its answers.",
    )
