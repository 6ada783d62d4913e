"""Fine-tuning a run on a collection, and how it reads before and after."""

from __future__ import annotations

import streamlit as st

from digitlab.data.derived import collection_dataset
from digitlab.data.registry import find_dataset
from digitlab.errors import DigitlabError
from digitlab.execution.finetune import find_base, finetuned_name, plan_finetuning
from digitlab.jobs import queue
from digitlab.runs.run import Run, open_run
from digitlab.snippets import drawing as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.labels import STATUS_WORDS
from digitlab.words import percent

LOOK_SECONDS = 1.0


def show(name: str, run: Run) -> None:
    """A button that begins it, its progress, and both runs on the drawings held out."""
    base = find_base(run)
    st.markdown("**Teach the run your hand**")
    st.markdown(
        f"A copy of **{run.record.name}** goes on learning for a few seconds: your drawings, again "
        f"and again, among images of {find_dataset(base).title}, so that it does not forget. Every "
        "third drawing of a digit is held out to measure by."
    )
    st.button(
        f"Fine-tune on {name}",
        icon=":material/model_training:",
        on_click=_begin,
        args=(run, name, base),
    )
    if problem := st.session_state.pop("tuning:problem", None):
        st.error(problem, icon=":material/error:")
    tuned = _tuned(name)
    if tuned is not None:
        active = tuned.record.active
        st.fragment(_panel, run_every=LOOK_SECONDS if active else None)(tuned.id, name, active)
    page.code_fold(snippets.finetuning(name, run.id), "Fine-tuning in Python")


def _begin(run: Run, name: str, base: str) -> None:
    try:
        experiment = plan_finetuning(run, name, base)
        url.put("tuned", queue.enqueue(experiment, name=finetuned_name(run, name)))
    except DigitlabError as e:
        st.session_state["tuning:problem"] = str(e)


def _tuned(name: str) -> Run | None:
    """The run that was fine-tuned on this collection last, as the URL names it."""
    wanted = url.get("tuned")
    try:
        found = open_run(wanted) if wanted else None
    except DigitlabError:
        return None
    if found is None or not found.record.dataset.startswith(f"mix:{name}+"):
        return None
    return found


@page.guard()
def _panel(run_id: str, name: str, was_active: bool) -> None:
    if was_active:
        queue.reconcile()
    run = open_run(run_id)
    if was_active and not run.record.active:
        st.rerun()  # the rest of the page: the new run can be chosen now
    record = run.record
    if record.active:
        share = record.step / record.total_steps if record.total_steps else 0.0
        st.progress(min(1.0, share), text=f"{record.name}: {STATUS_WORDS[record.status]} …")
        return
    if record.status != "finished":
        st.warning(f"{record.name} {STATUS_WORDS[record.status]}. {record.message}")
        return
    _show_before_and_after(run, name)
    st.page_link(
        page.DRAW,
        label="Draw at the fine-tuned run",
        icon=":material/draw:",
        query_params={"run": run.id, "collection": name, "show": "collect"},
    )


def _show_before_and_after(run: Run, name: str) -> None:
    before = open_run(run.record.data.start_from)
    base = run.record.dataset.rpartition("+")[2]
    left, right = st.columns(2)
    for place, data, title in (
        (left, collection_dataset(name), "Your drawings, held out"),
        (right, base, f"Test images of {find_dataset(base).title}"),
    ):
        was, now = (cached.evaluation(one, "test", data) for one in (before, run))
        gained = now.accuracy - was.accuracy
        place.metric(
            f"{title} ({now.n:,})",
            f"{percent(was.accuracy)} → {percent(now.accuracy)}",
            f"{100 * gained:+.2f} points",
            delta_color="off" if abs(gained) < 1e-9 else "normal",
        )
