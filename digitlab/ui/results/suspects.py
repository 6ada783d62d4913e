"""Suspicious labels: images whose label the answers speak against, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.notebook import inspection as snippets
from digitlab.runs.suspects import are_suspects_kept, find_train_suspects
from digitlab.ui import cached, page, url
from digitlab.ui.results.closeup import show_closeup
from digitlab.ui.results.gallery import show_gallery
from digitlab.ui.results.view import View

if TYPE_CHECKING:
    from digitlab.evaluation.suspects import Suspects

BASES = {"network": "What the network makes of them", "pixels": "Their pixels"}
LISTED = 480  # ten pages of the gallery
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
    basis = "network"
    if view.split == "train" and view.is_own:
        basis = url.choose(
            "The second opinion goes by", BASES, param="opinion", default="network",
            widget=st.segmented_control,
        )  # fmt: skip
        st.caption(BY_BASIS[basis])
        found = _of_training(view, basis)
    else:
        st.caption(OUT_OF_SAMPLE)
        found = _of_others(view)
    first = _show(view, found) if found is not None else None
    page.code_fold(snippets.suspects(*view.named, basis=basis))
    if first is not None:
        show_closeup(view, first)


def _of_others(view: View) -> Suspects:
    from digitlab.evaluation.suspects import find_suspects

    result = view.result
    with st.spinner("Weighing the labels …"):
        return cached.of_evaluation(
            find_suspects, ("suspects", view.key), result.probabilities, result.labels
        )


def _of_training(view: View, basis: str) -> Suspects | None:
    """From what is kept, or after a button and a bar that fills."""
    train = view.images()
    run = cached.reader(view.run.id) if basis == "network" else view.run
    if not are_suspects_kept(view.run, basis):
        place = st.empty()
        if not place.button(
            f"Cross-validate the {len(train):,} training images",
            icon=":material/fact_check:",
            help="Takes seconds to a minute; the result is kept with the run.",
        ):
            return None
        bar = place.progress(0.0, text="Preparing …")
        find_train_suspects(
            run, train, basis,
            lambda what, done, total: bar.progress(
                done / total, text=f"{what}: {done:,} of {total:,}"
            ),
        )  # fmt: skip
        place.empty()
    return cached.of_evaluation(
        find_train_suspects, ("train suspects", view.key, basis), run, train, basis
    )


def _show(view: View, found: Suspects) -> int | None:
    names, labels = view.run.classes, view.result.labels
    flagged = int(found.flagged.sum())
    against = int((found.suggested != labels[found.position]).sum())
    st.markdown(
        f"Of {len(found):,} images, {against:,} {'has' if against == 1 else 'have'} another class "
        f"as the likeliest; confident learning, which allows for how often each pair of classes "
        f"is confused, takes {flagged:,} of the labels for wrong."
    )
    shown = found.first(min(LISTED, max(against, 48)))
    first = show_gallery(view, shown.position, param="suspects", key="suspects")
    with st.expander("The list as numbers", icon=":material/table_rows:"):
        _show_table(names, labels, shown)
    return first


def _show_table(names: tuple[str, ...], labels, shown: Suspects) -> None:
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
