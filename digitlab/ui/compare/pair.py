"""The cells of the Compare page on two of the runs: how B differs from A."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.data.registry import dataset_title
from digitlab.errors import DatasetError
from digitlab.evaluation.comparison import class_differences, compare_pair, missed_by_all
from digitlab.figures import differences as figures
from digitlab.figures.architecture import architecture_dot
from digitlab.figures.images import describe_grid
from digitlab.ui import cached, url
from digitlab.ui.chart import show_chart
from digitlab.ui.compare.choose import ComparedRun, why_not
from digitlab.ui.compare.compared_image import show_compared_image
from digitlab.ui.compare.verdict import verdict
from digitlab.ui.datasets import explain_absence
from digitlab.ui.markdown import plain
from digitlab.ui.page import store_click
from digitlab.words import shorten

if TYPE_CHECKING:
    import numpy as np

    from digitlab.data.dataset import Split
    from digitlab.evaluation.comparison import PairComparison

PER_PAGE = 24
SHORT = 28  # characters of a run's name where there is little room
METRICS = {"recall": "Recall", "f1": "F1"}


def pick_pair(runs: Sequence[ComparedRun]) -> tuple[ComparedRun, ComparedRun]:
    """Let the visitor choose runs A and B, which the URL keeps."""
    options = {run.id: run.name for run in runs}
    left, right = st.columns(2)
    with left:
        a = url.choose("A", options, param="a", default=runs[0].id)
    rest = {run_id: name for run_id, name in options.items() if run_id != a}
    with right:
        b = url.choose("B", rest, param="b", default=next(iter(rest)))
    by_id = {run.id: run for run in runs}
    return by_id[a], by_id[b]


def compare(a: ComparedRun, b: ComparedRun) -> PairComparison | None:
    """The two runs image by image; None, with a warning, if they cannot be compared."""
    reason = why_not(a, b)
    if reason:
        text = f"{reason} Choose two runs that were tested on the same images."
        st.warning(plain(text), icon=":material/warning:")
        return None
    return compare_pair(a.result, b.result)


def show_verdict(a: ComparedRun, b: ComparedRun, compared: PairComparison, count: int) -> None:
    """Show whether the difference of two of `count` runs is significant."""
    st.markdown(verdict(compared, a.result, b.result, plain(a.name), plain(b.name)))
    _show_counts(a, b, compared)
    st.caption(
        "McNemar's exact test uses the images that only one of the runs reads correctly. If both "
        "runs are equally good, each of these images is like the toss of a fair coin. The test is "
        "about these two trained networks. Another seed may give another result: see Seeds and "
        "ensembles."
    )
    if count > 2:
        pairs = count * (count - 1) // 2
        st.caption(
            f"{count} runs make {pairs} pairs. The more pairs you test, the more likely one has a "
            "small p by chance alone. Choose the pair before you look, or require a p below "
            f"{0.05 / pairs:.2g} (0.05 / {pairs}, Bonferroni correction)."
        )


def _show_counts(a: ComparedRun, b: ComparedRun, compared: PairComparison) -> None:
    p = f"{compared.p_value:.2g}" if compared.p_value >= 0.001 else "< 0.001"
    counts = (
        ("Only A right", f"{compared.only_a:,}", plain(shorten(a.name, SHORT))),
        ("Only B right", f"{compared.only_b:,}", plain(shorten(b.name, SHORT))),
        ("Both right", f"{compared.both_right:,}", None),
        ("Both wrong", f"{compared.both_wrong:,}", None),
        ("p", p, None),
    )
    with st.container(horizontal=True, gap="medium"):
        for label, value, note in counts:
            st.metric(label, value, note, delta_arrow="off", delta_color="off", width="content")


def show_classes(runs: Sequence[ComparedRun], a: ComparedRun) -> str:
    """Show recall or F1 of each class, all other runs against A; returns the metric."""
    metric = url.choose(
        "Measure", METRICS, param="measure", default="recall", widget=st.segmented_control
    )
    rest = [(i, run) for i, run in enumerate(runs) if run is not a and not why_not(a, run)]
    if not rest:
        text = f"No other run was tested on the same images as {plain(a.name)}."
        st.info(text, icon=":material/info:")
        return metric
    show_chart(
        figures.class_differences(
            [class_differences(a.result, run.result) for _, run in rest],
            [run.name for _, run in rest],
            [i for i, _ in rest],
            a.name,
            metric,
        ),
        key="compare:classes",
        alt=f"{METRICS[metric]} of each class, in points above or below {a.name}.",
    )
    return metric


def show_confusion(a: ComparedRun, b: ComparedRun) -> None:
    """Show the confusion matrix of B minus that of A."""
    show_chart(
        figures.confusion_difference(
            a.result.confusion, b.result.confusion, a.result.classes, a.name, b.name
        ),
        key=f"compare:confusion:{a.id}:{b.id}",
        alt=f"Confusion matrix of {b.name} minus that of {a.name}: rows are the true classes.",
    )


def show_images(
    runs: Sequence[ComparedRun], a: ComparedRun, b: ComparedRun, pair: PairComparison
) -> str:
    """Show the images newly right, newly wrong or missed by all; returns which of the three."""
    group = [run for run in runs if run is a or not why_not(a, run)]
    kinds = {
        "right": ("Only B right", pair.newly_right),
        "wrong": ("Only A right", pair.newly_wrong),
        "all": (
            f"Wrong in all {len(group)}" if len(group) > 2 else "Wrong in both",
            missed_by_all([run.result for run in group]),
        ),
    }
    options = {kind: f"{label}: {len(positions):,}" for kind, (label, positions) in kinds.items()}
    # Not in a column: there a phone would cut it off instead of wrapping it.
    kind = url.choose("Show", options, param="images", default="right", widget=st.segmented_control)
    positions = kinds[kind][1]
    url.reset_on_change("compared", (a.id, b.id, kind), ("shown", "image"))
    if not len(positions):
        st.info("There are no such images.", icon=":material/info:")
        return kind
    pages = max(1, -(-len(positions) // PER_PAGE))
    first = 1
    if pages > 1:
        first = url.number(
            f"Page (of {pages:,})", param="shown", default=1, low=1, high=pages, width=200
        )
    positions = positions[(first - 1) * PER_PAGE : first * PER_PAGE]
    _show_images(positions, group, a, b)
    return kind


def _test_images(run: ComparedRun) -> Split:
    """The images that the run was judged on; DatasetError if they are not on this machine."""
    import numpy as np

    split = run.record.split
    test = cached.dataset(split.name, split.val_fraction, split.split_seed).split("test")
    own = cached.evaluation(run.run, "test")
    if not np.array_equal(test.labels, own.labels):
        title = dataset_title(run.record.dataset)
        raise DatasetError(f"this machine has another version of {title}.")
    if run.result is own:
        return test
    rows, labels = run.rows, run.result.labels
    return replace(test, images=test.images[rows], labels=labels, indices=test.indices[rows])


def _show_images(
    positions: np.ndarray, runs: Sequence[ComparedRun], a: ComparedRun, b: ComparedRun
) -> None:
    names = a.result.classes
    truths = [names[a.result.labels[i]] for i in positions]
    readings = [[names[run.result.predictions[i]] for i in positions] for run in (a, b)]
    try:
        test = _test_images(a)
    except DatasetError as e:
        explain_absence("The images", e)
        _show_as_table(positions, truths, runs, names)
        return
    hovers = [
        f"number {i:,}, labelled {truth}<br>"
        + "<br>".join(f"{run.name}: {names[run.result.predictions[i]]}" for run in runs)
        for i, truth in zip(positions, truths, strict=True)
    ]
    captions = [
        f"true {shorten(truth, 6)}<br>A {shorten(of_a, 6)} · B {shorten(of_b, 6)}"
        for truth, of_a, of_b in zip(truths, *readings, strict=True)
    ]
    key = f"compare:images:{positions[0]}:{len(positions)}"
    left, right = st.columns([3, 2], gap="medium")
    with left:
        show_chart(
            describe_grid(
                test.images[positions],
                captions,
                hovers=hovers,
                indices=positions.tolist(),
                columns=6,
                tile=76,
            ),
            key=key,
            on_select=lambda: store_click(key, "image"),
            bar=False,
            alt=f"Test images with their true class and what {a.name} and {b.name} read.",
        )
        st.caption(f"A: {plain(a.name)}. B: {plain(b.name)}. Click an image to enlarge it.")
    show_compared_image(positions, test, runs, right)


def _show_as_table(
    positions: np.ndarray, truths: Sequence[str], runs: Sequence[ComparedRun], names: Sequence[str]
) -> None:
    import pandas as pd

    table = pd.DataFrame({"Number": positions, "True class": truths})
    for run in runs:
        table[run.name] = [names[run.result.predictions[i]] for i in positions]
    st.dataframe(table, hide_index=True)


def show_architectures(a: ComparedRun, b: ComparedRun) -> None:
    """Show both architectures side by side, as a diagram and as YAML."""
    same = a.run.experiment.same_architecture(b.run.experiment)
    if same:
        st.info("Both have the same layers.", icon=":material/drag_handle:")
    for column, run in zip(st.columns(1 if same else 2), (a, b), strict=False):
        spec = run.run.spec
        with column:
            st.markdown(f"**{plain(run.name)}** · {run.record.parameters:,} parameters")
            st.graphviz_chart(
                architecture_dot(cached.summarize(spec)), alt=f"Diagram of {spec.name}."
            )
            st.code(spec.to_yaml(), language="yaml", wrap_lines=True)
