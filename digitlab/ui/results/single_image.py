"""A closer look at one image: its probabilities, attribution maps, nearest training images, and
what other runs read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.analysis.peer_predictions import peer_predictions
from digitlab.errors import DatasetError, RunError
from digitlab.snippets import evaluation as snippets
from digitlab.ui import page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.datasets import explain_absence
from digitlab.ui.labels import run_title
from digitlab.ui.markdown import plain
from digitlab.ui.results.attribution import show_attribution
from digitlab.ui.results.gallery import PAGER_WIDTH, show_gallery
from digitlab.ui.results.neighbours import METRICS, show_neighbours
from digitlab.ui.results.view import View
from digitlab.words import hundred, probability

if TYPE_CHECKING:
    import numpy as np

    from digitlab.data.dataset import Split

CLASSES_SHOWN = 10


def browse(
    view: View, positions: np.ndarray, *, param: str, key: str, code: str, **looks: Any
) -> None:
    """Show a gallery of the images at `positions` and, beside it, one of them in detail.

    `code` gives the same outside the app. The other arguments are those of `show_gallery`.
    """
    if not len(positions):
        st.info("No mistakes of this kind.", icon=":material/thumb_up:")
        page.code_fold(code)
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        first = show_gallery(view, positions, param=param, key=key, **looks)
        page.code_fold(code)
    with right:
        position, images = _choose_image(view, first)
        _show_image(view, images, position)
        _show_probabilities(view, position)
    _show_more(view, images, position)


@st.fragment
@page.guard()
def show_image_details(view: View, first: int) -> None:
    """Show the image at the position that the URL holds as `mistake`, or else at `first`."""
    position, images = _choose_image(view, first)
    left, right = st.columns(2)
    with left:
        _show_image(view, images, position)
    with right:
        _show_probabilities(view, position)
    _show_more(view, images, position)


def _choose_image(view: View, first: int) -> tuple[int, Split | None]:
    """Let the visitor choose an image by its number, and say what was read in it.

    Returns its position and the images, None if they are not on this machine.
    """
    page.cell("A closer look at one image")
    result = view.result
    position = url.number(
        f"Image number (of {result.n:,})",
        param="mistake",
        default=first,
        low=0,
        high=result.n - 1,
        always=url.get("mistake") is not None,
        width=PAGER_WIDTH,
    )
    _describe_reading(view, position)
    if url.get("mistake") is None:
        _offer_more(position)
    try:
        return position, view.images()
    except DatasetError:  # the gallery has already explained why
        return position, None


@st.fragment
@page.guard()
def _show_more(view: View, images: Split | None, position: int) -> None:
    """Show what is slow to compute and draw, once the visitor has chosen an image.

    Reruns alone when one of its own widgets changes.
    """
    if url.get("mistake") is None:
        return
    image = None if images is None else images.images[position]
    show_attribution(view, image, position)
    metric = _show_neighbours(view, images, position)
    _show_peer_predictions(view, position)
    page.code_fold(snippets.closeup(*view.snippet_args, position=position, metric=metric))


def _offer_more(position: int) -> None:
    st.button(
        "Show more",
        icon=":material/search:",
        on_click=url.put,
        args=("mistake", position),
        help="The pixels that count for the answer, the nearest training images, and what other "
        "runs read. A click on any image shows them, too.",
    )


def _describe_reading(view: View, position: int) -> None:
    result, names = view.result, [plain(name) for name in view.run.classes]
    true, read = int(result.labels[position]), int(result.predictions[position])
    confidence = probability(float(result.confidence[position]))
    if true == read:
        st.markdown(
            f"Number {position:,} is labelled **{names[true]}** and was read correctly, with "
            f"{confidence}."
        )
        return
    of_label = probability(float(result.probabilities[position, true]))
    st.markdown(
        f"Number {position:,} is labelled **{names[true]}** and was read as **{names[read]}** "
        f"with {confidence}; the label's class has {of_label}."
    )


def _show_image(view: View, images: Split | None, position: int) -> None:
    from digitlab.figures.data import describe_pixels

    if images is None:
        st.info("The image is not on this machine.", icon=":material/image_not_supported:")
        return
    name = view.run.classes[int(view.result.labels[position])]
    title = f"Labelled {name}, number {position:,}"
    show_chart(
        describe_pixels(images.images[position], title, height=380),
        key="closeup",
        bar=False,
        alt=f"Image number {position}, labelled {name}, large.",
    )


def _show_probabilities(view: View, position: int) -> None:
    from digitlab.figures.drawing import describe_bars

    values, names = view.result.probabilities[position], view.run.classes
    title = "Probabilities"
    if len(names) > CLASSES_SHOWN:  # the most likely classes, in class order
        largest = sorted((-values).argsort(kind="stable")[:CLASSES_SHOWN].tolist())
        values, names = values[largest], [names[i] for i in largest]
        title = f"Probabilities: the {CLASSES_SHOWN} largest"
    show_chart(
        describe_bars(values, names, title=title),
        key="closeup-probabilities",
        bar=False,
        alt="The probability of each class.",
    )


def _show_neighbours(view: View, images: Split | None, position: int) -> str:
    st.markdown("**Nearest training images**")
    metric = url.choose(
        "Distance", METRICS, param="metric", default="cosine", widget=st.segmented_control
    )
    if images is None:
        st.caption("The image is not on this machine, so its neighbours cannot be computed.")
        return metric
    try:
        show_neighbours(view, images.images[position], position, metric)
    except (DatasetError, RunError) as e:
        explain_absence("The nearest images", e)
    return metric


def _show_peer_predictions(view: View, position: int) -> None:
    """Show what all other runs on the same data read in this image."""
    import pandas as pd

    st.markdown("**Predictions of other runs**")
    if not view.is_own:
        st.caption("Runs save predictions only for the data that they were trained with.")
        return
    answers = peer_predictions(view.run, view.split, position)
    if not answers:
        st.caption("No other run has read this image. Train another one on the same data.")
        return
    names, true = view.run.classes, int(view.result.labels[position])
    right = sum(answer.label == true for answer in answers)
    st.markdown(f"{right} of {len(answers)} read the label's class, {plain(names[true])}.")
    table = pd.DataFrame(
        {
            "Run": [run_title(answer.run.record) for answer in answers],
            "Read as": [names[answer.label] for answer in answers],
            "Confidence": [hundred(answer.confidence) for answer in answers],
            "Id": [answer.run.id for answer in answers],
        }
    )
    percent = st.column_config.NumberColumn(format="%.1f %%")
    st.dataframe(table, hide_index=True, column_config={"Confidence": percent})
