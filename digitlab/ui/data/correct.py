"""One image of a dataset, large, with the controls that give it another label or drop it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.ui import url
from digitlab.ui.data import changes
from digitlab.ui.data.gallery import describe, picture
from digitlab.ui.markdown import plain
from digitlab.words import counted

if TYPE_CHECKING:
    from digitlab.analysis.image_table import Place
    from digitlab.data.dataset import Dataset

LARGE = 252  # pixels


def show_image(data: Dataset, place: Place) -> None:
    """Show the image with what is known of it, and the controls."""
    from PIL import Image

    pixels = picture(data, place)
    height, width = pixels.shape[:2]
    scale = max(1, LARGE // max(height, width))
    large = Image.fromarray(pixels).resize(
        (width * scale, height * scale), Image.Resampling.NEAREST
    )
    text = describe(data, place)
    text = f"{text[:1].upper()}{text[1:]}"
    number = int(data.split(place.split).indices[place.position])
    caption = plain(f"{text} (file index {number:,})")
    st.image(large, caption=caption, output_format="PNG", alt=f"{text}, enlarged.")
    show_controls(data, place)


def show_controls(data: Dataset, place: Place) -> None:
    """A choice of the label, a button that drops the image or keeps it, and one that undoes."""
    new = changes.changed_labels(data).get(place, changes.label_of(data, place))
    shown = changes.label_of(data, place) if new is None else new
    turn = changes.turn(data)
    key = f"relabel:{data.name}:{place.split}.{place.position}:{turn}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Label",
            range(len(data.classes)),
            index=shown,
            format_func=lambda label: data.classes[label],
            key=key,
            disabled=new is None,
            on_change=_relabel,
            args=(data, place, key, turn),
            width=150,
        )
        dropped = new is None
        st.button(
            "Keep" if dropped else "Drop",
            icon=":material/restore_from_trash:" if dropped else ":material/delete:",
            key="drop-image",
            on_click=changes.change_image,
            args=(data, place, changes.label_of(data, place) if dropped else None),
        )
        st.button(
            "Undo",
            icon=":material/undo:",
            key="undo-change",
            disabled=not changes.can_undo(data),
            on_click=changes.undo,
            args=(data,),
        )
    show_count(data)


def _relabel(data: Dataset, place: Place, key: str, turn: int) -> None:
    """Take over a choice, unless a key has changed the label since: browsers send it again."""
    if turn == changes.turn(data):
        changes.change_image(data, place, st.session_state[key])


def show_count(data: Dataset) -> None:
    """Say how many changes wait to be saved, with the way there."""
    count = len(changes.list_changes(data))
    if count and url.get("section") != "changes":
        st.button(
            f"{counted(count, 'change')}, not saved yet",
            icon=":material/edit_note:",
            key="see-changes",
            on_click=url.put,
            args=("section", "changes"),
        )
