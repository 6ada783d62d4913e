"""The last hidden layer: what its units say of each class, and images as points on a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.runs.run import Run
from digitlab.snippets import inspection as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.page import clicked_index
from digitlab.ui.results.single_image import show_closeup
from digitlab.ui.results.view import View
from digitlab.words import percent

if TYPE_CHECKING:
    import numpy as np

    from digitlab.analysis.embedding import Hidden

METHODS = {"pca": "PCA", "tsne": "t-SNE"}
COLORS = {"class": "Class", "right": "Right or wrong"}
UNITS = 64
MEANING = {
    "pca": "The two directions in which the activations vary most: far apart here is far apart "
    "there, but much is lost.",
    "tsne": "Neighbours there are neighbours here. How far apart two groups lie, and how large "
    "they are, says nothing.",
}


def show_last_layer(view: View, run: Run) -> None:
    """Class means, the embedding, and the image that was clicked."""
    from digitlab.analysis.embedding import hidden_sample

    page.cell(
        "What the last hidden layer knows",
        "All that the network has understood of an image enters its last linear layer as one row "
        "of numbers. These are their means for each class: units that light up for one class "
        "only are what the answer is read from.",
    )
    part = view.images()
    with st.spinner("Reading the images …"):
        hidden = cached.of_evaluation(
            hidden_sample, ("hidden", view.key), run, part, keep=view.is_own
        )
    labels = view.result.labels[hidden.positions]
    if hidden.values.shape[1] == part.images[0].numel() == _inputs_of_only_layer(run):
        st.caption("This network has no hidden layer: what enters its only layer are the pixels.")
    _show_means(view, hidden, labels)
    method = _show_embedding(view, run, hidden)
    page.code_fold(snippets.embedding(*view.named, method=method))
    if url.get("mistake") is not None:
        show_closeup(view, int(hidden.positions[0]))


def _inputs_of_only_layer(run: Run) -> int | None:
    """How many pixels the only layer with weights sees; None where there are several layers."""
    from digitlab.analysis.activations import first_weights

    key = (run.id, run.record.ended)
    found = cached.of_evaluation(first_weights, key, run.model, tuple(run.spec.input))
    return found.values[0].numel() if found is not None and found.per_class else None


def _show_means(view: View, hidden: Hidden, labels: np.ndarray) -> None:
    from digitlab.evaluation.embedding import class_means, telling_units
    from digitlab.figures.inspection import class_means_figure

    means = cached.of_evaluation(
        class_means, ("means", view.key), hidden.values, labels, len(view.run.classes)
    )
    units = telling_units(means, UNITS)
    st.plotly_chart(
        class_means_figure(means[:, units], units, view.run.classes, total=means.shape[1]),
        key="class-means",
        config={"displayModeBar": False},
        alt="Mean activation of the units of the last hidden layer for each class.",
    )


def _show_embedding(view: View, run: Run, hidden: Hidden) -> str:
    from digitlab.analysis.embedding import embed
    from digitlab.figures.inspection import embedding_figure

    page.cell(
        "Images as the network sees them",
        "Each point is an image, placed by its last hidden activations. Classes that it tells "
        "apart are islands; a point on another class's island is a mistake or a wrong label. "
        "Point at one to see what it is, click it to see it large, drag to zoom.",
    )
    first, second, third = st.columns([2, 2, 2], vertical_alignment="bottom")
    with first:
        method = url.choose(
            "Projection", METHODS, param="plane", default="pca", widget=st.segmented_control
        )
    with second:
        color = url.choose(
            "Colour", COLORS, param="color", default="class", widget=st.segmented_control
        )
    with third:
        pictured = url.switch("Images instead of points", param="pictures")
    part = view.images()
    with st.spinner("Placing the images: t-SNE takes some seconds, once …"):
        points = cached.of_evaluation(
            embed, ("embed", view.key, method), run, part, method, keep=view.is_own
        )
    positions = hidden.positions
    key = f"embedding:{view.key}:{method}:{color}:{pictured}"
    figure = embedding_figure(
        points,
        _groups(view, positions, color),
        positions,
        _hovers(view, positions),
        title=f"{METHODS[method]} of {len(positions):,} images of {view.words}",
        images=part.images[positions][:, 0].numpy() if pictured else None,
    )
    st.plotly_chart(
        figure,
        key=key,
        on_select=lambda: _take_click(key),
        selection_mode="points",
        config={"displayModeBar": False},
        alt="Images as points, by the activations of the last hidden layer.",
    )
    st.caption(MEANING[method])
    return method


def _take_click(key: str) -> None:
    points = st.session_state[key].selection.points
    if points:
        for param in ("mistake", "image"):  # from near below, and through the layers above
            url.put(param, clicked_index(points[0]))


def _groups(view: View, positions: np.ndarray, color: str) -> list[tuple[str, str, np.ndarray]]:
    import numpy as np

    from digitlab.figures.palette import MUTED, VAL, digit_color

    result = view.result
    labels = result.labels[positions]
    if color == "right":
        right = result.predictions[positions] == labels
        return [
            (f"read rightly ({right.sum():,})", MUTED, np.flatnonzero(right)),
            (f"misread ({(~right).sum():,})", VAL, np.flatnonzero(~right)),
        ]
    names = view.run.classes
    there = np.unique(labels).tolist()
    return [(names[i], digit_color(i), np.flatnonzero(labels == i)) for i in there]


def _hovers(view: View, positions: np.ndarray) -> list[str]:
    result, names = view.result, view.run.classes
    return [
        f"number {at:,}: labelled {names[result.labels[at]]}, read as "
        f"{names[result.predictions[at]]} with {percent(float(result.confidence[at]), 1)}"
        for at in positions.tolist()
    ]
