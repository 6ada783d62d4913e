"""The end of a run in a few lines: how many images it reads, what it confuses, what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.figures.images import contact_sheet
from digitlab.runs.run import Run
from digitlab.training.diagnostics import is_guessing
from digitlab.ui import cached, page
from digitlab.ui.markdown import plain
from digitlab.ui.results.reconstruction import has_learnt
from digitlab.ui.results.view import View
from digitlab.ui.train.next_step import show_next_step
from digitlab.words import percent, times

if TYPE_CHECKING:
    from digitlab.evaluation.metrics import ClassMetrics, Evaluation

MISTAKES = 3
PIXELS = 72  # of a mistake's side: three fit beside each other on a phone


def has_learnt_nothing(run: Run) -> bool:
    """Whether a run has ended and answers hardly better than if it did not see the images."""
    record = run.record
    if record.active or not record.measured:
        return False
    if run.task == "reconstruct":
        return not has_learnt(View(run, "test"))
    try:
        result = cached.evaluation(run, "test")
    except DigitlabError:
        return False
    return is_guessing(result.accuracy, _most_frequent(result).support / result.n)


def _most_frequent(result: Evaluation) -> ClassMetrics:
    return max(result.per_class, key=lambda row: row.support)


def show_summary(run: Run, *, nothing: bool) -> None:
    """The accuracy and what it means, three mistakes, and the ways on.

    `nothing` where the run learnt nothing.
    """
    left, right = st.columns(2)
    reconstructs = run.task == "reconstruct"
    try:
        with left:
            _describe_errors(run) if reconstructs else _describe(run, nothing)
        with right:
            _show_worst(run) if reconstructs else _show_mistakes(run)
    except DigitlabError as e:  # its predictions, or the images, are gone
        st.caption(page.message(e))
    with st.container(horizontal=True):
        if nothing:  # then what to try is what matters
            show_next_step(run, nothing=True)
        _link("Take it apart", page.RESULTS, run, type="secondary" if nothing else "primary")
        if not reconstructs:
            _link("Try it on a drawing", page.DRAW, run)
        if not nothing:
            show_next_step(run, nothing=False)


def _describe(run: Run, nothing: bool) -> None:
    """Show what a classifier reads and confuses."""
    st.metric("Test accuracy", percent(run.record.test_accuracy), width="content")
    result = cached.evaluation(run, "test")
    if nothing:
        most = _most_frequent(result)
        share = percent(most.support / result.n)
        st.markdown(f"To answer {plain(most.name)} for every image would be right in {share}.")
        return
    read = f"{result.n - len(result.errors):,} of {result.n:,}"
    st.markdown(f"It reads **{read} test images** as labelled. {_confusions(run, result)}")


def _confusions(run: Run, result: Evaluation) -> str:
    count = len(result.errors)
    if not count:
        return "None is wrong."
    names = [plain(name) for name in run.classes]
    pairs = [
        f"{names[pair.true]} as {names[pair.predicted]} ({times(pair.count)})"
        for pair in result.most_confused(2)
        if pair.count > 1
    ]
    often = f", most often {' and '.join(pairs)}" if pairs else ""
    return f"{count:,} {'are' if count > 1 else 'is'} wrong{often}."


def _describe_errors(run: Run) -> None:
    """Show how well an autoencoder gives images back."""
    result = cached.reconstruction(run, "test")
    st.metric("Test error", f"{result.error:.4f}", width="content")
    rows = [row for row in result.per_class if row.count]
    worst, best = max(rows, key=lambda row: row.error), min(rows, key=lambda row: row.error)
    st.markdown(
        f"The mean error of a pixel over {result.n:,} test images. It gives {plain(best.name)} "
        f"back best ({best.error:.4f}) and {plain(worst.name)} worst ({worst.error:.4f})."
    )


def _show_mistakes(run: Run) -> None:
    """The mistakes of which the network was most confident."""
    names, mistakes = run.classes, cached.evaluation(run, "test").errors[:MISTAKES]
    captions = [f"{names[mistake.true]} → {names[mistake.predicted]}" for mistake in mistakes]
    if captions:
        st.caption("Its most confident mistakes, true class → what was read")
        _show_images(run, mistakes.position, captions)


def _show_worst(run: Run) -> None:
    """The images that an autoencoder gives back worst."""
    result = cached.reconstruction(run, "test")
    positions = result.worst(MISTAKES)
    st.caption("Given back worst")
    _show_images(run, positions, [run.classes[label] for label in result.labels[positions]])


def _show_images(run: Run, positions: object, captions: list[str]) -> None:
    images = cached.own_dataset(run).test.images[positions]
    with st.container(horizontal=True, gap="small"):
        for image, caption in zip(images, captions, strict=True):
            picture = contact_sheet(image[None], scale=4)
            st.image(picture, caption=plain(caption), width=PIXELS, alt=f"Test image, {caption}")


def _link(label: str, target: str, run: Run, **arguments: str) -> None:
    """A button that opens another page with this run."""
    if st.button(label, key=f"{label}:{run.id}", icon=page.ICONS[target], **arguments):
        st.switch_page(target, query_params={"run": run.id})
