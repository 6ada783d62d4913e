"""Where an architecture starts from: a preset, one saved under a name, or a whole model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.models.presets import list_presets
from digitlab.ui import url
from digitlab.ui.model_picker import DEFAULT, model_options

if TYPE_CHECKING:
    from digitlab.models.summary import ModelSummary


def pick_start() -> str:
    """The name of the architecture to start from; another one replaces the layers."""
    return url.choose(
        "Start from",
        model_options(),
        param="preset",
        default=DEFAULT,
        always=True,
        help="Known architectures, those you saved, and the networks of torchvision. Type to "
        "search; what you had can be brought back by Undo.",
    )


def show_published(name: str, *, changed: bool) -> None:
    """What is known of a preset: where it comes from and what it reached.

    None of it holds for what was `changed` since, which is said instead.
    """
    if changed:
        st.caption(
            "Your own: what is below was changed or pasted since. Choose another start, or press "
            "Undo, for a known architecture."
        )
        return
    preset = next((one for one in list_presets() if one.name == name), None)
    if preset is None:
        return
    st.markdown(preset.about)
    if preset.published:
        figures = ", ".join(
            f"{name.replace('_', ' ')} {value} %" for name, value in preset.published.items()
        )
        st.caption(f"Published: {figures}. Source: {preset.source}")


def has_branches(summary: ModelSummary) -> bool:
    """Whether the diagram is wide: branches or shortcuts stand beside each other."""
    return any(row.label in ("Parallel", "Residual", "DenseBlock") for row in summary.rows)
