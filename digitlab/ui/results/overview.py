"""Overview: accuracy, the confusion matrix, the pairs confused most and the worst mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.data.registry import dataset_title
from digitlab.runs.record import RunRecord
from digitlab.snippets import evaluation as snippets
from digitlab.ui import page, url
from digitlab.ui.labels import model_title, run_title
from digitlab.ui.markdown import plain
from digitlab.ui.results.classes import set_pair
from digitlab.ui.results.confusion import list_most_confused, show_matrix
from digitlab.ui.results.gallery import show_images
from digitlab.ui.results.view import View
from digitlab.words import duration, percent

if TYPE_CHECKING:
    from digitlab.evaluation.metrics import Evaluation

CONFUSED = 4  # pairs, and mistakes shown as images: as many as fit on the first screen
WORST, COLUMNS = 12, 6
MATRIX_HEIGHT = 430  # pixels: matrix and mistakes are on the first screen together


def show(view: View) -> None:
    """Show how good the run is and where it errs; each part opens the section that has more."""
    run, result = view.run, view.result
    page.cell(plain(run_title(run.record)), describe(view))
    if run.record.trained_elsewhere:
        st.info(
            "It was trained elsewhere: these images may be among those that its author trained "
            "it on, so that its accuracy may be flattering.",
            icon=":material/download:",
        )
    if run.record.claimed:
        st.warning(
            "These results are claimed: they come from a file whose weights could not be measured "
            "here. Import it again where its dataset is.",
            icon=":material/help:",
        )
    left, right = st.columns(2, gap="medium")
    with left:
        show_numbers(result)
        list_most_confused(view, result, on_choose=_open_pair, count=CONFUSED)
    with right:
        show_matrix(view, result, on_choose=_open_pair, height=MATRIX_HEIGHT)
    if len(result.errors):
        with left:  # the last, as the images may have to be read first
            st.markdown("**The most confident mistakes**")
            positions = result.errors.position[:WORST]
            show_images(view, positions, key="worst", columns=COLUMNS, on_choose=_open_mistake)
    page.code_fold(snippets.evaluation(*view.snippet_args))


def _open_pair(true: int | None, read: int | None) -> None:
    set_pair(true, read)
    url.put("section", "confusion")


def _open_mistake(position: int) -> None:
    set_pair(None, None)
    for group in ("mistakes", "mistakes-page"):
        url.forget_owner(group)
    url.put("mistake", position)
    url.put("section", "mistakes")


def describe(view: View) -> str:
    """What the run is, in a sentence or two."""
    text = f"{describe_training(view.run.record)}."
    if not view.is_own or view.split != "test":
        text += f" Evaluated on {plain(view.description)}."
    return text


def describe_training(record: RunRecord) -> str:
    """What the heading does not tell, as Markdown: model, size, data and duration."""
    model = model_title(record.model)
    parts = [] if model.lower() in run_title(record).lower() else [model]
    parts.append(f"{record.parameters:,} parameters")
    if record.trained_elsewhere:
        parts.append(f"imported from {record.data.imported['file']}")
    else:
        seconds = duration(record.train_seconds)
        parts.append(f"trained on {dataset_title(record.dataset)} in {seconds}")
    return plain(", ".join(parts))


def show_numbers(result: Evaluation) -> None:
    """Show the accuracy and the number of mistakes."""
    with st.container(horizontal=True, gap="medium"):
        st.metric("Accuracy", percent(result.accuracy), width="content")
        count = f"of {result.n:,} images"
        st.metric(
            "Mistakes",
            f"{len(result.errors):,}",
            count,
            delta_arrow="off",
            delta_color="off",
            width="content",
        )
