"""Adding a file of one's own as a dataset: it is previewed before anything is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from digitlab.data import own
from digitlab.data.reading.folders import FRAMINGS
from digitlab.data.reading.options import AS_IT_IS
from digitlab.data.reading.orientation import TURNS
from digitlab.data.reading.paper import PAPERS
from digitlab.errors import DigitlabError, UnlabelledFileError
from digitlab.settings import read_settings
from digitlab.snippets import own_data as snippets
from digitlab.ui import page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.compute import compute
from digitlab.ui.datasets import offer_deleting_damaged
from digitlab.ui.labelled_file import (
    explain_forms,
    read_once,
    read_or_ask,
    read_upload,
    upload_file,
)
from digitlab.ui.markdown import plain
from digitlab.words import counted, shorten, size

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from digitlab.data.reading.images import LabelledImages

SHOWN = 20  # images of the preview
AUTOMATIC = "automatic"
CONSENT = (
    "I may share these images, and I agree that they are stored on this server, where other "
    "visitors see them only in a run that I train on them and share. They contain nothing personal."
)
_READ = (
    "add:read"  # in the session: the file's id, how it was to be read, and the images or the error
)
_ROUND = "add:round"  # in the session: a new number empties the uploader
_LABELS = {
    "paper": "Paper",
    "orientation": "Orientation",
    "framing": "Large images",
    "size": "Size",
    "colour": "Colours",
}
_JUDGED = {"size": "28×28 pixels, as MNIST's", "colour": "Grey"}  # else automatic
_CHOICES = {
    "paper": {name: name.capitalize() for name in PAPERS},
    "orientation": {name: name.capitalize() for name in TURNS},
    "framing": dict(zip(FRAMINGS, ("Find and frame the digit", "Take them whole"), strict=True)),
    "size": {AS_IT_IS: "As it is, at most 128×128", 32: "32×32", 64: "64×64", 128: "128×128"},
    "colour": {True: "Red, green and blue"},
}


def offer_adding() -> None:
    """A fold in which a file is uploaded, previewed, named and added."""
    if name := st.session_state.pop("add:done", None):
        st.success(f"{name} is a dataset now.", icon=":material/check_circle:")
    for damaged in own.list_damaged():
        offer_deleting_damaged(damaged)
    with st.expander("Add your own images", icon=":material/add_photo_alternate:"):
        st.markdown(
            "A file of labelled images becomes a dataset. You see first how it was read; nothing "
            "is kept until you add it."
        )
        number = st.session_state.setdefault(_ROUND, 0)
        file = upload_file("File of labelled images to add", f"add:file:{number}")
        explain_forms()
        if file is None:
            st.session_state.pop(_READ, None)
        else:
            _preview(file)


def _preview(file: UploadedFile) -> None:
    how = st.container()  # below the pictures on the page, but they depend on it
    chosen = {name: value for name, value in _chosen(file).items() if value is not None}
    images = _read_or_explain(file, chosen)
    with how:
        if images is not None:
            _show_images(images)
            _show_facts(images)
    with st.expander("How it is read", icon=":material/tune:", expanded=True):
        _choose_reading(file)
    if images is not None:
        _offer(file, images, chosen)


def _read_or_explain(file: UploadedFile, chosen: dict[str, Any]) -> LabelledImages | None:
    try:
        return read_or_ask(file, partial(_read, file), chosen)
    except UnlabelledFileError as e:
        page.show_error(e, icon=":material/folder_off:")
        st.page_link(
            page.RESULTS,
            label="Let a network read images without labels",
            icon=page.ICONS[page.RESULTS],
            query_params={"data": "upload"},
        )
    return None


def _read(file: UploadedFile, options: dict[str, Any]) -> LabelledImages:
    """Read the file once, not on every rerun of the page."""
    key = (file.file_id, options)
    return read_once(_READ, key, partial(read_upload, file, **options))


def _key(file: UploadedFile, name: str) -> str:
    return f"add:{file.file_id}:{name}"


def _chosen(file: UploadedFile) -> dict[str, Any]:
    """The arguments of `read_images` that the visitor chose, None where it is left to the reader.

    The widgets stand below what depends on them: their values are those of the session.
    """
    values = {name: st.session_state.get(_key(file, name)) for name in _CHOICES}
    options: dict[str, Any] = {k: None if v == AUTOMATIC else v for k, v in values.items()}
    options["label_column"] = st.session_state.get(_key(file, "label_column")) or None
    first = st.session_state.get(_key(file, "first_label"))
    options["first_label"] = None if first is None else int(first)
    classes = st.session_state.get(_key(file, "classes")) or ""
    options["classes"] = tuple(part.strip() for part in classes.split(",") if part.strip()) or None
    return options


def _choose_reading(file: UploadedFile) -> None:
    """The widgets of `_chosen`."""
    columns = [*st.columns(3), *st.columns(3)]
    for column, (name, choices) in zip(columns, _CHOICES.items(), strict=False):
        labels = {AUTOMATIC: _JUDGED.get(name, "Automatic"), **choices}
        column.selectbox(
            _LABELS[name],
            list(labels),
            format_func=lambda value, labels=labels: labels.get(value, value),
            key=_key(file, name),
        )
    first, second, third = st.columns(3)
    first.text_input(
        "Column of the labels",
        key=_key(file, "label_column"),
        placeholder="by its name",
        help="The name or the position of the column or array; of image files with the label in "
        "their name its position there: 0 is the first part, -1 the last.",
    )
    second.number_input(
        "Number of the first class",
        key=_key(file, "first_label"),
        value=None,
        min_value=0,
        max_value=1_000,
        placeholder="as it comes",
        help="Where labels are numbers: 1 where the first class is 1; 10 where 10 is the digit 0.",
    )
    third.text_input(
        "Classes",
        key=_key(file, "classes"),
        placeholder="as they are found",
        help="Their names in order, separated by commas: 0, 1 for a dataset of two digits. Labels "
        "must be among them.",
    )


def _show_images(images: LabelledImages) -> None:
    """Twenty images, spread over the classes, and others on request."""
    from digitlab.figures.images import describe_grid

    seed = st.session_state.setdefault("add:seed", 0)
    rows = pick_spread(images.labels, seed)
    names = [images.classes[label] for label in images.labels[rows]]
    show_chart(
        describe_grid(
            images.images[rows],
            captions=[shorten(name, 9) for name in names],
            hovers=[f"{name}, image {row:,}" for name, row in zip(names, rows, strict=True)],
            columns=10,
            tile=60,
        ),
        key="add:grid",
        bar=False,
        alt=f"{len(rows)} images of the file with their labels: {', '.join(names)}.",
    )
    if len(images) > len(rows) and st.button("Show others", icon=":material/shuffle:"):
        st.session_state["add:seed"] = seed + 1
        st.rerun()


def pick_spread(labels: np.ndarray, seed: int, count: int = SHOWN) -> np.ndarray:
    """Indices of `count` images, or of all, whose classes take turns in sorted order."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    return order[np.linspace(0, len(order) - 1, min(count, len(order))).astype(int)]


def _show_facts(images: LabelledImages) -> None:
    """Sizes, classes, and all that was noticed and changed on the way."""
    channels, height, width = images.images.shape[1:]
    colour = " in colour" if channels == 3 else ""
    present = len(np.unique(images.labels))
    names = ", ".join(shorten(name, 20) for name in images.classes[:12])
    more = " …" if len(images.classes) > 12 else "."
    absent = len(images.classes) - present
    without = f", {absent} of them without an image" if absent else ""
    lines = [
        f"{counted(len(images), 'image')} of {width}×{height} pixels{colour}, "
        f"{size(images.images.nbytes)}.",
        f"{len(images.classes)} classes{without}: {names}{more}",
        *images.notes,
    ]
    st.markdown("\n".join(f"- {plain(line)}" for line in lines))


def _offer(file: UploadedFile, images: LabelledImages, options: Mapping[str, Any]) -> None:
    """The name, the share of the test part unless it is the file's, and the button."""
    left, right = st.columns(2)
    name = left.text_input(
        "Name of the dataset", value=suggest_name(file.name), key=_key(file, "name"), max_chars=40
    )
    has_test = "test" in dict(images.parts)
    with right:
        drawn = not has_test or _draws_test(file)
        share = _pick_share(file) if drawn else None
    agreed = not read_settings().hosted or st.checkbox(CONSENT, key="add:consent")
    clicked = st.button(
        "Add this dataset",
        type="primary",
        icon=":material/add:",
        disabled=not agreed or not name,
    )
    again = drawn and has_test
    code = snippets.adding(name, images.source, options.get("classes"), share, draw_test=again)
    page.code_fold(code)
    if clicked:
        _add(name, images, share or own.TEST_FRACTION, draw_test=again)


def _draws_test(file: UploadedFile) -> bool:
    """Whether the test part is to be drawn although the file has one."""
    ways = {False: "As they are in the file", True: "Draw a test part of each class"}
    return st.selectbox("Train and test", ways, format_func=ways.get, key=_key(file, "split"))


def _pick_share(file: UploadedFile) -> float:
    percent = st.number_input(
        "Test part (% of each class)",
        min_value=1,
        max_value=90,
        value=round(100 * own.TEST_FRACTION),
        key=_key(file, "share"),
    )
    return percent / 100


def _add(name: str, images: LabelledImages, share: float, *, draw_test: bool) -> None:
    try:
        info = compute(own.add_images, name, images, test_fraction=share, draw_test=draw_test)
    except DigitlabError as e:
        page.show_error(e, icon=":material/folder_off:")
        return
    st.session_state["add:done"] = info.name
    st.session_state[_ROUND] += 1
    st.session_state.pop(_READ, None)
    url.put("dataset", info.name)
    st.rerun()


def suggest_name(file_name: str) -> str:
    """A name that an own dataset may have, after a file's: "My photos.tar.gz" is my-photos."""
    stem = PurePath(file_name.lower()).name.split(".")[0]
    slug = re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:36].strip("-") or "my-images"
    name, number = slug, 2
    while not _is_free(name):
        name, number = f"{slug}-{number}", number + 1
    return name


def _is_free(name: str) -> bool:
    try:
        own.check_free(name)
    except DigitlabError:
        return False
    return True
