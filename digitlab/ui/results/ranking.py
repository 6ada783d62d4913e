"""One class against all others: ROC and precision-recall curves with their areas."""

from __future__ import annotations

import streamlit as st

from digitlab.evaluation.curves import mean_areas, one_vs_rest
from digitlab.snippets import evaluation as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.results.view import View

ALL = "all"


def show(view: View) -> None:
    """Show both figures side by side, of all classes or of one class, and the areas as a table."""
    from digitlab.figures.curves import precision_recall_figure, roc_figure

    page.cell(
        "One class against all others",
        "How well does the probability of a class separate its images from all others, at every "
        "threshold? ROC plots the hit rate against the false alarm rate. Precision against recall "
        "tells more if the class is rare.",
    )
    curves = cached.of_evaluation(one_vs_rest, view.key, view.result)
    names = {ALL: "all", **{str(curve.label): curve.name for curve in curves}}
    narrow, _ = st.columns([1, 3])
    with narrow:
        chosen = url.choose("Class", names, param="curve", default=ALL)
    drawn = [curve for curve in curves if curve.roc and chosen in (ALL, str(curve.label))]
    if not drawn:
        st.info(
            "A curve needs images of the class and images of other classes in the split.",
            icon=":material/info:",
        )
    left, right = st.columns(2)
    with left:
        show_chart(
            roc_figure([(curve.label, curve.name, curve.roc.thinned()) for curve in drawn]),
            key="roc",
            alt="ROC curve of each class.",
        )
    with right:
        show_chart(
            precision_recall_figure(
                [(curve.label, curve.name, curve.precision_recall.thinned()) for curve in drawn]
            ),
            key="precision-recall",
            alt="Precision-recall curve of each class.",
        )
    areas = mean_areas(curves)
    if areas:
        st.markdown(
            f"Mean over the classes: area under ROC **{areas[0]:.5f}**, average precision "
            f"**{areas[1]:.5f}**. The table has the areas of each class. Drag in a figure to zoom."
        )
    _show_areas(curves)
    page.code_fold(snippets.ranking(*view.snippet_args))


def _show_areas(curves: tuple) -> None:
    import pandas as pd

    table = pd.DataFrame(
        {
            "Class": [curve.name for curve in curves],
            "Area under ROC": [curve.roc and curve.roc.area for curve in curves],
            "Average precision": [
                curve.precision_recall and curve.precision_recall.area for curve in curves
            ],
            "Support": [curve.support for curve in curves],
        }
    )
    number = st.column_config.NumberColumn(format="%.5f")
    config = {"Area under ROC": number, "Average precision": number}
    st.dataframe(table, hide_index=True, placeholder="–", column_config=config)
