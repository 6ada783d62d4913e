"""Taking a network along: download buttons that make their file when they are clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.models.classical.catalog import classical_kind
from digitlab.snippets import basics
from digitlab.ui import page

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.run import Run

NETWORK = ("py", "yaml", "safetensors", "onnx")
_WITH_FRESH_WEIGHTS = ("py", "yaml", "onnx")
_WITHOUT_WEIGHTS = ("py", "yaml")  # of a classical model, before its fit


def offer_run(run: Run) -> None:
    """A cell with the run as code, recipe, weights and graph."""
    from digitlab.exports.export import formats_of

    formats = [name for name in NETWORK if name in formats_of(run)]
    graph = "the recipe, and a graph from raw pixels to probabilities"
    page.cell(
        "The model" if classical_kind(run.spec) else "The network",
        "As files that need no digitlab: code that loads the weights, the weights themselves, "
        f"{graph if 'onnx' in formats else 'and the recipe'}.",
    )
    if formats:
        buttons(run, formats, f"run-{run.id}")
    if run.record.members:
        st.caption("An ensemble has no weights of its own: take its members along one by one.")
    page.code_fold(basics.export_of_run(run.id, formats))


def offer_spec(spec: ModelSpec, recipe: Mapping[str, Any]) -> None:
    """A cell with an architecture as code, recipe and graph; its weights are fresh ones."""
    page.cell(
        "Take it with you",
        "The model as files that need no digitlab: the scikit-learn script that fits it, and the "
        "recipe alone."
        if classical_kind(spec)
        else "The network as files that need no digitlab: PyTorch code with the recipe that trains "
        "it, the recipe alone, and a graph with fresh weights, for other tools to draw.",
    )
    formats = _WITHOUT_WEIGHTS if classical_kind(spec) else _WITH_FRESH_WEIGHTS
    buttons(spec, formats, "spec", recipe)
    page.code_fold(basics.export_of_spec(spec.to_yaml()))


def buttons(
    source: Run | ModelSpec,
    formats: Sequence[str],
    key: str,
    recipe: Mapping[str, Any] | None = None,
) -> None:
    """Buttons that make a file of these formats when they are clicked."""
    from digitlab.exports.export import FORMATS, exported, file_name

    with st.container(horizontal=True):
        for name in formats:
            st.download_button(
                FORMATS[name].title,
                partial(exported, source, name, recipe),
                file_name=file_name(source, name),
                mime=FORMATS[name].mime,
                key=f"export-{key}-{name}",
                help=FORMATS[name].about,
                icon=":material/download:",
                on_click="ignore",
            )
