"""Uploading labelled images to evaluate a run on: the file, and the images in it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.analysis.read_images import options_for
from digitlab.errors import UnlabelledFileError, UploadError
from digitlab.ui import page
from digitlab.ui.labelled_file import (
    explain_forms,
    read_once,
    read_or_ask,
    read_upload,
    upload_file,
)
from digitlab.ui.markdown import plain
from digitlab.ui.results.submission import show_answers
from digitlab.words import size

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from digitlab.data.reading.images import LabelledImages
    from digitlab.runs.run import Run

_SESSION_KEY = "labelled images"  # in the session: how a file was read, and the images or the error


def choose_upload(run: Run) -> LabelledImages | None:
    """The labelled images that this visitor uploaded; None if there are none yet."""
    page.cell(
        "Your own images",
        "How accurate is the network on your images? Upload some with their labels: every section "
        "below is then about them. Images without labels, as Kaggle's test.csv, are answered.",
    )
    file = upload_file("File of labelled images", "upload")
    explain_forms("The images stay in this session and are not stored.")
    try:
        if file is not None and read_or_ask(file, partial(_read, file, run)) is None:
            return None
    except UnlabelledFileError:
        show_answers(file, run)
        return None
    images = st.session_state.get(_SESSION_KEY, (None, None))[1]
    if isinstance(images, UploadError):  # of a file that is no longer chosen
        images = None
    if images is None or (images.classes, images.images.shape[1:]) != (run.classes, run.spec.input):
        st.info("Choose a file to evaluate the network on it.", icon=":material/upload_file:")
        return None
    st.caption(f"{len(images):,} images from {plain(images.name)}, {size(images.images.nbytes)}.")
    for note in images.notes:
        st.caption(plain(note))
    return images


def _read(file: UploadedFile, run: Run, answers: dict[str, Any]) -> LabelledImages:
    """Read the file once, not on every rerun of the page."""
    key = (file.file_id, run.classes, {**answers, "input": run.spec.input})
    return read_once(
        _SESSION_KEY, key, lambda: read_upload(file, **options_for(run), **answers).measured
    )
