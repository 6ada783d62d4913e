"""Choosing a run, and lists of runs as links."""

from __future__ import annotations

from collections import Counter
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
from digitlab.ui.labels import STATUS_ICONS, STATUS_WORDS
from digitlab.ui.markdown import plain
from digitlab.words import ago, counted, percent, shorten

if TYPE_CHECKING:
    from digitlab.training.config import Task

USABLE = ("finished", "stopped", "paused", "interrupted")
LISTED = 12  # runs in a list of links
OFFERED = 300  # newest own runs to choose from; a link opens any other run
COMPARED = 1_000  # newest own runs in tables and comparisons


def pick_run(*, bundled_first: bool = False, task: Task | None = "classify") -> Run | None:
    """The run chosen in the URL or by the visitor, among those with results; None without any.

    Of those that learnt the `task` only, unless that is None. The default is the newest own run, or
    the bundled reader with `bundled_first`. If the run in the URL cannot be shown, the visitor is
    told why.
    """
    runs = [run for run in list_runs(limit=OFFERED) if _has_results(run)]
    runs = [run for run in [*runs, *_linked(runs)] if task in (None, run.task)]
    if not runs:
        return None
    options = {run.id: describe(run.record) for run in runs}
    default = runs[0].id
    if bundled_first or runs[0].record.bundled:
        default = next((run.id for run in runs if run.id == READER), default)
    linked = url.get("run")
    if linked and linked not in options:
        _explain_absence(linked, task)
    chosen = url.choose("Run", options, param="run", default=default, always=True)
    return next(run for run in runs if run.id == chosen)


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
        st.warning(
            f"There is no run {run_id[:60]!r}; it may have been deleted. Another run is shown.",
            icon=":material/search_off:",
        )
        return
    except RunError as e:
        st.warning(f"{plain(str(e))} Another run is shown.", icon=":material/broken_image:")
        return
    if record.active:
        state = STATUS_WORDS[record.status]
        st.info(f"Run {plain(record.name)} is still {state}. Another run is shown.")
        show_training_link(record)
        return
    st.warning(
        f"Run {plain(record.name)} {STATUS_WORDS[record.status]} without results: "
        f"{plain(record.message)} "
        "Another run is shown.",
        icon=":material/warning:",
    )


def describe(record: RunRecord) -> str:
    """A run in one line of plain text: name, dataset, accuracy, age."""
    parts = [record.name, dataset_title(record.dataset)]
    if record.test_accuracy is not None:
        parts.append(percent(record.test_accuracy))
    elif record.task == "reconstruct" and record.measured:
        parts.append(f"error {record.test_loss:.4f}")
    parts.append("bundled" if record.bundled else ago(record.created))
    return " · ".join(parts)


def show_training_link(record: RunRecord) -> None:
    """Show a link to a run on the Train page."""
    progress = f"{record.epochs_done}/{record.epochs} epochs"
    state = STATUS_WORDS[record.status]
    st.page_link(
        page.TRAIN,
        label=f"{plain(record.name)} · {dataset_title(record.dataset)} · {state} · {progress}",
        icon=STATUS_ICONS[record.status],
        query_params={"run": record.id},
    )


def show_result_link(record: RunRecord, *, label: str = "") -> None:
    """Show a link to a run that has ended: to its results, or to Train if it has none."""
    st.page_link(
        page.RESULTS if record.status in USABLE else page.TRAIN,
        label=label or plain(describe(record)),
        icon=STATUS_ICONS[record.status],
        help=f"{STATUS_WORDS[record.status].capitalize()}. {plain(record.message)}".strip(),
        query_params={"run": record.id},
    )


def show_result_links(records: Sequence[RunRecord], *, limit: int = LISTED) -> None:
    """Show runs as links, newest first; those after the first `limit` in an expander."""
    for record in records[:limit]:
        show_result_link(record)
    if len(records) > limit:
        with st.expander(counted(len(records) - limit, "earlier run")):
            for record in records[limit : limit + 200]:
                show_result_link(record)


NAME_LENGTH = 32  # characters: a legend must fit on a phone


def run_names(records: Sequence[RunRecord]) -> list[str]:
    """A short name for each run; equal names get their dataset, seed or id as an ending."""
    names = [shorten(record.name, NAME_LENGTH) for record in records]
    for name in [name for name, count in Counter(names).items() if count > 1]:
        positions = [i for i, equal in enumerate(names) if equal == name]
        for ending in _ENDINGS:
            endings = [ending(records[i]) for i in positions]
            if len(set(endings)) == len(endings):
                break
        for i, text in zip(positions, endings, strict=True):
            names[i] = f"{name} · {text}"
    return names


_ENDINGS: tuple[Callable[[RunRecord], str], ...] = (
    lambda record: dataset_title(record.dataset),
    lambda record: f"seed {record.seed}",
    lambda record: "bundled" if record.bundled else record.id.rpartition("-")[2][:4],
    lambda record: record.id,
)
