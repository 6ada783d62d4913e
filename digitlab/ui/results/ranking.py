"""One class against all others: ROC and precision-recall curves with their areas."""

from __future__ import annotations

import streamlit as st

from digitlab.snippets import evaluation as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.page import FEW_BUTTONS
from digitlab.ui.results.view import View

ALL = "all"


def show(view: View) -> None:
    """Both figures side by side, of all classes or of one, and the areas as a table."""
    from digitlab.evaluation.curves import mean_areas, one_vs_rest
    from digitlab.figures.curves import precision_recall_figure, roc_figure

    page.cell(
        "One class against all others",
        "How well does a class's probability tell its images from all others, wherever the line "
        "is drawn? ROC counts the others that are accused falsely; precision and recall say what "
        "the accusations are worth when the class is rare.",
    )
    curves = cached.of_evaluation(one_vs_rest, view.key, view.result)
    names = {ALL: "all", **{str(curve.label): curve.name for curve in curves}}
    narrow, _ = st.columns([1, 3])
    with narrow:
        chosen = url.choose("Class", names, param="curve", default=ALL)
    shown = [one for one in curves if one.roc and chosen in (ALL, str(one.label))]
    if not shown:
        st.info(
            "A curve needs images of the class and images of others in the split.",
            icon=":material/info:",
        )
    left, right = st.columns(2)
    left.plotly_chart(
        roc_figure([(one.label, one.name, one.roc.thinned()) for one in shown]),
        key="roc",
        config=FEW_BUTTONS,
        alt="ROC curve of each class.",
    )
    right.plotly_chart(
        precision_recall_figure(
            [(one.label, one.name, one.precision_recall.thinned()) for one in shown]
        ),
        key="precision-recall",
        config=FEW_BUTTONS,
        alt="Precision-recall curve of each class.",
    )
    areas = mean_areas(curves)
    if areas:
        st.markdown(
            f"Mean over the classes: area under ROC **{areas[0]:.5f}**, average precision "
            f"**{areas[1]:.5f}**. The areas of each are below; drag over a figure to zoom."
        )
    _show_areas(curves)
    page.code_fold(snippets.ranking(*view.named))


def _show_areas(curves: tuple) -> None:
    import pandas as pd

    table = pd.DataFrame(
        {
            "Class": [one.name for one in curves],
            "Area under ROC": [one.roc and one.roc.area for one in curves],
            "Average precision": [
                one.precision_recall and one.precision_recall.area for one in curves
            ],
            "Support": [one.support for one in curves],
        }
    )
    number = st.column_config.NumberColumn(format="%.5f")
    config = {"Area under ROC": number, "Average precision": number}
    st.dataframe(table, hide_index=True, placeholder="–", column_config=config)
