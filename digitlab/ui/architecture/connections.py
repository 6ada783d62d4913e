"""The name of the chosen layer, and which layers it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.models import edit
from digitlab.models.graph import REUSE, WITHOUT_INPUT
from digitlab.ui.architecture import names, state
from digitlab.ui.architecture.layers import change
from digitlab.ui.markdown import plain

if TYPE_CHECKING:
    from digitlab.models.layer import Layer, Path
    from digitlab.models.spec import ModelSpec

_INPUT = -1  # the index of what reaches the list


def edit_connections(spec: ModelSpec, path: Path) -> None:
    """Fields for the layer's name and sources; closed for a layer that has none of its own."""
    layer = edit.layer_at(spec, path)
    has_own = bool(layer.name or layer.sources or layer.type in (REUSE, *WITHOUT_INPUT))
    with st.expander("Name and sources", expanded=has_own, icon=":material/share:"):
        _name_field(path, layer)
        _sources_field(spec, path, layer)


def _name_field(path: Path, layer: Layer) -> None:
    key = f"architecture-layer-name:{state.revision()}:{path}:{layer.type}"
    names.edit_name(
        "Layer name",
        layer.name,
        lambda name: edit.rename_layer(state.current(), path, name),
        key=key,
        placeholder="none",
        max_chars=100,
        help="What other layers call it, and its weights: conv1 has conv1.weight. Letters, digits, "
        "_ and dots; layers whose names begin with layer1. are a group.",
    )


def _sources_field(spec: ModelSpec, path: Path, layer: Layer) -> None:
    if layer.type in WITHOUT_INPUT:
        st.caption("It reads no other layer.")
        return
    options = {_INPUT: _input_title(path)}
    for index in range(path[-1]):
        other = edit.layer_at(spec, (*path[:-1], index))
        options[index] = f"{index + 1} {other.type}" + (f" {other.name}" if other.name else "")
    key = f"architecture-sources:{state.revision()}:{path}:{layer.type}"
    sources = edit.sources_of(spec, path)
    repeated = len(set(sources)) < len(sources)  # x · x, which the field cannot show
    st.session_state[key] = list(dict.fromkeys(sources))
    st.multiselect(
        "Reads",
        list(options),
        key=key,
        format_func=lambda index: options.get(index, str(index)),
        placeholder="The layer before",
        disabled=repeated,
        on_change=lambda: change(edit.connect, state.current(), path, st.session_state[key]),
        help="The layers whose output it takes, in this order: one, or several for a join such as "
        "Add or Concatenate.",
    )
    if repeated:
        order = ", ".join(options.get(index, str(index)) for index in sources)
        st.caption(plain(f"It reads {order}: one more than once. The view YAML can change that."))


def _input_title(path: Path) -> str:
    return "Input image" if len(path) == 1 else "Input of the block"
