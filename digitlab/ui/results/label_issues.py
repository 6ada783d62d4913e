"""Label issues: images whose label the predictions contradict, the most suspicious first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.cache import may_keep
from digitlab.analysis.label_issues import (
    has_train_label_issues,
    peer_runs,
    pool_predictions,
)
from digitlab.errors import RunError
from digitlab.evaluation.label_issues import find_label_issues
from digitlab.jobs.compute import requests
from digitlab.snippets import inspection as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.compute import compute
from digitlab.ui.labels import run_names
from digitlab.ui.markdown import plain
from digitlab.ui.results.single_image import browse
from digitlab.ui.results.view import View
from digitlab.words import probability, shorten, whole_percent

if TYPE_CHECKING:
    from digitlab.analysis.label_issues import PooledPredictions
    from digitlab.evaluation.label_issues import LabelIssues
    from digitlab.runs.run import Run

BASES = {"network": "Activations", "pixels": "Pixels"}
SOURCES = {"together": "All runs together", "alone": "This run alone"}
LEAST, MOST = 96, 480  # images: two to ten pages of the gallery
NAMED = 8  # runs listed by name
LEGEND = (
    "Label → most likely class, and the label's probability in %. Click an image to enlarge it and "
    "to see what this run read."
)
OUT_OF_SAMPLE = (
    "The network was not trained on these images, so its predictions are out of sample. If the "
    "label has almost no probability, either the label or the network is wrong."
)
BY_BASIS = {
    "network": "A logistic regression on the last hidden activations predicts the class of each "
    "image by five-fold cross-validation, without its label. The network itself was trained on "
    "these labels, so this is only partly out of sample: labels that it has memorized look right.",
    "pixels": "The nearest images in four fifths of the training split predict the class of each "
    "image in the other fifth. That is out of sample, but less accurate than a network: more "
    "flagged images are only hard to read. At most 20,000 images are used.",
}


def show(view: View) -> None:
    """Show the label issues as a gallery, and one image in detail."""
    page.cell(
        "Label issues",
        "Datasets contain mistakes, too. An image is listed because its label is unlikely, not "
        "because it is proved wrong. Check them yourself: no label is changed here. The images "
        "are sorted by cleanlab's label quality, the least likely label first.",
    )
    basis, together = "network", False
    if view.split == "train" and view.is_own:
        basis = url.choose(
            "Cross-validate on",
            BASES,
            param="opinion",
            default="network",
            widget=st.segmented_control,
        )
        st.caption(BY_BASIS[basis])
        issues = _train_issues(view, basis)
    else:
        peers = peer_runs(view.run, view.split) if view.is_own else []
        together = len(peers) > 1 and _choose_all_runs()
        issues = _pooled_issues(view, peers) if together else _own_issues(view)
    code = snippets.label_issues(*view.snippet_args, basis=basis, together=together)
    if issues is None:
        page.code_fold(code)
    else:
        _show(view, issues, code)


def _choose_all_runs() -> bool:
    """Whether the visitor wants the predictions of all runs, or only of this one."""
    source = url.choose(
        "Predictions of",
        SOURCES,
        param="predictions",
        default="together",
        widget=st.segmented_control,
    )
    return source == "together"


def _pooled_issues(view: View, peers: Sequence[Run]) -> LabelIssues:
    """By all runs together, or by this run alone if their predictions cannot be read."""
    key = (view.key, tuple((peer.id, peer.record.ended) for peer in peers))
    try:
        with st.spinner("Computing the label quality …"):
            pooled: PooledPredictions = cached.of_evaluation(
                pool_predictions, key, view.run, view.split, peers
            )
            labels, probabilities = view.result.labels, pooled.probabilities
            if len(labels) != len(probabilities):
                raise RunError("their number of images differs.")
            issues = _find_issues(key, probabilities, labels)
    except RunError as e:
        st.caption(page.message(f"Only this run's predictions are used: {e}"))
        return _own_issues(view)
    names = run_names([run.record for run in pooled.runs])
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    st.caption(
        f"The predictions of {len(names)} runs that were not trained on these images, averaged; "
        "one with half the validation errors has twice the weight: "
        f"{plain(', '.join(names[:NAMED]))}{more}."
    )
    return issues


def _own_issues(view: View) -> LabelIssues:
    st.caption(OUT_OF_SAMPLE)
    result = view.result
    with st.spinner("Computing the label quality …"):
        return _find_issues(view.key, result.probabilities, result.labels)


def _find_issues(key: object, probabilities, labels) -> LabelIssues:
    return cached.computed(find_label_issues, key, probabilities, labels)


def _train_issues(view: View, basis: str) -> LabelIssues | None:
    """The saved issues, or those computed after a click on a button, with a progress bar."""
    train = view.images()
    if not has_train_label_issues(view.run, basis):
        if not may_keep(view.run):
            st.caption("Only the run's owner can have its training images cross-validated.")
            return None
        slot = st.empty()
        if not slot.button(
            f"Cross-validate the {len(train):,} training images",
            icon=":material/fact_check:",
            help="Takes seconds to a minute; the result is saved with the run.",
        ):
            return None
        bar = slot.progress(0.0, text="Preparing …")
        compute(
            requests.find_train_label_issues,
            view.run.id,
            view.split,
            view.asked_of,
            basis,
            on_progress=lambda stage, done, total: bar.progress(
                done / total, text=f"{stage}: {done:,} of {total:,}"
            ),
        )
        slot.empty()
    return cached.of_run(
        requests.find_train_label_issues,
        view.run,
        view.split,
        view.asked_of,
        basis,
        key=(view.key, basis),
    )


@st.fragment
@page.guard()
def _show(view: View, issues: LabelIssues, code: str) -> None:
    names, labels = view.run.classes, view.result.labels
    flagged = int(issues.flagged.sum())
    other = int((issues.suggested != labels[issues.position]).sum())
    st.markdown(
        f"Of {len(issues):,} images, {other:,} {'has' if other == 1 else 'have'} another most "
        "likely class than the label. Confident learning, which allows for how often each pair of "
        f"classes is confused, flags {flagged:,}."
    )
    listed = issues.first(min(MOST, max(other, LEAST)))
    browse(
        view,
        listed.position,
        param="issues-page",
        key="label-issues",
        code=code,
        describe=_describe_issues(view, listed),
        legend=LEGEND,
    )
    with st.expander("As a table", icon=":material/table_rows:"):
        _show_table(names, labels, listed)
    if not view.upload:
        st.page_link(
            page.DATA,
            label="Correct labels on the Data page",
            icon=":material/edit_note:",
            query_params={
                "dataset": view.dataset or view.run.record.dataset,
                "split": view.split,
                "section": "labels",
            },
        )


def _describe_issues(view: View, issues: LabelIssues) -> Callable[[int], tuple[str, str]]:
    names, labels = view.run.classes, view.result.labels
    ranks = {position: i for i, position in enumerate(issues.position.tolist())}

    def describe(position: int) -> tuple[str, str]:
        i = ranks[position]
        label, suggested = names[labels[position]], names[issues.suggested[i]]
        quality = float(issues.quality[i])
        hover = f"number {position:,}, rank {i + 1}: labelled {label} with "
        hover += f"{probability(quality)}; {suggested} is the most likely class"
        caption = f"{shorten(label, 4)}→{shorten(suggested, 4)} {whole_percent(quality)}"
        return caption, hover

    return describe


def _show_table(names: tuple[str, ...], labels, issues: LabelIssues) -> None:
    import pandas as pd

    table = pd.DataFrame(
        {
            "Number": issues.position,
            "Label": [names[label] for label in labels[issues.position]],
            "Most likely": [names[label] for label in issues.suggested],
            "Probability of the label": 100 * issues.quality.astype(float),
            "Flagged": issues.flagged,
        }
    )
    number = st.column_config.NumberColumn(format="%.3f %%")
    st.dataframe(table, hide_index=True, column_config={"Probability of the label": number})
