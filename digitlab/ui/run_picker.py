"""Choosing a run, and lists of runs as links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.recognize import READER
from digitlab.data.registry import dataset_title
from digitlab.errors import RunError, RunNotFoundError
from digitlab.runs.checkpoints import has_weights
from digitlab.runs.record import RunRecord
from digitlab.runs.run import Run, list_runs, open_run
from digitlab.ui import page, url
from digitlab.ui.labels import STATUS_ICONS, STATUS_WORDS, run_title
from digitlab.ui.markdown import plain
from digitlab.words import ago, counted, percent

if TYPE_CHECKING:
    from digitlab.training.config import Task

USABLE = ("finished", "stopped", "paused", "interrupted")
LISTED = 12  # runs in a list of links
OFFERED = 300  # newest own runs to choose from; a link opens any other run
COMPARED = 1_000  # newest own runs in tables and comparisons


def pick_run(
    *,
    label: str = "Run",
    task: Task | None = "classify",
    first: Callable[[Run], bool] = lambda run: run.record.changeable,
) -> Run | None:
    """The run chosen in the URL or by the visitor, among those with results; None without any.

    Of those that learnt the `task` only, unless that is None. The default is the newest run that
    may come `first`, an own one; without any it is the bundled reader. If the run in the URL cannot
    be shown, the visitor is told why.
    """
    runs = [run for run in list_runs(limit=OFFERED) if _has_results(run)]
    runs = [run for run in [*runs, *_linked(runs)] if task in (None, run.task)]
    if not runs:
        return None
    options = {run.id: describe(run.record) for run in runs}
    readers = [run for run in runs if run.id == READER]
    default = next((run for run in runs if first(run)), (readers or runs)[0]).id
    linked = url.get("run")
    if linked and linked not in options:
        _explain_absence(linked, task)
    chosen = url.choose(label, options, param="run", default=default, always=True)
    return next(run for run in runs if run.id == chosen)


def linked_run() -> Run:
    """The run in the URL, without one the bundled reader; for a view that offers no choice.

    Raises RunError where there is none with results, or it is not shared, below a heading.
    """
    run_id = st.query_params.get("run") or READER
    try:
        run = open_run(run_id)
        if run.id != run_id or not _has_results(run):
            raise RunNotFoundError(f"There is no run {run_id!r} with results.", run_id=run_id)
    except RunError:
        st.title("Nothing to show", anchor=False)
        raise
    return run


def _linked(runs: list[Run]) -> list[Run]:
    """The run in the URL, if it is older than those on offer."""
    linked = url.get("run")
    if not linked or any(run.id == linked for run in runs):
        return []
    try:
        run = open_run(linked)
    except RunError:
        return []
    return [run] if run.id == linked and _has_results(run) else []


def _has_results(run: Run) -> bool:
    """Whether the run ended with results, or at least with the weights of an epoch."""
    if run.record.status not in USABLE:
        return False
    return run.record.measured or has_weights(run.id)


def _explain_absence(run_id: str, task: Task | None) -> None:
    try:
        run = open_run(run_id)
        record = run.record
        if task and record.status in USABLE:
            run.check_task(task)
    except RunNotFoundError:
        text = f"There is no run {run_id[:60]!r}; it may have been deleted. Another run is shown."
        page.show_error(text, st.warning, ":material/search_off:")
        return
    except RunError as e:
        page.show_error(f"{e} Another run is shown.", st.warning, ":material/broken_image:")
        return
    if record.active:
        state = STATUS_WORDS[record.status]
        st.info(f"Run {plain(run_title(record))} is still {state}. Another run is shown.")
        show_training_link(record)
        return
    st.warning(
        f"Run {plain(run_title(record))} {STATUS_WORDS[record.status]} without results: "
        f"{page.message(record.message)} "
        "Another run is shown.",
        icon=":material/warning:",
    )


def describe(record: RunRecord) -> str:
    """A run in one line of plain text: name, dataset, accuracy, age."""
    parts = [run_title(record), dataset_title(record.dataset)]
    if record.test_accuracy is not None:
        parts.append(f"{percent(record.test_accuracy)}{' (claimed)' * record.claimed}")
    elif record.task == "reconstruct" and record.measured:
        parts.append(f"error {record.test_loss:.4f}")
    parts.append("bundled" if record.bundled else ago(record.created))
    return " · ".join(parts)


def show_training_links(records: Sequence[RunRecord]) -> None:
    """Show links to active runs; one for those of a sweep."""
    sweep_ids: set[str] = set()
    for record in records:
        sweep = record.data.sweep
        if sweep is None:
            show_training_link(record)
        elif sweep.id not in sweep_ids:
            sweep_ids.add(sweep.id)
            waiting = sum(other.data.sweep == sweep for other in records)
            st.page_link(
                page.TRAIN,
                label=f"{plain(sweep.name)} · {counted(waiting, 'run')} training or waiting",
                icon=":material/stacks:",
                query_params={"sweep": sweep.id},
            )


def show_training_link(record: RunRecord) -> None:
    """Show a link to a run on the Train page."""
    progress = f"{record.epochs_done}/{record.epochs} epochs"
    parts = (run_title(record), dataset_title(record.dataset), STATUS_WORDS[record.status])
    st.page_link(
        page.TRAIN,
        label=f"{plain(' · '.join(parts))} · {progress}",
        icon=STATUS_ICONS[record.status],
        query_params={"run": record.id},
    )


def show_result_link(record: RunRecord, *, label: str = "") -> None:
    """Show a link to a run that has ended: to its results, or to Train if it has none."""
    st.page_link(
        page.RESULTS if record.status in USABLE else page.TRAIN,
        label=label or plain(describe(record)).replace(" %", "\N{NO-BREAK SPACE}%"),
        icon=STATUS_ICONS[record.status],
        help=f"{STATUS_WORDS[record.status].capitalize()}. {page.message(record.message)}".strip(),
        query_params={"run": record.id},
    )


def show_result_links(records: Sequence[RunRecord], *, limit: int = LISTED) -> None:
    """Show runs as links, newest first; those after the first `limit` in a fold."""
    for record in records[:limit]:
        show_result_link(record)
    if len(records) > limit:
        title = counted(len(records) - limit, "more run")
        with st.expander(title, key="earlier-runs", on_change="rerun") as fold:
            for record in records[limit : limit + 200] if fold.open else ():
                show_result_link(record)
