"""Suspicious labels: images whose label the answers speak against, the worst first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.label_issues import (
    find_train_label_issues,
    has_train_label_issues,
    peer_runs,
    pool_predictions,
)
from digitlab.errors import RunError
from digitlab.snippets import inspection as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.results.gallery import show_gallery
from digitlab.ui.results.single_image import show_closeup
from digitlab.ui.results.view import View
from digitlab.ui.run_picker import run_names
from digitlab.words import percent

if TYPE_CHECKING:
    from digitlab.analysis.label_issues import PooledPredictions
    from digitlab.evaluation.label_issues import LabelIssues
    from digitlab.runs.run import Run

BASES = {"network": "What the network makes of them", "pixels": "Their pixels"}
ASKED = {"together": "All runs together", "alone": "This run alone"}
LEAST, LISTED = 96, 480  # images: two to ten pages of the gallery
NAMED = 8  # runs listed by name
LEGEND = (
    "Label → likeliest class, and the belief in the label, in %. Click one to see it large; below "
    "it stands what this run read."
)
OUT_OF_SAMPLE = (
    "The network has not learnt from these images, so its answers are out of sample: where it "
    "gives the label next to no probability, one of the two is wrong."
)
BY_BASIS = {
    "network": "A logistic regression on the last hidden activations, fitted in five parts, tells "
    "each image's class without having seen its label. The activations themselves are of a "
    "network that did learn these labels, so this is only partly out of sample: labels that it "
    "learnt by heart look right.",
    "pixels": "The nearest images of four fifths of the training split tell the class of each in "
    "the fifth. That is out of sample, but a weaker reader than a network: expect more flags that "
    "are merely hard. At most 20,000 images take part.",
}


def show(view: View) -> None:
    """The suspects as a gallery, and one from near."""
    page.cell(
        "Suspicious labels",
        "Datasets hold mistakes, too. An image stands here because its label is unlikely, not "
        "because it is proved wrong: these are flags to look at, and nothing is relabelled. The "
        "order is cleanlab's label quality, the least believed label first.",
    )
    basis, together = "network", False
    if view.split == "train" and view.is_own:
        basis = url.choose(
            "The second opinion goes by",
            BASES,
            param="opinion",
            default="network",
            widget=st.segmented_control,
        )
        st.caption(BY_BASIS[basis])
        found = _of_training(view, basis)
    else:
        readers = peer_runs(view.run, view.split) if view.is_own else []
        together = len(readers) > 1 and _asked(readers)
        found = _of_all(view, readers) if together else _of_one(view)
    code = snippets.label_issues(*view.named, basis=basis, together=together)
    if found is None:
        page.code_fold(code)
    else:
        _show(view, found, code)


def _asked(readers: Sequence[Run]) -> bool:
    """Whether all runs are asked, or only this one."""
    asked = url.choose(
        "Who is asked", ASKED, param="asked", default="together", widget=st.segmented_control
    )
    return asked == "together"


def _of_all(view: View, readers: Sequence[Run]) -> LabelIssues:
    """By all runs on these images together, or by this one where their answers are gone."""
    who = tuple((reader.id, reader.record.ended) for reader in readers)
    try:
        with st.spinner("Weighing the labels …"):
            panel: PooledPredictions = cached.of_evaluation(
                pool_predictions, (view.key, who), view.run, view.split, readers
            )
            labels, probabilities = view.result.labels, panel.probabilities
            if len(labels) != len(probabilities):
                raise RunError("their images are of another number.")
            found = _found((view.key, who), probabilities, labels)
    except RunError as e:
        st.caption(f"Only this run is asked: {e}")
        return _of_one(view)
    names = run_names([run.record for run in panel.runs])
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    st.caption(
        f"{len(names)} runs that have not learnt from these images are asked together, one with "
        "half the errors on validation counting twice. What different networks doubt is more "
        "likely labelled wrongly than what a single one stumbles over. Asked: "
        f"{', '.join(names[:NAMED])}{more}."
    )
    return found


def _of_one(view: View) -> LabelIssues:
    st.caption(OUT_OF_SAMPLE)
    result = view.result
    with st.spinner("Weighing the labels …"):
        return _found(view.key, result.probabilities, result.labels)


def _found(key: object, probabilities, labels) -> LabelIssues:
    from digitlab.evaluation.label_issues import find_label_issues

    return cached.of_evaluation(find_label_issues, ("suspects", key), probabilities, labels)


def _of_training(view: View, basis: str) -> LabelIssues | None:
    """From what is kept, or after a button and a bar that fills."""
    train = view.images()
    run = cached.reader(view.run) if basis == "network" else view.run
    if not has_train_label_issues(view.run, basis):
        place = st.empty()
        if not place.button(
            f"Cross-validate the {len(train):,} training images",
            icon=":material/fact_check:",
            help="Takes seconds to a minute; the result is kept with the run.",
        ):
            return None
        bar = place.progress(0.0, text="Preparing …")
        find_train_label_issues(
            run,
            train,
            basis,
            lambda what, done, total: bar.progress(
                done / total, text=f"{what}: {done:,} of {total:,}"
            ),
        )
        place.empty()
    return cached.of_evaluation(
        find_train_label_issues, ("train suspects", view.key, basis), run, train, basis
    )


@st.fragment
@page.guard()
def _show(view: View, found: LabelIssues, code: str) -> None:
    names, labels = view.run.classes, view.result.labels
    flagged = int(found.flagged.sum())
    against = int((found.suggested != labels[found.position]).sum())
    st.markdown(
        f"Of {len(found):,} images, {against:,} {'has' if against == 1 else 'have'} another class "
        f"as the likeliest; confident learning, which allows for how often each pair of classes "
        f"is confused, takes {flagged:,} of the labels for wrong."
    )
    shown = found.first(min(LISTED, max(against, LEAST)))
    first = show_gallery(
        view,
        shown.position,
        param="suspects",
        key="suspects",
        words=_words(view, shown),
        legend=LEGEND,
    )
    with st.expander("The list as numbers", icon=":material/table_rows:"):
        _show_table(names, labels, shown)
    page.code_fold(code)
    if first is not None:
        show_closeup(view, first)


def _words(view: View, shown: LabelIssues) -> Callable[[int], tuple[str, str]]:
    names, labels = view.run.classes, view.result.labels
    at = {position: i for i, position in enumerate(shown.position.tolist())}

    def words(position: int) -> tuple[str, str]:
        i = at[position]
        label, likeliest = names[labels[position]], names[shown.suggested[i]]
        belief = float(shown.quality[i])
        said = f"number {position:,}, place {i + 1}: labelled {label}, believed to "
        said += f"{percent(belief, 1)}; {likeliest} is the likeliest"
        return f"{label[:4]}→{likeliest[:4]} {100 * belief:.0f}", said

    return words


def _show_table(names: tuple[str, ...], labels, shown: LabelIssues) -> None:
    import pandas as pd

    table = pd.DataFrame(
        {
            "Number": shown.position,
            "Labelled": [names[label] for label in labels[shown.position]],
            "Likeliest": [names[label] for label in shown.suggested],
            "Belief in the label": 100 * shown.quality.astype(float),
            "Confident learning": shown.flagged,
        }
    )
    number = st.column_config.NumberColumn(format="%.3f %%")
    st.dataframe(table, hide_index=True, column_config={"Belief in the label": number})
