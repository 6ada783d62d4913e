"""The map of a split: images that look alike lie together; those in a drawn area are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.dataset_features import default_basis
from digitlab.analysis.dataset_map import MOST, map_dataset
from digitlab.analysis.image_table import Place
from digitlab.figures.palette import digit_color
from digitlab.snippets import data_lab as snippets
from digitlab.ui import page, url
from digitlab.ui.board import selected
from digitlab.ui.chart import show_chart
from digitlab.ui.data.browse import browse
from digitlab.ui.data.gallery import Tile, describe
from digitlab.ui.data.work import result_of
from digitlab.words import shorten

if TYPE_CHECKING:
    import numpy as np

    from digitlab.analysis.dataset_map import DatasetMap
    from digitlab.data.dataset import Dataset

METHODS = {"pca": "PCA", "tsne": "t-SNE"}
BASES = {"network": "Bundled network", "pixels": "Pixels"}
AROUND = 24  # images that a click on one of them selects
AREA = "area"  # the parameter of the selected images
_LINK = 300  # selected images that fit into a link
MEANING = {
    "pca": "The two directions in which the images differ most.",
    "tsne": "Neighbours stay neighbours here. The size of a group and the distance between groups "
    "have no meaning.",
}


def show(data: Dataset, split: str) -> None:
    """Show the map, and the images that are selected on it."""
    page.cell(
        "Map of the images",
        "Each point is an image, and images that look alike lie close together. A point in the "
        "group of another class is hard to read or labelled wrongly. Draw a line around points to "
        "see their images, or click a point for those around it.",
    )
    with st.container(horizontal=True):
        method = url.choose(
            "Projection", METHODS, param="plane", default="pca", widget=st.segmented_control
        )
        basis = _choose_basis(data)
    drawn = result_of(map_dataset, data, split, method, basis)
    if drawn is not None:
        url.reset_on_change("map", (data.name, split, method, basis), (AREA,))
        _show_map(data, split, drawn, f"map:{data.name}:{split}:{method}:{basis}")
        st.caption(_explain(data, split, method, basis))
        _show_selected(data, split, drawn)
    page.code_fold(snippets.dataset_map(data.name, split, method, basis))


def _choose_basis(data: Dataset) -> str:
    if default_basis(data.input_shape) == "pixels":
        return "pixels"
    return url.choose("By", BASES, param="by", default="network", widget=st.segmented_control)


def _explain(data: Dataset, split: str, method: str, basis: str) -> str:
    by = {
        "network": "What the last hidden layer of the bundled LeNet-5, which learnt MNIST's "
        "training images, makes of them.",
        "pixels": "By their pixels, each image moved so that its mass is in the middle.",
    }
    count = len(data.split(split))
    sample = f" A sample of {MOST:,} of {count:,} images." if count > MOST else ""
    return f"{by[basis]} {MEANING[method]}{sample}"


def _show_map(data: Dataset, split: str, drawn: DatasetMap, key: str) -> None:
    import numpy as np

    from digitlab.figures.inspection import embedding_figure

    positions = drawn.table.position[drawn.rows]
    labels = drawn.table.labels[drawn.rows]
    groups = [
        (data.classes[label], digit_color(label), np.flatnonzero(labels == label))
        for label in np.unique(labels).tolist()
    ]
    hovers = [describe(data, Place(split, position)) for position in positions.tolist()]
    title = f"{METHODS[url.get('plane') or 'pca']} of {len(positions):,} images"
    figure = embedding_figure(drawn.points, groups, positions, hovers, title=title)
    figure.update_layout(dragmode="lasso", selectionrevision=title)
    if len(groups) > 20:  # the legend would take half of the figure
        figure.update_layout(showlegend=False)
    show_chart(
        figure,
        key=key,
        on_select=lambda: _select_around(drawn, page.clicked_index(key)),
        on_area=lambda: _select(selected(key)),
        config={"modeBarButtonsToRemove": ["autoScale2d", "zoomIn2d", "zoomOut2d"]},
        alt="The images as points; draw around some, or choose one, to see them below.",
    )


def _select(positions: list) -> None:
    text = "-".join(str(int(position)) for position in positions)
    if not text:
        url.drop(AREA)
    elif len(positions) <= _LINK:
        url.put(AREA, text)
    else:
        url.put_for_visit(AREA, text)


def _select_around(drawn: DatasetMap, position: int | None) -> None:
    import numpy as np

    row = np.flatnonzero(drawn.table.position[drawn.rows] == position)
    if len(row):
        distance = ((drawn.points - drawn.points[row[0]]) ** 2).sum(1)
        nearest = drawn.rows[np.argsort(distance, kind="stable")[:AROUND]]
        _select(drawn.table.position[nearest].tolist())


def _selected(data: Dataset, split: str, drawn: DatasetMap) -> np.ndarray:
    """The positions that the URL names and that the split has."""
    import numpy as np

    parts = [part for part in (url.get(AREA) or "").split("-") if part.isascii() and part.isdigit()]
    positions = [int(part) for part in parts if len(part) < 10]
    return np.array([p for p in positions if p < len(data.split(split))], dtype=np.int64)


def _show_selected(data: Dataset, split: str, drawn: DatasetMap) -> None:
    positions = _selected(data, split, drawn)
    if not len(positions):
        st.info("No images are selected on the map.", icon=":material/gesture_select:")
        return
    names = [data.classes[label] for label in data.split(split).labels[positions].tolist()]
    tiles = [
        Tile(Place(split, position), shorten(name, 9), describe(data, Place(split, position)))
        for position, name in zip(positions.tolist(), names, strict=True)
    ]
    st.markdown(f"**{len(tiles):,} selected**" if len(tiles) > 1 else "**1 selected**")
    browse(data, tiles, key="selected-images", alt="The selected images with their labels.")
