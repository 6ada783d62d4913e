"""What an architecture starts from: a preset, a saved one, or a model of a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.models.presets import list_presets
from digitlab.ui import url
from digitlab.ui.model_picker import DEFAULT, model_options

if TYPE_CHECKING:
    from digitlab.models.summary import ModelSummary


def pick_start() -> str:
    """The name of the architecture to start from; choosing another one replaces the layers."""
    return url.choose(
        "Start from",
        model_options(),
        param="preset",
        default=DEFAULT,
        always=True,
        help="Presets, saved architectures, and models of scikit-learn, torchvision and timm. "
        "Type to search. Undo restores what you had.",
    )


def show_published(name: str, *, changed: bool, pasted: bool) -> None:
    """A preset's description, source and published accuracy, or that it was `changed` since or
    that `pasted` code took its place."""
    if pasted:
        st.caption("The network on this page was pasted. For a known one, choose another start.")
        return
    if changed:
        st.caption(
            "You changed this architecture, so it has a name of its own. For a known one, choose "
            "another start or press Undo."
        )
        return
    preset = next((preset for preset in list_presets() if preset.name == name), None)
    if preset is None:
        return
    st.markdown(preset.about)
    if preset.published:
        figures = ", ".join(
            f"{figure.replace('_', ' ').replace('val ', 'validation ')} {value} %"
            for figure, value in preset.published.items()
        )
        st.caption(f"Published: {figures}. Source: {preset.source}")


def has_branches(summary: ModelSummary) -> bool:
    """Whether boxes stand side by side in the diagram: two layers that do not depend on each other.

    A shortcut round layers without any of its own leaves the diagram as narrow as a list's.
    """
    ranks: dict[str, int] = {}  # how many layers the longest way to a layer has
    for row in summary.rows:
        if row.depth == 0 and row.sources:
            ranks[row.key] = 1 + max(ranks.get(key, 0) for key in row.sources)
    return len(set(ranks.values())) < len(ranks) or any(
        row.label == "Parallel" or row.path[-1:] == ("shortcut",) for row in summary.rows
    )
