"""Outliers: the images of a split that are farthest from the others of their class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.outliers import find_outliers
from digitlab.data.info import SPLITS
from digitlab.snippets import data_lab as snippets
from digitlab.ui import page
from digitlab.ui.data.browse import browse
from digitlab.ui.data.gallery import Tile, describe, sampled
from digitlab.ui.data.work import result_of
from digitlab.words import shorten

if TYPE_CHECKING:
    from digitlab.analysis.outliers import Outliers
    from digitlab.data.dataset import Dataset

SHOWN = 480  # images: ten pages


def show(data: Dataset, split: str) -> None:
    """Show the images of the split, the strangest first."""
    page.cell(
        "Outliers",
        "The images that are farthest from the others of their class come first: strange "
        "handwriting, broken scans, things that are no digit, wrong labels. The number is how far "
        "the fifth nearest image of the class is, compared with what is usual in the class.",
    )
    outliers = result_of(find_outliers, data)
    if outliers is not None:
        browse(
            data,
            _tiles(data, split, outliers),
            key="outliers",
            alt="Images that are far from the others of their class, the farthest first.",
        )
        if note := sampled(outliers.table):
            st.caption(f"Compared{note}.")
    page.code_fold(snippets.outliers(data.name, split))


def _tiles(data: Dataset, split: str, outliers: Outliers) -> list[Tile]:
    import numpy as np

    table = outliers.table
    inside = np.flatnonzero(table.split[outliers.rows] == SPLITS.index(split))[:SHOWN]
    tiles = []
    for i in inside.tolist():
        place, distance = table.place(int(outliers.rows[i])), float(outliers.distance[i])
        name = shorten(data.classes[table.labels[outliers.rows[i]]], 4)
        far = "the only one of its class" if np.isnan(distance) else f"{distance:.1f} times as far"
        caption = name if np.isnan(distance) else f"{name} · {distance:.1f}×"
        tiles.append(Tile(place, caption, f"{describe(data, place)}; {far}"))
    return tiles
