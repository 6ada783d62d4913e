"""The three views of an architecture: its layers, its YAML, and a field for pasted code."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.figures.architecture import architecture_dot
from digitlab.models.spec import MAX_NAME
from digitlab.ui import url
from digitlab.ui.architecture import adding, fields, layers, names, outline, paste, source, state
from digitlab.ui.architecture.check import rows_by_path

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from digitlab.errors import SpecError
    from digitlab.models.layer import Path
    from digitlab.models.placement import Row
    from digitlab.models.spec import ModelSpec
    from digitlab.models.summary import ModelSummary
    from digitlab.ui.architecture.outline import Line

VIEWS = {"layers": "Layers", "yaml": "YAML", "paste": "Paste code"}
_INITS = {
    "default": "PyTorch's default: uniform, by the number of inputs",
    "kaiming": "Kaiming: normal, for ReLU",
    "xavier": "Xavier: uniform, for sigmoid and tanh",
    "orthogonal": "Orthogonal: random rotations",
    "normal": "Normal: σ = 1/√inputs, linear layers only",
}
_DIAGRAM = "architecture-diagram"
_SLOW = 40  # boxes; Graphviz in a browser takes more than a second for more
_TALL, _MANY = 1_000, 25  # pixels of a diagram with so many boxes, which scrolls
# On a phone, side-by-side branches would be too small to read: the diagram scrolls sideways. It is
# never drawn larger than Graphviz laid it out.
_STYLE = f"""<style>
.st-key-{_DIAGRAM} [data-testid=stGraphVizChart] {{overflow-x: auto}}
.st-key-{_DIAGRAM} [data-testid=stGraphVizChart] svg {{max-width: max(100%, 35rem)}}
</style>"""


def show_diagram(spec: ModelSpec, summary: ModelSummary) -> None:
    """The architecture as boxes and arrows. What is closed in the list of layers is one box."""
    rows = {row.path: row for row in reversed(summary.rows)}
    collapsed = outline.collapsed(outline.shown_lines(spec), rows)
    dot = architecture_dot(summary, collapsed=collapsed)
    boxes = dot.count("fillcolor=")
    if boxes > _SLOW and not st.toggle(
        f"Draw the diagram of {boxes:,} boxes",
        key="architecture-draw",
        help="The browser needs seconds for so many. Closed blocks and groups are one box each.",
    ):
        return
    with st.container(key=_DIAGRAM, height=_TALL if boxes > _MANY else "content"):
        if dot.count(" -> ") >= boxes:
            st.html(_STYLE)
        # Drawn into the place of another diagram, each shape would be measured in steps of a pixel,
        # for a transition that is never shown: most of the time that a change took.
        with st.container(key=f"{_DIAGRAM}-{zlib.crc32(dot.encode()):x}"):
            st.graphviz_chart(dot, alt=f"Diagram of {summary.name}.")


def name_it(spec: ModelSpec) -> None:
    """A field for the architecture's name."""
    names.edit_name(
        "Name of the network",
        spec.name,
        lambda name: state.current().renamed(name or state.start_name()),
        key="architecture-network-name",
        max_chars=MAX_NAME,
        help="Its runs and files are called by this name. Clear it to name the network after what "
        "it started from.",
    )


def columns(wide: bool) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Containers for the view and the diagram; for a `wide` one, text views take the full width."""
    if (wide and url.get("view") == "yaml") or url.get("view") == "paste":
        return st.container(), st.container()
    left, right = st.columns([3, 2], gap="large")
    return left, right


def shows_other() -> bool:
    """Whether a pasted text is shown that is not the architecture of the page."""
    return url.get("view") == "paste" and not paste.is_current()


def show_view(
    spec: ModelSpec,
    summary: ModelSummary | None,
    error: SpecError | None,
    *,
    form: DeltaGenerator | None = None,
) -> None:
    """The chosen view; a change in one view changes the others.

    The selected layer's arguments are shown in `form` or, without it, below the list.
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
    rows = rows_by_path(spec, summary, error)
    lines = outline.shown_lines(spec)
    selected = outline.nearest(lines, state.selected()) or next(iter(lines), None)
    if view == "paste":
        paste.edit_code()
        if not paste.has_code():
            return
        with st.container(key=paste.SIDES):
            code, listed = st.columns(2, gap="small")
        with code:
            paste.show_code(spec, lines, selected)
        form = listed
    else:
        listed = st.container()
    with listed:
        layers.show_buttons(spec, lines, selected)
        layers.show_list(lines, selected, rows, error.path if error else None)
    with form or st.container(), st.container(border=True, key="fields"):
        _show_form(spec, selected, rows)
    if view == "paste":
        return
    if selected is None or selected.group is None:
        adding.show_adding(spec, selected.path if selected else None, rows)
    _pick_init(spec)


def _show_form(spec: ModelSpec, selected: Line | None, rows: Mapping[Path, Row]) -> None:
    """The form of the selected layer, or the facts of the selected group."""
    if selected is not None and selected.group is not None:
        layers.describe_group(selected, rows)
    elif selected is None or selected.layer is None:
        st.caption("Select a layer to change its arguments.")
    else:
        fields.edit_layer(spec, selected.path, rows.get(selected.path))


def _pick_init(spec: ModelSpec) -> None:
    """A choice of how the weights are initialised."""
    key = "architecture-init"
    st.session_state[key] = spec.init
    st.selectbox(
        "Initial weights",
        list(_INITS),
        key=key,
        format_func=lambda init: _INITS.get(init, init),
        on_change=lambda: state.commit(state.current().with_init(st.session_state[key])),
        help="How the weights of convolutions and linear layers are initialised.",
    )
