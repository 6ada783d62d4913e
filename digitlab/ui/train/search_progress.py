"""Watching a search: the best so far, its trials, what mattered, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.figures import sweep as figures
from digitlab.runs import store
from digitlab.settings import read_settings
from digitlab.sweeps.result import SweepResult, measure_importance, read_result
from digitlab.sweeps.state import find_state
from digitlab.sweeps.sweep import STOPPED, keep_going, resume_sweep, stop_sweep
from digitlab.sweeps.trials import Trial
from digitlab.ui import page, shared_views
from digitlab.ui.compute import compute
from digitlab.ui.display import STEADY
from digitlab.ui.learning_curves import UPDATE_SECONDS
from digitlab.ui.live_charts import LiveChart, show_live_charts
from digitlab.ui.markdown import plain
from digitlab.ui.train.field_search import field_title
from digitlab.ui.train.polling import rerun
from digitlab.ui.train.selected_run import open_column, select_run, show_opened
from digitlab.ui.train.watch import REFRESH_SECONDS
from digitlab.words import counted, duration, in_short

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec

_OPEN = "search-open"
_GOING = ("searching", "retraining")


def open_search(sweep_id: str | None) -> SweepResult | None:
    """The sweep as it is, where it chooses its trials as it goes; None for any other.

    None, too, for one that goes on no more and whose runs were deleted.
    """
    try:
        state = find_state(sweep_id) if sweep_id else None
    except DigitlabError as e:
        page.show_error(e)
        return None
    if state is None:
        return None
    records = store.list_sweep(state.id)
    return read_result(state, records) if records or state.is_open else None


def watch_search(result: SweepResult, *, visible: bool) -> None:
    """A search's panel, which refreshes while it goes on and the tab is `visible`."""
    going = result.phase in _GOING
    if going:
        st.html(STEADY)
    factor = 1 if going and visible else 0
    every = factor * REFRESH_SECONDS or None
    st.fragment(_show_progress, run_every=every)(result.id, result.phase)
    if result.phase == "finished":
        _show_result(result)
    st.fragment(_show_charts, run_every=factor * UPDATE_SECONDS or None)(result.id)
    st.fragment(_show_trials, run_every=every)(result.id)


@page.guard()
def _show_progress(sweep_id: str, phase: str) -> None:
    if phase in _GOING:
        shared_views.reconcile()
        keep_going(sweep_id)
    result = open_search(sweep_id)
    if result is None or result.phase != phase:
        rerun()  # the whole page
        return
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.header(f":material/travel_explore: {plain(result.name)}", anchor=False)
    if phase in _GOING:
        right.button(
            "Stop", key="stop-search", icon=":material/stop:", width="stretch",
            on_click=_do, args=(stop_sweep, sweep_id),
            help="What the runs have learnt is kept, and the search can go on later.",
        )  # fmt: skip
        planned = result.search.trials + result.search.seeds
        ended = result.count("finished", "pruned", "failed")
        done = ended + sum(not run.record.active for run in result.retrained)
        text = result.summary() if result.trials else "The first trial begins."
        st.progress(min(1.0, done / planned), text=plain(text))
    elif phase == "stopped":
        right.button(
            "Go on", key="resume-search", icon=":material/play_arrow:", width="stretch",
            on_click=_do, args=(resume_sweep, sweep_id), type="primary",
        )  # fmt: skip
        why = "This search was stopped." if result.message == STOPPED else result.message
        st.warning(page.message(why), icon=":material/stop_circle:")


def _do(action: object, sweep_id: str) -> None:
    try:
        action(sweep_id)
    except DigitlabError as e:
        page.show_error(e, st.toast)


@page.guard()
def _show_charts(sweep_id: str) -> None:
    result = open_search(sweep_id)
    if result is None or all(trial.score is None for trial in result.trials):
        return
    scale = -1 if result.search.reconstructs else 100
    ended = {
        state: [(t.number, scale * t.score) for t in result.trials
                if t.state == state and t.score is not None]
        for state in ("finished", "pruned")
    }  # fmt: skip
    best = [(number, scale * score) for number, score in result.best_so_far()]
    title, unit = ("Validation loss", "") if result.search.reconstructs else (
        "Validation accuracy", " %")  # fmt: skip
    course = figures.course(ended["finished"], ended["pruned"], best, title=title, unit=unit)
    lines = _parallel_coordinates(result, title, scale)
    spec = result.search.base[0]
    home, ended_count = str(read_settings().home), result.count("finished", "pruned", "failed")
    importance = _read_importance(home, sweep_id, ended_count)
    shares = [(field_title(name, spec), share) for name, share in importance.items()]
    summary = ", ".join(f"{name} {share:.0%}" for name, share in shares)
    best_words = _words(result.best, spec) if result.best else "none yet"
    words = f"The trials as lines through their values; best: {best_words}."
    charts = [LiveChart("course", f"{title} of each trial, and the best so far.", course)]
    if shares:
        bars, alt = figures.importance(shares), f"What mattered for the {title.lower()}: {summary}."
        charts.append(LiveChart("importance", alt, bars))
    charts.append(LiveChart("values", words, lines, share=10))
    for each in charts:
        each.figure.update_layout(uirevision=sweep_id)
    show_live_charts("search", charts)


@st.cache_data(max_entries=128, show_spinner=False)
def _read_importance(home: str, sweep_id: str, ended: int) -> dict[str, float]:
    return compute(measure_importance, sweep_id)


def _parallel_coordinates(result: SweepResult, title: str, scale: int) -> object:
    """Of the trials that ended, what was drawn for each, and what it reached."""
    ended = [trial for trial in result.trials if trial.score is not None]
    spec = result.search.base[0]
    axes = [
        figures.Axis(
            field_title(dimension.name, spec),
            [trial.values.get(dimension.name) for trial in ended],
            dimension.choices,
            dimension.log,
        )
        for dimension in result.search.dimensions
    ]
    unit = "" if result.search.reconstructs else " %"
    axes.append(figures.Axis(title.lower(), [scale * t.score for t in ended], unit=unit))
    names = [f"{_words(trial, spec)}: {result.in_words(trial.score)}" for trial in ended]
    best = ended.index(result.best) if result.best else None
    states = [trial.state for trial in ended]
    return figures.parallel_coordinates(axes, names, states, best)


@page.guard()
def _show_trials(sweep_id: str) -> None:
    import pandas as pd

    show_opened()
    result = open_search(sweep_id)
    if result is None or not result.trials:
        return
    spec = result.search.base[0]
    trials = result.trials
    table = {
        "Trial": [trial.number for trial in trials],
        "Open": ["Watch" if trial.record.active else "See" for trial in trials],
        "Validation": [result.in_words(trial.score) for trial in trials],
        "Status": [_status(trial, result) for trial in trials],
    }
    for dimension in result.search.dimensions:
        title = field_title(dimension.name, spec)
        table[title[:1].upper() + title[1:]] = [
            in_short(trial.values.get(dimension.name, "–")) for trial in trials
        ]
    table["Time"] = [duration(trial.record.train_seconds) for trial in trials]
    st.dataframe(
        pd.DataFrame(table),
        hide_index=True,
        height="content" if len(trials) <= 12 else 460,
        column_config={
            "Trial": st.column_config.NumberColumn(pinned=True, width=60),
            "Status": st.column_config.TextColumn(width=125),
            "Open": open_column([trial.run_id for trial in trials], _OPEN),
        },
        alt="The trials: their values, what they reached on validation, and how they ended.",
    )
    _show_reasons(trials)


def _show_reasons(trials: Sequence[Trial]) -> None:
    """Why trials were pruned, or failed, a line each."""
    ended = [trial for trial in trials if trial.state in ("pruned", "failed")]
    if ended:
        with st.expander(f"Why {counted(len(ended), 'trial')} ended early", icon=":material/cut:"):
            for trial in ended:
                why = trial.pruned or trial.record.message or "It has no validation accuracy."
                st.markdown(f"**Trial {trial.number}**: {page.message(why)}")


def _status(trial: Trial, result: SweepResult) -> str:
    if result.best is not None and trial.number == result.best.number:
        return "best by validation"
    if trial.state == "running" and trial.record.epochs:
        return f"epoch {trial.record.epochs_done} of {trial.record.epochs}"
    return trial.status


def _words(trial: Trial, spec: ModelSpec) -> str:
    """A trial and its values as people read them."""
    values = [f"{field_title(name, spec)} {in_short(v)}" for name, v in trial.values.items()]
    return f"trial {trial.number}: {', '.join(values)}"


def _show_result(result: SweepResult) -> None:
    """The best configuration, and what it reaches on the test images with other seeds."""
    if result.best is None:
        st.info("No trial has finished: the table says why.", icon=":material/info:")
        return
    words = _words(result.best, result.search.base[0])
    text = f"Best by validation: **{plain(words)}**, "
    text += f"{result.in_words(result.best.score)}."
    if result.test:
        what = "a loss on the test images of" if result.search.reconstructs else "test accuracy:"
        count = sum(run.record.status == "finished" for run in result.retrained)
        seeds = counted(count, "other seed")
        text += f" Trained with {seeds}, {what} **{result.test_in_words}**."
        text += " Nothing was chosen by it." * (result.search.seeds > 0)
    st.markdown(text)
    with st.container(horizontal=True):
        run_ids = [run.id for run in result.retrained if run.record.test_accuracy is not None]
        if len(run_ids) > 1 and st.button(
            "Compare its seeds", type="primary", icon=page.ICONS[page.COMPARE]
        ):
            choice = {"runs": ",".join(run_ids[:20]), "section": "learning"}
            st.switch_page(page.COMPARE, query_params=choice)
        st.button(
            "See the best alone", icon=":material/trophy:",
            on_click=select_run, args=(result.best.run_id,),
        )  # fmt: skip
