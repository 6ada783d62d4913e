"""Comparison with a second architecture: differences in words, totals and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import SpecError
from digitlab.models.load import load_model
from digitlab.models.summary import contrast
from digitlab.ui import cached, page, url
from digitlab.ui.architecture.cost import show_table
from digitlab.ui.architecture.text import shape_text
from digitlab.ui.markdown import plain
from digitlab.ui.model_picker import model_options
from digitlab.words import size

if TYPE_CHECKING:
    from digitlab.models.summary import ModelSummary

_NONE = "none"


def show_comparison(summary: ModelSummary) -> None:
    """A picker for a second architecture and, once it is chosen, both side by side."""
    name = url.choose(
        "Second architecture",
        {_NONE: "None", **model_options()},
        param="compare",
        default=_NONE,
        help="A preset, a saved architecture, or a model of a library.",
    )
    if name == _NONE:
        return
    try:
        other = cached.summarize(load_model(name))
    except SpecError as e:
        page.show_error(e)
        return

    st.markdown("  \n".join(plain(sentence) for sentence in contrast(summary, other)))
    _totals(summary, other)
    for column, side in zip(st.columns(2), (summary, other), strict=True):
        with column:
            st.markdown(f"**{plain(side.name)}**")
            show_table(side, short=True)


def _totals(first: ModelSummary, second: ModelSummary) -> None:
    import pandas as pd

    measures = {
        "Parameters": lambda s: f"{s.parameters:,}",
        "Multiply-adds per image": lambda s: f"{s.operations:,}",
        "Activations per image": lambda s: size(s.activation_bytes),
        "Weights": lambda s: size(s.weight_bytes),
        "Layers": lambda s: f"{len(s.rows):,}",
        "Output": lambda s: shape_text(s.output_shape),
    }
    rows = [(label, text(first), text(second)) for label, text in measures.items()]
    names = (first.name, second.name if second.name != first.name else f"{second.name} (second)")
    st.dataframe(
        pd.DataFrame(rows, columns=("", *names)), hide_index=True, width="content", height="content"
    )
