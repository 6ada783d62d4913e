"""One image from near: its probabilities, the pixels that spoke for them, its nearest training
images, and what other runs say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DatasetError, RunError
from digitlab.snippets import evaluation as snippets
from digitlab.ui import page, url
from digitlab.ui.results.attribution import show_attribution
from digitlab.ui.results.neighbours import METRICS, show_neighbours
from digitlab.ui.results.view import View
from digitlab.words import hundred, probability

if TYPE_CHECKING:
    from digitlab.data.dataset import Split

CLASSES_SHOWN = 10


@st.fragment
@page.guard()
def show_closeup(view: View, first: int) -> None:
    """The image that the URL names as `mistake`, by its position in the split, or else `first`.

    What takes a while to be worked out and drawn waits until somebody has asked for an image.
    Runs alone when one of its own widgets changes.
    """
    result, asked = view.result, url.get("mistake") is not None
    page.cell(
        "One image from near",
        "What it looks like, how the network spread its belief, and who agrees with it.",
    )
    narrow, _ = st.columns([1, 3])
    with narrow:
        position = url.number(
            f"Number of the image (of {result.n:,})",
            param="mistake",
            default=first,
            low=0,
            high=result.n - 1,
            always=asked,
        )
    try:
        images = view.images()
    except DatasetError:  # of which the gallery has told already
        images = None
    _say(view, position)
    left, right = st.columns(2)
    with left:
        _show_image(view, images, position)
    with right:
        _show_probabilities(view, position)
    if not asked:
        _offer_more(position)
        return
    show_attribution(view, None if images is None else images.images[position], position)
    metric = _show_neighbours(view, images, position)
    _show_others(view, position)
    page.code_fold(snippets.closeup(*view.named, position=position, metric=metric))


def _offer_more(position: int) -> None:
    st.button(
        "Look closer",
        icon=":material/search:",
        on_click=url.put,
        args=("mistake", position),
        help="Which pixels spoke for it, the training images it is nearest to, and what other "
        "runs say of it. A click on any image shows these, too.",
    )


def _say(view: View, position: int) -> None:
    result, names = view.result, view.run.classes
    true, read = int(result.labels[position]), int(result.predictions[position])
    sure = probability(float(result.confidence[position]))
    if true == read:
        st.markdown(f"Number {position:,} is labelled **{names[true]}** and was read so, {sure}.")
        return
    rest = probability(float(result.probabilities[position, true]))
    st.markdown(
        f"Number {position:,} is labelled **{names[true]}** and was read as **{names[read]}** "
        f"with {sure}; the labelled class got {rest}."
    )


def _show_image(view: View, images: Split | None, position: int) -> None:
    from digitlab.figures.data import pixel_values

    if images is None:
        st.info("The image is not on this machine.", icon=":material/image_not_supported:")
        return
    name = view.run.classes[int(view.result.labels[position])]
    figure = pixel_values(
        images.images[position, 0].numpy(), title=f"Labelled {name}, number {position:,}"
    )
    st.plotly_chart(
        figure.update_layout(height=380),
        key="closeup",
        config={"displayModeBar": False},
        alt=f"Image number {position}, labelled {name}, large.",
    )


def _show_probabilities(view: View, position: int) -> None:
    from digitlab.figures.drawing import probability_bars

    values, names = view.result.probabilities[position], view.run.classes
    title = "Probabilities"
    if len(names) > CLASSES_SHOWN:  # the likeliest, in their own order
        kept = sorted((-values).argsort(kind="stable")[:CLASSES_SHOWN].tolist())
        values, names = values[kept], [names[i] for i in kept]
        title = f"Probabilities: the {CLASSES_SHOWN} largest"
    st.plotly_chart(
        probability_bars(values, names, title=title),
        key="closeup-probabilities",
        config={"displayModeBar": False},
        alt="The probability that the network gave to each class.",
    )


def _show_neighbours(view: View, images: Split | None, position: int) -> str:
    st.markdown("**What it is nearest to, of what the network learnt from**")
    metric = url.choose(
        "Distance", METRICS, param="metric", default="cosine", widget=st.segmented_control
    )
    if images is None:
        st.caption("Without the image there is nothing to look up.")
        return metric
    try:
        show_neighbours(view, images.images[position], position, metric)
    except (DatasetError, RunError) as e:
        st.info(f"There is nothing to compare with: {e}", icon=":material/image_not_supported:")
    return metric


def _show_others(view: View, position: int) -> None:
    """What all other runs that read the same image say of it."""
    import pandas as pd

    from digitlab.analysis.peer_predictions import peer_predictions

    st.markdown("**What other runs say of it**")
    if not view.is_own:
        st.caption("Other runs keep their answers for the data that they were made with only.")
        return
    answers = peer_predictions(view.run, view.split, position)
    if not answers:
        st.caption("No other run has read this image: train another one on the same data.")
        return
    names, true = view.run.classes, int(view.result.labels[position])
    right = sum(answer.label == true for answer in answers)
    st.markdown(f"{right} of {len(answers)} read it as labelled, {names[true]}.")
    table = pd.DataFrame(
        {
            "Run": [answer.name for answer in answers],
            "Read as": [names[answer.label] for answer in answers],
            "Confidence": [hundred(answer.confidence) for answer in answers],
            "Id": [answer.run_id for answer in answers],
        }
    )
    percent = st.column_config.NumberColumn(format="%.1f %%")
    st.dataframe(table, hide_index=True, column_config={"Confidence": percent})
