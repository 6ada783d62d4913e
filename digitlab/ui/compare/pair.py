"""The cells of the Compare page on two of the runs: how B differs from A."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.data.registry import dataset_title
from digitlab.errors import DatasetError
from digitlab.evaluation.comparison import class_differences, compare_pair, missed_by_all
from digitlab.figures import differences as figures
from digitlab.figures.architecture import architecture_dot
from digitlab.figures.images import image_grid
from digitlab.ui import cached, url
from digitlab.ui.compare.choose import ComparedRun, why_not
from digitlab.ui.compare.compared_image import show_compared_image
from digitlab.ui.compare.verdict import verdict
from digitlab.ui.page import FEW_BUTTONS, store_click
from digitlab.words import shorten

if TYPE_CHECKING:
    import numpy as np

    from digitlab.data.dataset import Split
    from digitlab.evaluation.comparison import PairComparison

PER_PAGE = 24
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


def show_verdict(a: ComparedRun, b: ComparedRun, count: int) -> PairComparison | None:
    """Show whether the difference of two of `count` runs is significant; None if not comparable."""
    reason = why_not(a, b)
    if reason:
        st.warning(
            f"{reason} Choose two runs that were tested on the same images.",
            icon=":material/warning:",
        )
        return None
    pair = compare_pair(a.result, b.result)
    st.markdown(verdict(pair, a.result, b.result, a.name, b.name))
    _show_counts(pair)
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
    return pair


def _show_counts(pair: PairComparison) -> None:
    counts = {
        "Both right": f"{pair.both_right:,}",
        "Only A right": f"{pair.only_a:,}",
        "Only B right": f"{pair.only_b:,}",
        "Both wrong": f"{pair.both_wrong:,}",
        "p": f"{pair.p_value:.2g}" if pair.p_value >= 0.001 else "< 0.001",
    }
    with st.container(horizontal=True, gap="large"):
        for label, value in counts.items():
            st.metric(label, value, width="content")


def show_classes(runs: Sequence[ComparedRun], a: ComparedRun) -> str:
    """Show recall or F1 of each class, all other runs against A; returns the metric."""
    metric = url.choose(
        "Measure", METRICS, param="measure", default="recall", widget=st.segmented_control
    )
    rest = [(i, run) for i, run in enumerate(runs) if run is not a and not why_not(a, run)]
    if not rest:
        st.info(f"No other run was tested on the same images as {a.name}.", icon=":material/info:")
        return metric
    st.plotly_chart(
        figures.class_differences(
            [class_differences(a.result, run.result) for _, run in rest],
            [run.name for _, run in rest],
            [i for i, _ in rest],
            a.name,
            metric,
        ),
        key="compare:classes",
        config=FEW_BUTTONS,
        alt=f"{METRICS[metric]} of each class, in points above or below {a.name}.",
    )
    return metric


def show_confusion(a: ComparedRun, b: ComparedRun) -> None:
    """Show the confusion matrix of B minus that of A."""
    st.plotly_chart(
        figures.confusion_difference(
            a.result.confusion, b.result.confusion, a.result.classes, a.name, b.name
        ),
        key=f"compare:confusion:{a.id}:{b.id}",
        alt="Confusion matrix of B minus that of A: rows are the true classes.",
    )


def show_images(
    runs: Sequence[ComparedRun], a: ComparedRun, b: ComparedRun, pair: PairComparison
) -> str:
    """Show the images newly right, newly wrong or missed by all; returns which of the three."""
    group = [run for run in runs if run is a or not why_not(a, run)]
    kinds = {
        "right": ("Right in B, wrong in A", pair.newly_right),
        "wrong": ("Wrong in B, right in A", pair.newly_wrong),
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
        narrow, _ = st.columns([1, 3])
        with narrow:
            first = url.number(f"Page (of {pages:,})", param="shown", default=1, low=1, high=pages)
    positions = positions[(first - 1) * PER_PAGE : first * PER_PAGE]
    _show_images(positions, group, a, b)
    return kind


def _test_images(run: ComparedRun) -> Split:
    """The images that the run was tested on; DatasetError if they are not on this machine."""
    import numpy as np

    split = run.record.split
    test = cached.dataset(split.name, split.val_fraction, split.split_seed).split("test")
    if not np.array_equal(test.labels.numpy(), run.result.labels):
        title = dataset_title(run.record.dataset)
        raise DatasetError(f"this machine has another version of {title}.")
    return test


def _show_images(
    positions: np.ndarray, runs: Sequence[ComparedRun], a: ComparedRun, b: ComparedRun
) -> None:
    names = a.result.classes
    truths = [names[a.result.labels[i]] for i in positions]
    readings = [[names[run.result.predictions[i]] for i in positions] for run in (a, b)]
    try:
        test = _test_images(a)
    except DatasetError as e:
        st.info(f"The images cannot be shown: {e}", icon=":material/image_not_supported:")
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
    st.plotly_chart(
        image_grid(
            test.images[positions].numpy(),
            captions,
            hovers=hovers,
            indices=positions.tolist(),
            columns=8,
            tile=60,
        ),
        key=(key := f"compare:images:{positions[0]}:{len(positions)}"),
        on_select=lambda: store_click(key, "image"),
        selection_mode="points",
        config={"displayModeBar": False},
        alt="Test images with their true class and what A and B read.",
    )
    show_compared_image(positions, test, runs)


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
        st.info("A and B have the same layers.", icon=":material/drag_handle:")
    for column, run in zip(st.columns(1 if same else 2), (a, b), strict=False):
        spec = run.run.spec
        with column:
            st.markdown(f"**{run.name}** · {run.record.parameters:,} parameters")
            st.graphviz_chart(
                architecture_dot(cached.summarize(spec)), alt=f"Diagram of {spec.name}."
            )
            st.code(spec.to_yaml(), language="yaml")
