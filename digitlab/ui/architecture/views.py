"""The three views of one architecture: its layers, its YAML, and a place to paste code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.models.edit import is_branch
from digitlab.ui import url
from digitlab.ui.architecture import fields, layers, source, state
from digitlab.ui.architecture.check import rows_so_far
from digitlab.ui.architecture.send import pick_init

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from digitlab.errors import SpecError
    from digitlab.models.spec import ModelSpec
    from digitlab.models.summary import ModelSummary

VIEWS = {"layers": "Layers", "yaml": "YAML", "paste": "Paste code"}


_DIAGRAM = "architecture-diagram"
# On a phone, branches side by side would be too small to read: there a finger moves them.
_STYLE = f"""<style>
.st-key-{_DIAGRAM} [data-testid=stGraphVizChart] {{overflow-x: auto}}
.st-key-{_DIAGRAM} [data-testid=stGraphVizChart] svg {{min-width: 35rem}}
</style>"""


def show_diagram(drawn: ModelSummary, *, wide: bool) -> None:
    """The architecture's boxes and arrows; `wide` is one with branches beside each other."""
    from digitlab.figures.architecture import architecture_dot

    with st.container(key=_DIAGRAM):
        if wide:
            st.html(_STYLE)
        st.graphviz_chart(architecture_dot(drawn), alt=f"Diagram of {drawn.name}.")


def columns(wide: bool) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Where the view and what stands beside it go; text has the whole width of a `wide` page."""
    if wide and url.get("view") in ("yaml", "paste"):
        return st.container(), st.container()
    left, right = st.columns([3, 2], gap="large")
    return left, right


def edit(
    spec: ModelSpec,
    summary: ModelSummary | None,
    error: SpecError | None,
    *,
    form: DeltaGenerator | None = None,
) -> None:
    """The chosen view; a change in one changes the others.

    The chosen layer's arguments stand in `form`, or else below the list.
    """
    view = url.choose(
        "View",
        VIEWS,
        param="view",
        default="layers",
        widget=st.segmented_control,
        label_visibility="collapsed",
    )
    state.show_problem()
    if view == "yaml":
        source.edit_yaml(spec)
        return
    source.warn_of_draft(spec)
    if view == "paste":
        source.paste()
        return
    rows = rows_so_far(spec, summary, error)
    layers.show_buttons(spec, state.selected())
    chosen = layers.pick_layer(spec, rows, error.path if error else None)
    with form or st.container(), st.container(border=True):
        if chosen is None or is_branch(chosen):
            st.caption("Choose a layer to change its arguments.")
        else:
            fields.edit_layer(spec, chosen, rows.get(chosen))
    layers.show_adding(spec, chosen, rows)
    pick_init(spec)
