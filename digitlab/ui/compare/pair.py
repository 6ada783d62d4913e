"""The cells of the Compare page for two of the runs: what changes from A to B."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DatasetError
from digitlab.evaluation.comparison import class_differences, compare_pair, missed_by_all
from digitlab.figures import differences as figures
from digitlab.ui import cached, url
from digitlab.ui.compare.choose import Chosen, why_not
from digitlab.ui.compare.compared_image import show_closeup, take_click
from digitlab.ui.compare.verdict import verdict
from digitlab.ui.page import FEW_BUTTONS

if TYPE_CHECKING:
    import numpy as np

    from digitlab.evaluation.comparison import PairComparison

PER_PAGE = 24
METRICS = {"recall": "Recall", "f1": "F1"}


def pick_pair(chosen: Sequence[Chosen]) -> tuple[Chosen, Chosen]:
    """Runs A and B, kept in the URL."""
    options = {one.run.id: one.name for one in chosen}
    left, right = st.columns(2)
    with left:
        a = url.choose("A", options, param="a", default=chosen[0].run.id)
    rest = {run_id: name for run_id, name in options.items() if run_id != a}
    with right:
        b = url.choose("B", rest, param="b", default=next(iter(rest)))
    by_id = {one.run.id: one for one in chosen}
    return by_id[a], by_id[b]


def show_verdict(a: Chosen, b: Chosen, runs: int) -> PairComparison | None:
    """Whether the difference is real; None where the two cannot be compared."""
    reason = why_not(a, b)
    if reason:
        st.warning(f"{reason} Choose two that were tested on the same.", icon=":material/warning:")
        return None
    pair = compare_pair(a.result, b.result)
    st.markdown(verdict(pair, a.result, b.result, a.name, b.name))
    _show_counts(pair)
    st.caption(
        "McNemar's exact test: images that both read or both miss say nothing of who is better; "
        "those in dispute should fall to either side like a fair coin if neither is. It is about "
        "these two trained networks; with another seed either may do better or worse: see Seeds "
        "and ensembles."
    )
    if runs > 2:
        pairs = runs * (runs - 1) // 2
        st.caption(
            f"{runs} runs make {pairs} pairs. The more of them you look at, the surer you find "
            "one with a small p by chance alone: decide on the pair first, or ask for a p below "
            f"{0.05 / pairs:.2g} (0.05 shared out among {pairs}, Bonferroni)."
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


def show_classes(chosen: Sequence[Chosen], a: Chosen) -> str:
    """Recall or F1 of each class, all other runs against A; which of the two."""
    metric = url.choose(
        "Measure", METRICS, param="measure", default="recall", widget=st.segmented_control
    )
    others = [(i, one) for i, one in enumerate(chosen) if one is not a and not why_not(a, one)]
    if not others:
        st.info(f"No other run was tested on the same images as {a.name}.", icon=":material/info:")
        return metric
    st.plotly_chart(
        figures.class_differences(
            [class_differences(a.result, one.result) for _, one in others],
            [one.name for _, one in others],
            [i for i, _ in others],
            a.name,
            metric,
        ),
        key="compare:classes",
        config=FEW_BUTTONS,
        alt=f"{METRICS[metric]} of each class, in points above or below {a.name}.",
    )
    return metric


def show_confusion(a: Chosen, b: Chosen) -> None:
    """Confusion matrix of B minus that of A."""
    st.plotly_chart(
        figures.confusion_difference(
            a.result.confusion, b.result.confusion, a.result.classes, a.name, b.name
        ),
        key=f"compare:confusion:{a.run.id}:{b.run.id}",
        alt="Confusion matrix of B minus that of A: rows are true classes.",
    )


def show_images(chosen: Sequence[Chosen], a: Chosen, b: Chosen, pair: PairComparison) -> str:
    """Images newly right, newly wrong, or missed by all; which of the three."""
    group = [one for one in chosen if one is a or not why_not(a, one)]
    found = {
        "right": ("B reads, A misses", pair.newly_right),
        "wrong": ("B misses, A reads", pair.newly_wrong),
        "all": (
            f"All {len(group)} miss" if len(group) > 2 else "Both miss",
            missed_by_all([one.result for one in group]),
        ),
    }
    options = {kind: f"{label}: {len(places):,}" for kind, (label, places) in found.items()}
    # Not in a column, where a phone would not break it into two lines but cut it off.
    kind = url.choose("Show", options, param="images", default="right", widget=st.segmented_control)
    places = found[kind][1]
    url.reset_on_change("compared", (a.run.id, b.run.id, kind), ("shown", "image"))
    if not len(places):
        st.info("There is no such image.", icon=":material/info:")
        return kind
    pages = max(1, -(-len(places) // PER_PAGE))
    first = 1
    if pages > 1:
        narrow, _ = st.columns([1, 3])
        with narrow:
            first = url.number(f"Page (of {pages:,})", param="shown", default=1, low=1, high=pages)
    places = places[(first - 1) * PER_PAGE : first * PER_PAGE]
    _show_images(places, group, a, b)
    return kind


def _show_images(places: np.ndarray, readers: Sequence[Chosen], a: Chosen, b: Chosen) -> None:
    import numpy as np

    from digitlab.figures.images import image_grid

    names = a.result.classes
    truths = [names[a.result.labels[i]] for i in places]
    reads = [[names[one.result.predictions[i]] for i in places] for one in (a, b)]
    split = a.record.split
    try:
        loaded = cached.dataset(split.name, split.val_fraction, split.split_seed)
    except DatasetError as e:
        st.info(f"The images cannot be shown: {e}", icon=":material/image_not_supported:")
        _show_as_table(places, truths, readers, names)
        return
    test = loaded.split("test")
    if not np.array_equal(test.labels.numpy(), a.result.labels):
        st.info(
            f"The images cannot be shown: {a.record.dataset} on this machine is another version.",
            icon=":material/image_not_supported:",
        )
        _show_as_table(places, truths, readers, names)
        return
    hovers = [
        f"number {i:,}, labelled {truth}<br>"
        + "<br>".join(f"{one.name}: {names[one.result.predictions[i]]}" for one in readers)
        for i, truth in zip(places, truths, strict=True)
    ]
    captions = [
        f"true {truth[:6]}<br>A {of_a[:6]} · B {of_b[:6]}"
        for truth, of_a, of_b in zip(truths, *reads, strict=True)
    ]
    st.plotly_chart(
        image_grid(
            test.images[places].numpy(),
            captions,
            hovers=hovers,
            indices=places.tolist(),
            columns=8,
            tile=60,
        ),
        key=(key := f"compare:images:{places[0]}:{len(places)}"),
        on_select=lambda: take_click(key),
        selection_mode="points",
        config={"displayModeBar": False},
        alt="Test images with their true class and what A and B read.",
    )
    show_closeup(places, test, readers)


def _show_as_table(
    places: np.ndarray, truths: Sequence[str], readers: Sequence[Chosen], names: Sequence[str]
) -> None:
    import pandas as pd

    table = pd.DataFrame({"Number": places, "True class": truths})
    for one in readers:
        table[one.name] = [names[one.result.predictions[i]] for i in places]
    st.dataframe(table, hide_index=True)


def show_architectures(a: Chosen, b: Chosen) -> None:
    """Both architectures side by side: as a diagram and as YAML."""
    from digitlab.figures.architecture import architecture_dot

    same = a.run.spec.fingerprint == b.run.spec.fingerprint
    if same:
        st.info("A and B have the very same layers.", icon=":material/drag_handle:")
    for column, one in zip(st.columns(1 if same else 2), (a, b), strict=False):
        spec = one.run.spec
        with column:
            st.markdown(f"**{one.name}** · {one.record.parameters:,} parameters")
            st.graphviz_chart(
                architecture_dot(cached.summarize(spec)), alt=f"Diagram of {spec.name}."
            )
            st.code(spec.to_yaml(), language="yaml")
