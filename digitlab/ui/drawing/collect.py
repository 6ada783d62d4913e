"""Collecting: saving a drawing with its correct label, and the drawings of a collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from digitlab.data import collections
from digitlab.data.derived import collection_dataset
from digitlab.data.info import DIGITS
from digitlab.errors import DigitlabError
from digitlab.snippets import drawing as snippets
from digitlab.ui import page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.drawing import collection_files, finetune, sheets
from digitlab.ui.labels import run_title
from digitlab.ui.markdown import plain

if TYPE_CHECKING:
    from digitlab.runs.run import Run
    from digitlab.ui.drawing.reading import Reading

DEFAULT = "my-drawings"
NEW = " new"  # no name of a collection has a space
SHOWN = 60  # of the newest drawings
CONSENT = (
    "I agree that this drawing (its image, its strokes and the label) is stored on this server, "
    "where other visitors see it only in a run that I train on it and share. It contains nothing "
    "personal."
)


def show_collection(reading: Reading | None, run: Run) -> None:
    """Saving the drawing, the collection's drawings, and what can be done with them."""
    page.cell(
        "Collect",
        "Drawings that you label become a dataset: evaluate any run on it, or fine-tune a run on "
        "your handwriting and see how much better it reads it.",
    )
    name = _pick_collection()
    if name is None:
        return
    if reading is None:
        st.caption("Draw a digit to save it.")
    elif reading.run.classes == DIGITS:
        offer_saving(reading, name, "collect")
    sheets.show_sheets(name, run)
    entries = collections.list_entries(name)
    if entries:
        _show_drawings(name, entries)
        _show_links(name, run)
        finetune.show_finetuning(name, run)
    collection_files.show_files(name, has_drawings=bool(entries))
    if entries:
        page.code_fold(snippets.collection(name, run.id), "The collection in Python")


def current_collection() -> str:
    """The name of the collection that drawings are saved in."""
    name = url.get("collection") or DEFAULT
    try:
        return collections.check_name(name)
    except DigitlabError:
        return DEFAULT


def offer_saving(reading: Reading, name: str, key: str) -> None:
    """The digit's label, as read or as corrected, and a button that saves the drawing with it."""
    prefix = f"{key}:{reading.drawing.digest}:{reading.selected}"
    label = st.segmented_control(
        "Correct label",
        DIGITS,
        default=reading.answer,
        required=True,
        key=f"{prefix}:label",
        help=f"The network read {reading.answer}. Choose another label if that is wrong.",
    )
    agreed = collection_files.agrees_to_storing(f"{key}:consent", CONSENT)
    # Streamlit keeps what the buttons of all earlier drawings were to be called with.
    st.session_state[f"{key}:reading"] = reading
    entry = (reading.drawing.digest, reading.selected, name, label)
    is_saved = entry in st.session_state.get("collected", ())
    st.button(
        f"Save as {label} in {name}",
        key=f"{prefix}:save",
        type="primary",
        icon=":material/bookmark_add:",
        on_click=_save,
        args=(key, reading.drawing.digest, name, label),
        disabled=not agreed or is_saved,
    )
    if problem := st.session_state.pop("collect:problem", None):
        page.show_error(problem)
    if is_saved:
        count = _count(collections.list_entries(name))
        st.success(f"Saved: {name} has {count}.", icon=":material/check_circle:")


def _save(key: str, digest: int, name: str, label: str) -> None:
    """Save the image that the network saw, with the strokes that lie in the digit's box."""
    reading: Reading = st.session_state[f"{key}:reading"]
    if reading.drawing.digest != digest:  # of a drawing that another one has replaced
        return
    drawing = collections.NewDrawing(
        reading.image, int(label), _strokes_of(reading), read=reading.digit.label
    )
    try:
        collections.keep_drawing(name, drawing)
    except DigitlabError as e:
        st.session_state["collect:problem"] = str(e)
        return
    entry = (reading.drawing.digest, reading.selected, name, label)
    st.session_state.setdefault("collected", set()).add(entry)


def _strokes_of(reading: Reading) -> list:
    """All strokes of a single digit; of several, those whose centre lies in the digit's box."""
    strokes = reading.drawing.strokes or []
    if not reading.several:
        return strokes
    left, top, right, bottom = reading.digit.box
    centres = [(stroke, stroke.mean(axis=0)) for stroke in strokes]
    return [stroke for stroke, (x, y) in centres if left <= x < right and top <= y < bottom]


def _pick_collection() -> str | None:
    """The chosen collection, or the name of a new one; None until that name is valid."""
    names = [*collections.list_collections(), current_collection()]
    options = {**{name: name for name in names}, NEW: "A new collection …"}
    left, right = st.columns(2)
    with left:
        name = url.choose("Collection", options, param="collection", default=DEFAULT)
    if name != NEW:
        return name
    with right:
        typed = st.text_input("Name of the collection", key="collect:name", placeholder="my-sevens")
    if not typed:
        st.caption(f"A name has {collections.ALLOWED}.")
        return None
    try:
        name = collections.check_name(typed.strip())
    except DigitlabError as e:
        page.show_error(e)
        return None
    url.put("collection", name)
    return name


def _count(entries: Sequence[collections.Entry]) -> str:
    return f"{len(entries):,} drawing{'s' if len(entries) != 1 else ''}"


def _show_drawings(name: str, entries: Sequence[collections.Entry]) -> None:
    """The newest drawings with their labels, and a fold to correct or delete them."""
    from digitlab.figures.images import describe_grid

    counts = ", ".join(
        f"{sum(entry.label == digit for entry in entries)} × {digit}"
        for digit in range(10)
        if any(entry.label == digit for entry in entries)
    )
    st.markdown(f"**{name}** has {_count(entries)}: {counts}.")
    newest = dict(list(enumerate(entries, start=1))[-SHOWN:][::-1])
    drawings = {number: collections.read_entry(name, entry) for number, entry in newest.items()}
    show_chart(
        describe_grid(
            np.stack([drawing.image for drawing in drawings.values()]),
            captions=[f"{drawing.label}" for drawing in drawings.values()],
            hovers=[
                f"Drawing {number}: label {drawing.label}, read as {drawing.read}"
                for number, drawing in drawings.items()
            ],
            columns=8,
            tile=56,
        ),
        key="collect:grid",
        bar=False,
        alt=f"The newest {len(drawings)} drawings of {name} with their labels.",
    )
    with st.expander("Correct a label, or delete", icon=":material/edit:"):
        _edit(name, newest)


def _edit(name: str, entries: Mapping[int, collections.Entry]) -> None:
    """Correct or delete a drawing; `entries` by their number in the collection."""
    number = st.selectbox(
        "Drawing",
        list(entries),
        format_func=lambda number: f"Drawing {number}: label {entries[number].label}",
        key="collect:drawing",
    )
    entry = entries[number]
    label = st.segmented_control(
        "Label", DIGITS, default=str(entry.label), required=True, key=f"collect:{entry.id}"
    )
    with st.container(horizontal=True):
        if st.button("Save the label", icon=":material/save:", disabled=label == str(entry.label)):
            collections.relabel(name, entry.id, int(label))
            st.rerun()
        if st.button("Delete this drawing", icon=":material/delete:"):
            collections.remove_drawing(name, entry.id)
            st.rerun()
        with st.popover("Delete the whole collection", icon=":material/delete_forever:"):
            st.markdown(
                f"This deletes all drawings of **{name}**. To keep a copy, export it first."
            )
            if st.button(f"Delete {name}", type="primary"):
                collections.remove_collection(name)
                st.rerun()


def _show_links(name: str, run: Run) -> None:
    data = collection_dataset(name)
    with st.container(horizontal=True):
        st.page_link(
            page.DATA,
            label="Open it on the Data page",
            icon=page.ICONS[page.DATA],
            query_params={"dataset": data},
        )
        st.page_link(
            page.RESULTS,
            label=f"Evaluate {plain(run_title(run.record))} on it",
            icon=page.ICONS[page.RESULTS],
            query_params={"run": run.id, "data": data},
        )
