"""Collecting: a drawing with its right label is kept, and a collection is looked through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from digitlab.data import collections
from digitlab.data.derived import collection_dataset
from digitlab.data.info import DIGITS
from digitlab.errors import DigitlabError
from digitlab.settings import read_settings
from digitlab.snippets import drawing as snippets
from digitlab.ui import page, url
from digitlab.ui.drawing import collection_files, finetune

if TYPE_CHECKING:
    from digitlab.runs.run import Run
    from digitlab.ui.drawing.context import Look

FIRST = "my-drawings"
NEW = " new"  # no name has a space
SHOWN = 60
CONSENT = (
    "I agree that this drawing (its image, its strokes and the label) is kept on this server, "
    "where other visitors can see, download and train on it. It holds nothing personal."
)


def show(look: Look | None, run: Run) -> None:
    """Keeping the present drawing, the collection's drawings, and what can be done with them."""
    page.cell(
        "Collect",
        "Drawings that you label become a dataset of your own: measure any run on it, or "
        "fine-tune one on your hand and see how much better it reads you.",
    )
    name = _pick_collection()
    if name is None:
        return
    if look is None:
        st.caption("Draw a digit to keep it.")
    elif look.run.classes == DIGITS:
        offer(look, name, "collect")
    entries = collections.list_entries(name)
    if entries:
        _show_drawings(name, entries)
        _show_ways(name, run)
        finetune.show(name, run)
    collection_files.show(name, has_drawings=bool(entries))
    if entries:
        page.code_fold(snippets.collection(name, run.id), "The collection in Python")


def current() -> str:
    """The collection that drawings are kept in."""
    name = url.get("collection") or FIRST
    try:
        return collections.check_name(name)
    except DigitlabError:
        return FIRST


def offer(look: Look, name: str, key: str) -> None:
    """The digit's label, as read or as corrected, and a button that keeps it."""
    drawing = f"{key}:{look.drawing.digest}:{look.place}"
    label = st.segmented_control(
        "What it really is",
        DIGITS,
        default=look.answer,
        required=True,
        key=f"{drawing}:label",
        help=f"Read as {look.answer}. Correct it where that is wrong.",
    )
    agreed = True
    if read_settings().hosted:
        agreed = st.checkbox(CONSENT, key=f"{key}:consent")
    kept = st.session_state.get("collected", {})
    st.button(
        f"Keep it as {label} in {name}",
        key=f"{drawing}:keep",
        type="primary",
        icon=":material/bookmark_add:",
        on_click=_keep,
        args=(look, name, label),
        disabled=not agreed or (look.drawing.digest, look.place, name, label) in kept,
    )
    if problem := st.session_state.pop("collect:problem", None):
        st.error(problem, icon=":material/error:")
    if (look.drawing.digest, look.place, name, label) in kept:
        count = len(collections.list_entries(name))
        st.success(f"Kept: {name} holds {count:,} drawings.", icon=":material/check_circle:")


def _keep(look: Look, name: str, label: str) -> None:
    """Keep the digit as the network was shown it, with the strokes that lie in its box."""
    drawing = collections.NewDrawing(
        look.image, int(label), _strokes_of(look), read=look.digit.label
    )
    try:
        collections.keep_drawing(name, drawing)
    except DigitlabError as e:
        st.session_state["collect:problem"] = str(e)
        return
    kept = st.session_state.setdefault("collected", {})
    kept[look.drawing.digest, look.place, name, label] = True


def _strokes_of(look: Look) -> list:
    """All strokes of a single digit; of several, those whose middle lies in this one's box."""
    strokes = look.drawing.strokes or []
    if len(look.recognition.digits) == 1:
        return strokes
    left, top, right, bottom = look.digit.box
    middles = [(stroke, stroke.mean(axis=0)) for stroke in strokes]
    return [one for one, (x, y) in middles if left <= x < right and top <= y < bottom]


def _pick_collection() -> str | None:
    """The collection in the URL, another one, or a new one's name; None until that is right."""
    names = dict.fromkeys([*collections.list_collections(), current()])
    options = {**{name: name for name in names}, NEW: "A new collection …"}
    left, right = st.columns(2)
    with left:
        chosen = url.choose("Collection", options, param="collection", default=FIRST)
    if chosen != NEW:
        return chosen
    with right:
        typed = st.text_input("Its name", key="collect:name", placeholder="my-sevens")
    if not typed:
        st.caption(f"A name has {collections.ALLOWED}.")
        return None
    try:
        name = collections.check_name(typed.strip())
    except DigitlabError as e:
        st.error(str(e), icon=":material/error:")
        return None
    url.put("collection", name)
    return name


def _show_drawings(name: str, entries: list[collections.Entry]) -> None:
    """The newest drawings with their labels, and a fold to mend them."""
    from digitlab.figures.images import image_grid

    counts = ", ".join(
        f"{sum(entry.label == digit for entry in entries)} × {digit}"
        for digit in range(10)
        if any(entry.label == digit for entry in entries)
    )
    st.markdown(f"**{name}** holds {len(entries):,} drawings: {counts}.")
    newest = entries[-SHOWN:][::-1]
    drawn = [collections.read_entry(name, entry) for entry in newest]
    st.plotly_chart(
        image_grid(
            np.stack([one.image for one in drawn]),
            captions=[f"{one.label}" for one in drawn],
            hovers=[f"{one.id}: a {one.label}, read as {one.read}" for one in drawn],
            columns=8,
            tile=56,
        ),
        key="collect:grid",
        config={"displayModeBar": False},
        alt=f"The newest {len(drawn)} drawings of {name} with their labels.",
    )
    with st.expander("Mend a label, or delete", icon=":material/edit:"):
        _mend(name, newest)


def _mend(name: str, entries: list[collections.Entry]) -> None:
    labels = {entry.id: f"{entry.id}: a {entry.label}" for entry in entries}
    chosen = st.selectbox("Drawing", list(labels), format_func=labels.get, key="collect:one")
    entry = next(entry for entry in entries if entry.id == chosen)
    label = st.segmented_control(
        "Its label", DIGITS, default=str(entry.label), required=True, key=f"collect:{chosen}"
    )
    with st.container(horizontal=True):
        if st.button("Save the label", icon=":material/save:", disabled=label == str(entry.label)):
            collections.relabel(name, chosen, int(label))
            st.rerun()
        if st.button("Delete this drawing", icon=":material/delete:"):
            collections.remove_drawing(name, chosen)
            st.rerun()
        with st.popover("Delete the whole collection", icon=":material/delete_forever:"):
            st.markdown(f"All drawings of **{name}** are lost. Export it first to keep a copy.")
            if st.button(f"Delete {name}", type="primary"):
                collections.remove_collection(name)
                st.rerun()


def _show_ways(name: str, run: Run) -> None:
    data = collection_dataset(name)
    with st.container(horizontal=True):
        st.page_link(
            page.DATA,
            label="Look at it on the Data page",
            icon=page.ICONS[page.DATA],
            query_params={"dataset": data},
        )
        st.page_link(
            page.RESULTS,
            label=f"Measure {run.record.name} on it",
            icon=page.ICONS[page.RESULTS],
            query_params={"run": run.id, "data": data},
        )
