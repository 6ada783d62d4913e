"""The robustness card: what the run's accuracy is worth when images get worse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.cache import require_weights
from digitlab.analysis.robustness import QUICK, AttackedImage, attack_example, seeded_generator
from digitlab.analysis.robustness_card import RobustnessCard, read_card
from digitlab.errors import DatasetError
from digitlab.jobs.robustness import (
    forget_failure,
    read_progress,
    start_robustness,
    stop_robustness,
)
from digitlab.snippets import inspection as snippets
from digitlab.ui import cached, page
from digitlab.ui.results.view import View, title_of
from digitlab.words import duration, interval, percent

if TYPE_CHECKING:
    import numpy as np

    from digitlab.data.dataset import Split
    from digitlab.runs.run import Run

LOOK_SECONDS = 1.0
ATTACKS = {
    "fgsm": ("One step along the gradient (FGSM)", "Each pixel moved by ε where it hurts most."),
    "pgd": (
        "Twenty steps along the gradient (PGD)",
        "The worst that a search within ±ε of each pixel found: what an attacker could do.",
    ),
}


def show(view: View) -> None:
    """The card, what is going on, and the way to a new one."""
    page.cell(
        "Robustness card",
        "A test set is made like the training set; the world is not. How much of the accuracy is "
        "left when digits are moved, turned, blurred or covered, on other people's digits, and "
        "under attack? Always on test images of the run's own data, whatever is chosen above.",
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
        st.info(f"Nothing can be measured here: {e}", icon=":material/folder_off:")
        return None


# ---- measuring ----------------------------------------------------------------------------------


def _show_actions(run: Run, card: RobustnessCard | None, test: Split | None) -> None:
    progress = read_progress(run)
    going = progress is not None and not progress.failed
    if going:
        st.fragment(_watch, run_every=LOOK_SECONDS)(run)
        return
    if progress:
        st.error(f"The measurement failed: {progress.failed}", icon=":material/error:")
    if test is None:
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
        help="In the background: you may leave this page.",
    ):
        _start(run, None)
    if card is None:
        st.info(
            "Nothing has been measured yet: it takes seconds for a small network and minutes for "
            "a large one.",
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
    if right.button("Stop", icon=":material/stop_circle:", width="stretch"):
        stop_robustness(run)


# ---- the card -----------------------------------------------------------------------------------


def _show_card(run: Run, card: RobustnessCard, test: Split | None) -> None:
    from digitlab.analysis.corruptions import CORRUPTIONS
    from digitlab.evaluation.intervals import wilson_interval

    within = wilson_interval(card.correct, card.n)
    st.markdown(
        f"As they are, **{percent(card.accuracy, 1)}** of {card.n:,} test images are read rightly "
        f"(95 %: {interval(within, 1)}). {_weakest(card)} Measured on "
        f"{card.device.upper()} in {duration(card.seconds)}, seed {card.seed}."
    )
    if card.elsewhere:
        _show_elsewhere(card)
    samples = {} if test is None else _samples(run, card, test)
    st.markdown("**Accuracy as the images get worse**")
    known = [curve for curve in card.curves if curve.name in CORRUPTIONS]
    for i in range(0, len(known), 2):
        for place, curve in zip(st.columns(2), known[i : i + 2], strict=False):
            one = CORRUPTIONS[curve.name]
            with place:
                _show_curve(curve, one.title, one.unit, one.about, samples.get(curve.name), run)
    _show_attacks(run, card, test)


def _weakest(card: RobustnessCard) -> str:
    from digitlab.analysis.corruptions import CORRUPTIONS

    curve = min(card.curves, key=lambda curve: curve.worst.correct)
    one = CORRUPTIONS.get(curve.name)
    if one is None:
        return ""
    left = percent(curve.worst.correct / curve.n, 1)
    return f"Least is left at {one.title.lower()} {curve.worst.severity:g} ({one.unit}): {left}."


def _show_elsewhere(card: RobustnessCard) -> None:
    from digitlab.evaluation.intervals import wilson_interval
    from digitlab.figures.robustness import accuracy_bars

    rows = [(card.dataset, card.n, card.correct), *card.elsewhere]
    st.plotly_chart(
        accuracy_bars(
            [title_of(name) for name, _, _ in rows],
            [correct / n for _, n, correct in rows],
            [wilson_interval(correct, n) for _, n, correct in rows],
            title="Other people's digits: accuracy on other test sets",
        ),
        key="robustness-elsewhere",
        config={"displayModeBar": False},
        alt="Accuracy on other datasets.",
    )
    st.caption(
        "Written by other people and scanned by other machines. Where a run has learnt from some "
        "of them, too, its figure there says less."
    )


def _samples(run: Run, card: RobustnessCard, test: Split) -> dict[str, np.ndarray]:
    return cached.of_evaluation(
        _corrupted_samples, ("samples", run.id, run.record.ended, card.seed), test, card.seed
    )


def _corrupted_samples(test: Split, seed: int) -> dict[str, np.ndarray]:
    """One image at each severity of each corruption, another class for each."""
    import torch

    from digitlab.analysis.corruptions import CORRUPTIONS, corrupt

    classes = test.labels.unique().tolist()
    found = {}
    for i, one in enumerate(CORRUPTIONS.values()):
        label = classes[(i + 2) % len(classes)]
        image = test.images[int((test.labels == label).nonzero()[0])][None]
        levels = [
            corrupt(image, one.name, s, seeded_generator(one.name, seed)) for s in one.severities
        ]
        found[one.name] = torch.cat(levels)[:, 0].numpy()
    return found


def _show_curve(
    curve, title: str, unit: str, about: str, images, run: Run, captions: Sequence[str] = ()
) -> None:
    from digitlab.evaluation.intervals import wilson_interval
    from digitlab.figures.robustness import severity_curve

    st.plotly_chart(
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
        config={"displayModeBar": False},
        alt=f"Accuracy under {title.lower()}, by severity.",
    )
    st.caption(about)


def _show_attacks(run: Run, card: RobustnessCard, test: Split | None) -> None:
    st.markdown("**Under attack**")
    if not card.attacks:
        st.caption(
            "An attack follows the gradient of the loss in the pixels, which this classical model "
            "does not have."
        )
        return
    examples = {} if test is None else _attack_examples(run, card, test)
    st.caption(
        f"Every pixel may change by at most ε, where ink is 1 and paper 0; on {card.attacks[0].n:,}"
        " of the images. The dotted line is guessing, below which only an attack gets."
        + (" Below: one image, attacked, and what it is then read as." if examples else "")
    )
    for place, curve in zip(st.columns(2), card.attacks, strict=False):
        title, about = ATTACKS[curve.name]
        one = examples.get(curve.name)
        if one is not None and len(one.images) != len(curve.levels):
            one = None  # a card of other ε
        images, captions = (one.images, _captions(run, one)) if one else (None, ())
        with place:
            _show_curve(curve, title, "ε", about, images, run, captions)


def _attack_examples(run: Run, card: RobustnessCard, test: Split) -> dict[str, AttackedImage]:
    """The first test image that is read rightly, under each attack."""
    result = cached.evaluation(run, "test")
    right = (result.predictions == result.labels).nonzero()[0]
    if not len(right) or len(result.labels) != len(test):
        return {}
    position = int(right[0])
    return cached.of_evaluation(
        attack_example,
        ("attacked", run.id, run.record.ended, card.seed),
        cached.reader(run),
        test.images[position],
        int(result.labels[position]),
        seed=card.seed,
    )


def _captions(run: Run, one: AttackedImage) -> list[str]:
    """What each image is read as; in bold where that is no longer what it was."""
    names = [run.classes[label][:6] for label in one.readings]
    return [f"→ {name}" if name == names[0] else f"→ <b>{name}</b>" for name in names]
