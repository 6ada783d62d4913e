"""The luck of the seed, and runs that answer together."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.evaluation.metrics import Evaluation, evaluate_logits
from digitlab.execution.ensemble import ensemble
from digitlab.jobs.queue import active_runs
from digitlab.jobs.seeds import MOST, run_seeds
from digitlab.snippets import comparison as snippets
from digitlab.snippets import export
from digitlab.ui import cached, page, url
from digitlab.ui.compare import side_by_side
from digitlab.ui.compare.choose import Chosen, why_not
from digitlab.ui.run_picker import show_training_link
from digitlab.words import interval, percent

HOW = {"mean": "Mean of probabilities", "vote": "Vote"}
LOOK_SECONDS = 2.0  # between two looks at what trains; nobody looks where nothing does
USUAL = 5  # seeds: the interval of the mean is then about 1.2 deviations either way


def show(chosen: Sequence[Chosen]) -> None:
    """The spread over seeds with a way to more of them, then the ensemble of the chosen runs."""
    page.cell(
        "The luck of the seed",
        "The same configuration trained with other seeds: how far its accuracy spreads says how "
        "much of a difference between two runs a seed alone can make.",
    )
    families = side_by_side.show_seeds(chosen)
    if families:
        page.code_fold(snippets.seeds(families))
    _offer_seeds(chosen)
    _show_ensemble(chosen)


def _offer_seeds(chosen: Sequence[Chosen]) -> None:
    trained = [one for one in chosen if not one.record.members]
    if not trained:
        return
    kinds = {one.run.id: one.name for one in trained}
    st.markdown("**Run with more seeds.** What is there or waits already counts.")
    left, middle, right = st.columns([4, 2, 2], vertical_alignment="bottom")
    with left:
        run_id = url.choose("Configuration of", kinds, param="like", default=trained[0].run.id)
    with middle:
        k = url.number("Seeds in all", param="seeds", default=USUAL, low=2, high=MOST)
    if right.button("Run them", icon=":material/casino:", key="run-seeds", width="stretch"):
        _queue(run_id, k)
    busy = bool(active_runs())
    st.fragment(_show_waiting, run_every=LOOK_SECONDS if busy else None)(busy)
    page.code_fold(export.more_seeds(run_id, k))


def _queue(run_id: str, k: int) -> None:
    try:
        queued = run_seeds(run_id, k)
    except DigitlabError as e:
        st.error(str(e), icon=":material/error:")
        return
    if queued:
        st.success(
            f"{len(queued)} run{'s' * (len(queued) > 1)} queued; the table counts each when it "
            "has finished.",
            icon=":material/hourglass_top:",
        )
    else:
        st.info(f"This configuration has {k} seeds already.", icon=":material/check:")


@page.guard()
def _show_waiting(busy: bool) -> None:
    """What trains or waits now; when the last one has ended, the page is drawn anew."""
    active = active_runs()
    for record in active[:8]:
        show_training_link(record)
    if len(active) > 8:
        st.caption(f"… and {len(active) - 8} more.")
    if busy and not active:
        st.rerun()


def _show_ensemble(chosen: Sequence[Chosen]) -> None:
    page.cell(
        "Together",
        "Networks err on different images, so that several together are often better than the best "
        "of them. The mean of their probabilities listens to how sure each is; a vote does not.",
    )
    reason = next((why_not(chosen[0], one) for one in chosen[1:] if why_not(chosen[0], one)), "")
    if reason:
        st.info(f"{reason} Choose runs of one dataset.", icon=":material/info:")
        return
    alone = [one for one in chosen if not one.record.members]
    chosen = alone if len(alone) > 1 else chosen  # an ensemble's members would count twice
    how = url.choose("Joined by", HOW, param="how", default="mean", widget=st.segmented_control)
    result = _joined(chosen, how)
    best = max(chosen, key=lambda one: one.result.accuracy)
    first, second, third = st.columns(3)
    first.metric(
        f"All {len(chosen)} together",
        percent(result.accuracy),
        f"95 %: {interval(result.accuracy_interval)}",
        delta_arrow="off",
        delta_color="off",
    )
    second.metric(
        "The best alone",
        percent(best.result.accuracy),
        best.name,
        delta_arrow="off",
        delta_color="off",
    )
    third.metric(
        "Mistakes",
        f"{len(result.errors):,}",
        f"best alone {len(best.result.errors):,}",
        delta_arrow="off",
        delta_color="off",
    )
    _keep(chosen, how)
    page.code_fold(export.ensemble([one.run.id for one in chosen], how))


def _joined(chosen: Sequence[Chosen], how: str) -> Evaluation:
    key = (tuple(one.run.id for one in chosen), tuple(one.record.ended for one in chosen), how)
    return cached.of_evaluation(_join, key, *(one.result for one in chosen), how=how)


def _join(*results: Evaluation, how: str) -> Evaluation:
    import torch

    from digitlab.training.ensemble import combine_logits

    logits = combine_logits(torch.stack([torch.from_numpy(one.logits) for one in results]), how)
    return evaluate_logits(logits.numpy(), results[0].labels, results[0].classes)


def _keep(chosen: Sequence[Chosen], how: str) -> None:
    left, right = st.columns([5, 2], vertical_alignment="bottom")
    name = left.text_input(
        "Name", max_chars=120, placeholder=f"Ensemble of {len(chosen)} ({how})", key="joined-name"
    )
    words = "As a run of its own: it can be drawn at, taken apart and compared. Its members stay."
    if not right.button(
        "Keep as a run", icon=":material/join:", key="join", help=words, width="stretch"
    ):
        return
    run = ensemble([one.run for one in chosen], how, name=name)
    st.success(f"Kept as {run.record.name}.", icon=":material/check_circle:")
    with st.container(horizontal=True):
        for target, label in ((page.RESULTS, "Take it apart"), (page.DRAW, "Draw at it")):
            st.page_link(target, label=label, icon=page.ICONS[target], query_params={"run": run.id})
