"""Label issues of a dataset that no run has to have seen, the most suspicious label first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.dataset_features import default_basis
from digitlab.analysis.dataset_labels import find_label_issues
from digitlab.data.info import SPLITS
from digitlab.snippets import data_lab as snippets
from digitlab.ui import page
from digitlab.ui.data.browse import browse
from digitlab.ui.data.gallery import Tile, describe, sampled
from digitlab.ui.data.work import result_of
from digitlab.words import percent, shorten

if TYPE_CHECKING:
    import numpy as np

    from digitlab.analysis.dataset_labels import DatasetLabelIssues
    from digitlab.data.dataset import Dataset

LEAST, MOST = 48, 480  # images: one to ten pages


def show(data: Dataset, split: str) -> None:
    """Show the images of the split whose labels quick models doubt."""
    page.cell(
        "Label issues",
        "An image is listed because quick models that have not seen it read it as another class. "
        "It may be labelled wrongly, or only be hard to read: look, and correct what is wrong. "
        "The caption is the label and what they read.",
    )
    issues = result_of(find_label_issues, data)
    if issues is not None:
        inside = issues.table.split[issues.rows] == SPLITS.index(split)
        _show_counts(issues, inside)
        browse(
            data,
            _tiles(data, issues, inside),
            key="label-issues",
            alt="Images whose label is doubtful, the most doubtful first.",
        )
        st.caption(_explain(data))
    page.code_fold(snippets.dataset_label_issues(data.name, split))


def _other(issues: DatasetLabelIssues) -> np.ndarray:
    """Whether the models read another class than the label, bool [N], in the order of issues."""
    return issues.suggested != issues.table.labels[issues.rows]


def _show_counts(issues: DatasetLabelIssues, inside: np.ndarray) -> None:
    other = int((_other(issues) & inside).sum())
    flagged = int((issues.flagged & inside).sum())
    st.markdown(
        f"Of {int(inside.sum()):,} images{sampled(issues.table)}, {other:,} "
        f"{'is' if other == 1 else 'are'} read as another class than the label; confident "
        f"learning flags {flagged:,}. The quick models agree with "
        f"{percent(issues.accuracy, 1)} of all labels."
    )


def _explain(data: Dataset) -> str:
    """Where the doubts come from, and how far they can be trusted."""
    by = default_basis(data.input_shape)
    text = (
        "A logistic regression in five parts, each of which reads the images of the others, and "
        "the ten nearest other images by their pixels, together."
    )
    if by == "pixels":
        return text
    return (
        f"{text} The regression is on the activations of the bundled network, which learnt "
        "MNIST's training images: there it is only partly out of sample."
    )


def _tiles(data: Dataset, issues: DatasetLabelIssues, inside: np.ndarray) -> list[Tile]:
    import numpy as np

    count = min(MOST, max(LEAST, int((_other(issues) & inside).sum())))
    tiles = []
    for i in np.flatnonzero(inside)[:count].tolist():
        row = int(issues.rows[i])
        label, suggested = issues.table.labels[row], issues.suggested[i]
        place, quality = issues.table.place(row), float(issues.quality[i])
        caption = f"{shorten(data.classes[label], 5)}→{shorten(data.classes[suggested], 5)}"
        read = f"read as {data.classes[suggested]}, its label has {percent(quality, 1)}"
        flag = ", flagged" if issues.flagged[i] else ""
        tiles.append(Tile(place, caption, f"{describe(data, place)}; {read}{flag}"))
    return tiles
