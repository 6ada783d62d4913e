"""The spread of accuracy over seeds, and ensembles of runs."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.evaluation.metrics import Evaluation
from digitlab.execution.ensemble import ensemble
from digitlab.jobs.compute import requests
from digitlab.jobs.queue import active_runs
from digitlab.jobs.seeds import MOST, run_seeds
from digitlab.runs.run import Run
from digitlab.snippets import comparison as snippets
from digitlab.snippets import export
from digitlab.ui import cached, page, url
from digitlab.ui.compare import side_by_side
from digitlab.ui.compare.choose import ComparedRun, why_not
from digitlab.ui.compute import compute
from digitlab.ui.labels import run_title
from digitlab.ui.markdown import plain
from digitlab.ui.run_picker import show_training_link
from digitlab.words import interval, percent

HOW = {"mean": "Mean of probabilities", "vote": "Vote"}
POLL_SECONDS = 2.0  # between two polls while runs are training
DEFAULT = 5  # seeds: the interval of the mean is then about ±1.2 standard deviations


def show(runs: Sequence[ComparedRun]) -> None:
    """Show the spread over seeds, a button that trains more, and the ensemble of the runs."""
    page.cell(
        "Variation between seeds",
        "The same configuration trained with other seeds. The spread of accuracy shows how much of "
        "a difference between two runs the seed alone can make.",
    )
    configurations = side_by_side.show_seeds(runs)
    if configurations:
        page.code_fold(snippets.seeds(configurations))
    _offer_seeds(runs)
    _show_ensemble(runs)


def _offer_seeds(runs: Sequence[ComparedRun]) -> None:
    trained = [run for run in runs if not run.record.members]
    if not trained:
        return
    names = {run.id: run.name for run in trained}
    st.markdown("**Run with more seeds.** Runs that exist or are queued count.")
    left, middle, right = st.columns([4, 2, 2], vertical_alignment="bottom")
    with left:
        run_id = url.choose("Configuration of", names, param="like", default=trained[0].id)
    with middle:
        count = url.number("Total seeds", param="seeds", default=DEFAULT, low=2, high=MOST)
    if right.button("Run them", icon=":material/casino:", key="run-seeds", width="stretch"):
        _queue(run_id, count)
    busy = bool(active_runs())
    st.fragment(_show_waiting, run_every=POLL_SECONDS if busy else None)(busy)
    page.code_fold(export.more_seeds(run_id, count))


def _queue(run_id: str, count: int) -> None:
    try:
        queued = run_seeds(run_id, count)
    except DigitlabError as e:
        page.show_error(e)
        return
    if queued:
        st.success(
            f"{len(queued)} run{'s' * (len(queued) > 1)} queued. The table counts each run when it "
            "has finished.",
            icon=":material/hourglass_top:",
        )
    else:
        st.info(f"This configuration has {count} seeds already.", icon=":material/check:")


@page.guard()
def _show_waiting(busy: bool) -> None:
    """Show the active runs; when the last one ends, rerun the page."""
    active = active_runs()
    for record in active[:8]:
        show_training_link(record)
    if len(active) > 8:
        st.caption(f"… and {len(active) - 8} more.")
    if busy and not active:
        st.rerun()


def _show_ensemble(runs: Sequence[ComparedRun]) -> None:
    page.cell(
        "Ensemble",
        "Networks make mistakes on different images, so several together are often better than the "
        "best of them. The mean of probabilities takes the confidence of each into account; a vote "
        "does not.",
    )
    reason = next(filter(None, (why_not(runs[0], run) for run in runs[1:])), "")
    if reason:
        st.info(plain(f"{reason} Choose runs of one dataset."), icon=":material/info:")
        return
    single = [run for run in runs if not run.record.members]
    runs = single if len(single) > 1 else runs  # an ensemble's members would count twice
    how = url.choose("Combined by", HOW, param="how", default="mean", widget=st.segmented_control)
    result = _ensemble_result(runs, how)
    best = max(runs, key=lambda run: run.result.accuracy)
    first, second, third = st.columns(3)
    first.metric(
        f"Ensemble of {len(runs)}",
        percent(result.accuracy),
        f"95 %: {interval(result.accuracy_interval)}",
        delta_arrow="off",
        delta_color="off",
    )
    second.metric(
        "Best single run",
        percent(best.result.accuracy),
        plain(best.name),
        delta_arrow="off",
        delta_color="off",
    )
    third.metric(
        "Mistakes",
        f"{len(result.errors):,}",
        f"best single run {len(best.result.errors):,}",
        delta_arrow="off",
        delta_color="off",
    )
    _offer_saving(runs, how)
    page.code_fold(export.ensemble([run.id for run in runs], how))


def _ensemble_result(runs: Sequence[ComparedRun], how: str) -> Evaluation:
    key = (tuple(run.id for run in runs), tuple(run.record.ended for run in runs), how)
    first, logits = runs[0].result, [run.result.logits for run in runs]
    return cached.computed(requests.combine, key, logits, first.labels, first.classes, how)


def _offer_saving(runs: Sequence[ComparedRun], how: str) -> None:
    left, right = st.columns([5, 2], vertical_alignment="bottom")
    name = left.text_input(
        "Name", max_chars=120, placeholder=f"Ensemble of {len(runs)} ({how})", key="joined-name"
    )
    description = "As a run of its own, for Results, Compare and Draw. Its members stay."
    if not right.button(
        "Save as a run", icon=":material/join:", key="join", help=description, width="stretch"
    ):
        return
    run: Run = compute(ensemble, [run.id for run in runs], how, name=name)
    st.success(f"Saved as {plain(run_title(run.record))}.", icon=":material/check_circle:")
    with st.container(horizontal=True):
        for target, label in (
            (page.RESULTS, "See its results"),
            (page.DRAW, "Try it on a drawing"),
        ):
            st.page_link(target, label=label, icon=page.ICONS[target], query_params={"run": run.id})
