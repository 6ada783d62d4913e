"""A gallery of images, and beside it the one that is chosen, with the controls that correct it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.ui.data.correct import show_image
from digitlab.ui.data.gallery import Tile, chosen_place, show_pages

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset


def browse(data: Dataset, tiles: Sequence[Tile], *, key: str, alt: str, group: int = 1) -> None:
    """Show the tiles in pages and, beside them, one image large; there is at least one tile."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        show_pages(data, tiles, key=key, alt=alt, group=group)
    with right, st.container(key="corrected-image"):
        show_image(data, chosen_place(data, tiles))
