"""Fine-tuning a run on a collection, and its accuracy before and after."""

from __future__ import annotations

import streamlit as st

from digitlab.data.derived import collection_dataset
from digitlab.data.registry import find_dataset
from digitlab.errors import DigitlabError
from digitlab.execution.finetune import find_base, finetuned_name
from digitlab.jobs import queue
from digitlab.jobs.compute import requests
from digitlab.runs.run import Run, open_run
from digitlab.snippets import drawing as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.compute import compute
from digitlab.ui.labels import STATUS_WORDS, run_title
from digitlab.ui.markdown import plain
from digitlab.words import percent

REFRESH_SECONDS = 1.0


def show_finetuning(name: str, run: Run) -> None:
    """A button that starts it, its progress, and the accuracy of both runs on held-out drawings."""
    base = find_base(run)
    st.markdown("**Fine-tune the run on your handwriting**")
    st.markdown(
        f"A copy of **{plain(run_title(run.record))}** is trained for a few seconds on your "
        f"drawings, repeated many times and mixed with images of {find_dataset(base).title}, so "
        "that it does not forget those. Every third drawing of each digit is held out to test "
        "the result."
    )
    st.button(
        f"Fine-tune on {name}",
        icon=":material/model_training:",
        on_click=_start,
        args=(run, name, base),
    )
    if problem := st.session_state.pop("tuning:problem", None):
        page.show_error(problem)
    tuned = _find_tuned(name)
    if tuned is not None:
        active = tuned.record.active
        st.fragment(_panel, run_every=REFRESH_SECONDS if active else None)(tuned.id, name, active)
    page.code_fold(snippets.finetuning(name, run.id), "Fine-tuning in Python")


def _start(run: Run, name: str, base: str) -> None:
    try:
        experiment = compute(requests.plan_finetuning, run.id, name, base)
        url.put("tuned", queue.enqueue(experiment, name=finetuned_name(run, name)))
    except DigitlabError as e:
        st.session_state["tuning:problem"] = str(e)


def _find_tuned(name: str) -> Run | None:
    """The run in the URL that was fine-tuned on this collection."""
    run_id = url.get("tuned")
    try:
        run = open_run(run_id) if run_id else None
    except DigitlabError:
        return None
    return run if run and run.record.dataset.startswith(f"mix:{name}+") else None


@page.guard()
def _panel(run_id: str, name: str, was_active: bool) -> None:
    if was_active:
        queue.reconcile()
    run = open_run(run_id)
    if was_active and not run.record.active:
        st.rerun()  # the whole page: the new run can be chosen now
    record = run.record
    if record.active:
        share = record.step / record.total_steps if record.total_steps else 0.0
        st.progress(
            min(1.0, share), text=f"{plain(run_title(record))}: {STATUS_WORDS[record.status]} …"
        )
        return
    if record.status != "finished":
        title, status = plain(run_title(record)), STATUS_WORDS[record.status]
        st.warning(f"{title} {status}. {page.message(record.message)}")
        return
    _show_before_and_after(run, name)
    st.page_link(
        page.DRAW,
        label="Try the fine-tuned run on a drawing",
        icon=":material/draw:",
        query_params={"run": run.id, "collection": name, "show": "collect"},
    )


def _show_before_and_after(run: Run, name: str) -> None:
    original = open_run(run.record.data.start_from)
    base = run.record.dataset.rpartition("+")[2]
    left, right = st.columns(2)
    for column, data, title in (
        (left, collection_dataset(name), "Your held-out drawings"),
        (right, base, f"Test images of {find_dataset(base).title}"),
    ):
        before = cached.evaluation(original, "test", data)
        after = cached.evaluation(run, "test", data)
        gain = after.accuracy - before.accuracy
        column.metric(
            f"{title} ({after.n:,})",
            f"{percent(before.accuracy)} → {percent(after.accuracy)}",
            f"{100 * gain:+.2f} points",
            delta_color="off" if abs(gain) < 1e-9 else "normal",
        )
