"""The last hidden layer: mean activations of each class, and a projection of the images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.evaluation.embedding import class_means, telling_units
from digitlab.figures.palette import MUTED, VAL, digit_color
from digitlab.jobs.compute import requests
from digitlab.runs.run import Run
from digitlab.snippets import inspection as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.page import store_click
from digitlab.ui.results.single_image import show_image_details
from digitlab.ui.results.view import View
from digitlab.words import percent

if TYPE_CHECKING:
    import numpy as np

    from digitlab.analysis.embedding import Hidden

METHODS = {"pca": "PCA", "tsne": "t-SNE"}
COLORS = {"class": "Class", "right": "Right or wrong"}
UNITS = 64
MEANING = {
    "pca": "The two directions in which the activations vary most. Points far apart here are far "
    "apart in the layer; points close together need not be close there.",
    "tsne": "Neighbours in the layer stay neighbours here. The size of a group and the distance "
    "between groups have no meaning.",
}


def show_last_layer(view: View, run: Run) -> None:
    """Show the class means, the embedding, and the image that was clicked."""
    page.cell(
        "The last hidden layer",
        "The input of the last linear layer is one row of activations for each image. The figure "
        "shows their mean for each class. Units that are active for one class only decide the "
        "answer.",
    )
    images = view.images()
    with st.spinner("Reading the images …"):
        hidden = cached.of_run(requests.hidden_sample, run, view.split, view.asked_of, key=view.key)
    labels = view.result.labels[hidden.positions]
    if hidden.values.shape[1] == images.images[0].size == _inputs_of_only_layer(run):
        st.caption("This network has no hidden layer: the input of its only layer is the pixels.")
    _show_means(view, hidden, labels)
    method = _show_embedding(view, run, hidden)
    page.code_fold(snippets.embedding(*view.snippet_args, method=method))
    if url.get("mistake") is not None:
        show_image_details(view, int(hidden.positions[0]))


def _inputs_of_only_layer(run: Run) -> int | None:
    """The number of inputs of the only layer with weights; None if there are several layers."""
    weights = cached.of_run(requests.first_weights, run)
    return weights.values[0].size if weights is not None and weights.per_class else None


def _show_means(view: View, hidden: Hidden, labels: np.ndarray) -> None:
    from digitlab.figures.inspection import class_means_figure

    means = cached.of_evaluation(
        class_means, ("means", view.key), hidden.values, labels, len(view.run.classes)
    )
    units = telling_units(means, UNITS)
    show_chart(
        class_means_figure(means[:, units], units, view.run.classes, total=means.shape[1]),
        key="class-means",
        bar=False,
        alt="Mean activation of the units of the last hidden layer for each class.",
    )


def _show_embedding(view: View, run: Run, hidden: Hidden) -> str:
    from digitlab.figures.images import as_grey
    from digitlab.figures.inspection import embedding_figure

    page.cell(
        "Embedding of the images",
        "Each point is an image, projected from its activations in the last hidden layer. Classes "
        "that the network separates form groups; a point in the group of another class is often a "
        "mistake or a wrong label. Hover over a point for details, click to enlarge the image, "
        "drag to zoom.",
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
        with_images = url.switch("Images instead of points", param="pictures")
    images = view.images()
    with st.spinner("Projecting the images; t-SNE takes some seconds the first time …"):
        points = cached.of_run(
            requests.embed, run, view.split, view.asked_of, method, key=(view.key, method)
        )
    positions = hidden.positions
    key = f"embedding:{view.key}:{method}:{color}:{with_images}"
    figure = embedding_figure(
        points,
        _groups(view, positions, color),
        positions,
        _hovers(view, positions),
        title=f"{METHODS[method]} of {len(positions):,} images",
        images=as_grey(images.images[positions]) if with_images else None,
    )
    show_chart(
        figure,
        key=key,
        # "mistake" opens the closer look below, "image" is for the layers
        on_select=lambda: store_click(key, "mistake", "image"),
        bar=False,
        alt="Images as points, projected from the activations of the last hidden layer.",
    )
    st.caption(MEANING[method])
    return method


def _groups(view: View, positions: np.ndarray, color: str) -> list[tuple[str, str, np.ndarray]]:
    import numpy as np

    result = view.result
    labels = result.labels[positions]
    if color == "right":
        right = result.predictions[positions] == labels
        return [
            (f"read correctly ({right.sum():,})", MUTED, np.flatnonzero(right)),
            (f"misread ({(~right).sum():,})", VAL, np.flatnonzero(~right)),
        ]
    names = view.run.classes
    present = np.unique(labels).tolist()
    return [(names[i], digit_color(i), np.flatnonzero(labels == i)) for i in present]


def _hovers(view: View, positions: np.ndarray) -> list[str]:
    result, names = view.result, view.run.classes
    return [
        f"number {i:,}: labelled {names[result.labels[i]]}, read as "
        f"{names[result.predictions[i]]} with {percent(float(result.confidence[i]), 1)}"
        for i in positions.tolist()
    ]
