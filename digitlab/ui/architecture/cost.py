"""What an architecture costs: totals, a table of its layers, and its speed on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.data.registry import default_dataset, find_dataset
from digitlab.errors import DigitlabError
from digitlab.models.classical.catalog import PREFIX as CLASSICAL
from digitlab.models.limits import training_bytes
from digitlab.ui import cached, page
from digitlab.ui.architecture.check import batch_size
from digitlab.ui.architecture.text import shape_text, shorten_arguments
from digitlab.ui.markdown import plain
from digitlab.words import duration, size

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec
    from digitlab.models.summary import ModelSummary


def show_totals(summary: ModelSummary) -> None:
    """The cost of the whole network."""
    if summary.rows[0].label.startswith(CLASSICAL):
        _show_classical(summary)
        return
    batch = batch_size()
    with st.container(horizontal=True, gap="medium"):
        st.metric("Parameters", f"{summary.parameters:,}", width="content")
        st.metric("Multiply-adds per image", f"{summary.operations:,}", width="content")
        st.metric("Output", shape_text(summary.output_shape), width="content")
        st.metric("Weights", size(summary.weight_bytes), width="content")
        st.metric(
            "Activations per image",
            size(summary.activation_bytes),
            help="Memory of the outputs of all layers for one image. Training keeps them until the "
            "backward pass.",
            width="content",
        )
        st.metric(
            "Memory of a training step",
            size(training_bytes(summary, batch)),
            help="An estimate: weights, gradients, two moments of each gradient for the "
            f"optimizer, and the activations of a batch of {batch} images.",
            width="content",
        )
    for note in summary.notes:
        st.info(plain(note), icon=":material/lightbulb:")


def _show_classical(summary: ModelSummary) -> None:
    """What is known of a classical model before it is fitted."""
    with st.container(horizontal=True, gap="large"):
        st.metric("Parameters", "learnt from the data", width="content")
        st.metric("Output", shape_text(summary.output_shape), width="content")
    for note in summary.notes:
        st.info(plain(note), icon=":material/lightbulb:")


def show_table(summary: ModelSummary, *, short: bool = False) -> None:
    """Each layer with its shape, cost, memory and receptive field; `short` for half the width."""
    import pandas as pd

    rows = [
        (
            "\u2003" * row.depth + row.label,
            row.name,
            shorten_arguments(row.label, row.arguments),
            shape_text(row.output_shape),
            row.parameters,
            100 * row.share,
            row.operations,
            row.activation_bytes / 1e3,
            shape_text(row.receptive_field or ()),
        )
        for row in summary.rows
    ]
    columns = ("Layer", "Name", "Arguments", "Output shape", "Parameters", "Share", "Multiply-adds")
    st.dataframe(
        pd.DataFrame(rows, columns=(*columns, "Activations", "Receptive field")),
        hide_index=True,
        height="content" if len(rows) <= 40 else 1_400,
        column_config=_COLUMNS | (_NARROW if short else {}),
        column_order=_order(summary, short=short),
    )


def _order(summary: ModelSummary, *, short: bool) -> tuple[str, ...] | None:
    """The columns to show; of a classical model, only what is known before it is fitted."""
    if summary.rows[0].label.startswith(CLASSICAL):
        return ("Layer", "Output shape") if short else ("Layer", "Arguments", "Output shape")
    if short:
        return _SHORT
    left_out = "Share" if any(row.name for row in summary.rows) else "Name"  # there is room for one
    return tuple(name for name in _COLUMNS if name != left_out)


_SHORT = ("Layer", "Output shape", "Parameters", "Multiply-adds")
_COLUMNS = {
    "Layer": st.column_config.TextColumn(width=120),
    "Name": st.column_config.TextColumn(
        width=95, help="What other layers call it; its weights' keys begin with it."
    ),
    "Arguments": st.column_config.TextColumn(width=145),
    "Output shape": st.column_config.TextColumn(
        width=90, help="Channels, height and width, or features."
    ),
    "Parameters": st.column_config.NumberColumn(
        width=85,
        format="localized",
        help="Learnt numbers. Those of a block include the layers inside it.",
    ),
    "Share": st.column_config.ProgressColumn(
        width=90,
        format="%.1f %%",
        min_value=0,
        max_value=100,
        help="Share of the network's parameters.",
    ),
    "Multiply-adds": st.column_config.NumberColumn(
        width=94,
        format="localized",
        help="For one image, forward pass. Training takes about three times as many.",
    ),
    "Activations": st.column_config.NumberColumn(
        width=85,
        format="%.2f kB",
        help="Memory of the layer's output for one image, as float32.",
    ),
    "Receptive field": st.column_config.TextColumn(
        width=105, help="Pixels of the image that one value of the output depends on."
    ),
}


_NARROW = {  # for two tables side by side
    "Layer": st.column_config.TextColumn(width=118),
    "Output shape": st.column_config.TextColumn(width=84),
    "Parameters": st.column_config.NumberColumn(width=76, format="localized"),
    "Multiply-adds": st.column_config.NumberColumn(width=92, format="localized"),
}


@st.fragment
def show_speed(spec: ModelSpec) -> None:
    """A button that trains a few steps on random images, and the time an epoch would take."""
    with page.guard():
        batch = batch_size()
        key = f"speed:{spec.fingerprint}:{batch}"
        with st.container(horizontal=True, vertical_alignment="center"):
            pressed = st.button(
                "Measure the speed on this machine",
                icon=":material/speed:",
                help="Trains for about a second on random images, then discards the weights.",
            )
            if pressed:
                with st.spinner("Training a few steps …"):
                    st.session_state[key] = _measure(spec, batch)
            st.markdown(st.session_state.get(key, ""))


def _measure(spec: ModelSpec, batch: int) -> str:
    """The speed in words, or why it cannot be measured."""
    try:
        probe = cached.speed(spec, batch)
    except DigitlabError as e:
        return plain(str(e))
    info = find_dataset(default_dataset())
    images = round(0.9 * info.train_size)
    return (
        f"About **{duration(probe.epoch_seconds(images))} per epoch** of {images:,} images of "
        f"{info.title}: {probe.images_per_second:,.0f} images per second in batches of "
        f"{probe.batch_size}, measured over {probe.steps:,} steps under the machine's present load."
    )
