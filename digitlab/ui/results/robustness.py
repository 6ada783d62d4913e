"""The robustness card: the accuracy on corrupted, foreign and attacked images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from digitlab import owners
from digitlab.analysis.cache import require_weights
from digitlab.analysis.corruption_kinds import CORRUPTIONS
from digitlab.analysis.robustness import QUICK, AttackedImage
from digitlab.analysis.robustness_card import RobustnessCard, read_card
from digitlab.data.registry import dataset_title
from digitlab.errors import DatasetError
from digitlab.evaluation.intervals import wilson_interval
from digitlab.jobs.compute import requests
from digitlab.jobs.robustness import (
    forget_failure,
    read_progress,
    start_robustness,
    stop_robustness,
)
from digitlab.snippets import inspection as snippets
from digitlab.ui import cached, page
from digitlab.ui.chart import show_chart
from digitlab.ui.results.view import View
from digitlab.words import duration, interval, percent, shorten

if TYPE_CHECKING:
    from digitlab.data.dataset import Split
    from digitlab.runs.run import Run

POLL_SECONDS = 1.0
ATTACKS = {
    "fgsm": (
        "One step along the gradient (FGSM)",
        "Each pixel changes by ε in the direction that raises the loss.",
    ),
    "pgd": (
        "Twenty steps along the gradient (PGD)",
        "The worst image found within ±ε of each pixel: what an attacker could reach.",
    ),
}


def show(view: View) -> None:
    """Show the card, a measurement in progress, and the buttons that start one."""
    page.cell(
        "Robustness card",
        "Test images are made like training images; real ones often are not. How accurate is the "
        "network on digits that are shifted, rotated, blurred or covered, on other datasets, and "
        "under attack? Always measured on test images of the run's own data, whatever is chosen "
        "above.",
    )
    require_weights(view.run)
    test = _test_images(view.run)
    card = read_card(view.run)
    _show_actions(view.run, card, test)
    if card:
        _show_card(view.run, card, test)
    images = None if card and card.n == card.available else (card.n if card else QUICK)
    page.code_fold(snippets.robustness(view.run.id, images=images))


def _test_images(run: Run) -> Split | None:
    try:
        return cached.own_dataset(run).test
    except DatasetError as e:
        text = f"Robustness cannot be measured: {e}"
        page.show_error(text, st.info, ":material/folder_off:")
        return None


# ---- measuring ----------------------------------------------------------------------------------


def _show_actions(run: Run, card: RobustnessCard | None, test: Split | None) -> None:
    progress = read_progress(run)
    if progress and not progress.failed:
        st.fragment(_watch, run_every=POLL_SECONDS)(run)
        return
    if progress:
        page.show_error(f"The measurement failed: {progress.failed}")
    if test is None or not owners.may_change(run.record.owner):
        return
    first, second, _ = st.columns([2, 2, 1])
    few = min(QUICK, len(test))
    again = "again " if card else ""
    if first.button(
        f"Measure {again}on {few:,} test images", icon=":material/speed:", width="stretch"
    ):
        _start(run, few)
    if len(test) > few and second.button(
        f"Measure on all {len(test):,}",
        icon=":material/all_inclusive:",
        width="stretch",
        help="Runs in the background: you may leave this page.",
    ):
        _start(run, None)
    if card is None:
        st.info(
            "Nothing has been measured yet. It takes seconds for a small network and minutes for a "
            "large one.",
            icon=":material/monitor_heart:",
        )


def _start(run: Run, images: int | None) -> None:
    forget_failure(run)
    start_robustness(run, images)
    st.rerun()


@page.guard()
def _watch(run: Run) -> None:
    progress = read_progress(run)
    if progress is None or progress.failed:
        st.rerun()
    left, right = st.columns([5, 1], vertical_alignment="center")
    share = progress.done / max(progress.total, 1)
    left.progress(share, text=f"{progress.what}: {progress.done} of {progress.total} steps")
    if not owners.may_change(run.record.owner):
        return
    if right.button("Stop", icon=":material/stop_circle:", width="stretch"):
        stop_robustness(run)


# ---- the card -----------------------------------------------------------------------------------


def _show_card(run: Run, card: RobustnessCard, test: Split | None) -> None:
    from digitlab.figures.images import as_grey

    within = wilson_interval(card.correct, card.n)
    st.markdown(
        f"**{percent(card.accuracy, 1)}** of {card.n:,} unchanged test images are read correctly "
        f"(95 %: {interval(within, 1)}). {_weakest(card)} Measured on "
        f"{card.device.upper()} in {duration(card.seconds)}, seed {card.seed}."
    )
    if card.elsewhere:
        _show_other_datasets(card)
    samples = {} if test is None else cached.of_run(requests.corrupted_samples, run, card.seed)
    st.markdown("**Accuracy as the images get worse**")
    known = [curve for curve in card.curves if curve.name in CORRUPTIONS]
    for i in range(0, len(known), 2):
        for column, curve in zip(st.columns(2), known[i : i + 2], strict=False):
            corruption = CORRUPTIONS[curve.name]
            title, unit, about = corruption.title, corruption.unit, corruption.about
            images = as_grey(samples[curve.name]) if curve.name in samples else None
            with column:
                _show_curve(curve, title, unit, about, images, run)
    _show_attacks(run, card, test)


def _weakest(card: RobustnessCard) -> str:
    curve = min(card.curves, key=lambda curve: curve.worst.correct)
    corruption = CORRUPTIONS.get(curve.name)
    if corruption is None:
        return ""
    accuracy = percent(curve.worst.correct / curve.n, 1)
    severity = f"{corruption.title.lower()} {curve.worst.severity:g} ({corruption.unit})"
    return f"The lowest accuracy is {accuracy}, at {severity}."


def _show_other_datasets(card: RobustnessCard) -> None:
    from digitlab.figures.robustness import accuracy_bars

    rows = [(card.dataset, card.n, card.correct), *card.elsewhere]
    show_chart(
        accuracy_bars(
            [dataset_title(name) for name, _, _ in rows],
            [correct / n for _, n, correct in rows],
            [wilson_interval(correct, n) for _, n, correct in rows],
            title="Accuracy on the test images of other datasets",
        ),
        key="robustness-elsewhere",
        bar=False,
        alt="Accuracy on other datasets.",
    )
    st.caption(
        "Digits of other people, scanned by other machines. If the run was trained on some of "
        "them, its accuracy there says less."
    )


def _show_curve(
    curve, title: str, unit: str, about: str, images, run: Run, captions: Sequence[str] = ()
) -> None:
    from digitlab.figures.robustness import severity_curve

    show_chart(
        severity_curve(
            title,
            unit,
            [level.severity for level in curve.levels],
            curve.accuracies,
            [wilson_interval(level.correct, curve.n) for level in curve.levels],
            images,
            captions=captions,
            chance=1 / len(run.classes),
            height=330 if captions else 300,
        ),
        key=f"robustness-{curve.name}",
        bar=False,
        alt=f"Accuracy under {title.lower()}, by severity.",
    )
    st.caption(about)


def _show_attacks(run: Run, card: RobustnessCard, test: Split | None) -> None:
    st.markdown("**Accuracy under attack**")
    if not card.attacks:
        st.caption(
            "An attack needs the gradient of the loss with respect to the pixels, which this "
            "classical model does not have."
        )
        return
    examples = {} if test is None else _attack_examples(run, card, test)
    st.caption(
        f"Every pixel may change by at most ε, where ink is 1 and paper 0; on {card.attacks[0].n:,}"
        " of the images. The dotted line is chance; only an attack gets below it."
        + (" Below each chart: one attacked image and what it is read as." if examples else "")
    )
    for column, curve in zip(st.columns(2), card.attacks, strict=False):
        title, about = ATTACKS[curve.name]
        example = examples.get(curve.name)
        if example is not None and len(example.images) != len(curve.levels):
            example = None  # the card was measured with other values of ε
        images, captions = (example.images, _captions(run, example)) if example else (None, ())
        with column:
            _show_curve(curve, title, "ε", about, images, run, captions)


def _attack_examples(run: Run, card: RobustnessCard, test: Split) -> dict[str, AttackedImage]:
    """The first test image that is read correctly, under each attack."""
    result = cached.evaluation(run, "test")
    right = (result.predictions == result.labels).nonzero()[0]
    if not len(right) or len(result.labels) != len(test):
        return {}
    position = int(right[0])
    label = int(result.labels[position])
    return cached.of_run(requests.attack_example, run, position, label, card.seed)


def _captions(run: Run, example: AttackedImage) -> list[str]:
    """What each image is read as, in bold if the attack has changed it."""
    names = [shorten(run.classes[label], 6) for label in example.readings]
    return [f"→ {name}" if name == names[0] else f"→ <b>{name}</b>" for name in names]
