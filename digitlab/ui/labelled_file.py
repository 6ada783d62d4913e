"""A file of labelled images that a visitor uploads: it is read, or asks what it leaves open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.analysis.read_images import read_images
from digitlab.errors import UnclearFileError, UnlabelledFileError, UploadError
from digitlab.ui import page
from digitlab.ui.compute import compute
from digitlab.ui.markdown import plain
from digitlab.ui.uploads import largest_megabytes

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from digitlab.data.reading.images import LabelledImages

_QUESTIONS = "questions about labelled images"  # of the file's id, and the questions
FORMS = """
- **Images** (PNG, JPEG, WebP, BMP, GIF, TIFF) in a ZIP or TAR: in a folder for each class,
  `7/a.png`, with a `labels.csv` (file or id, label), or with the label in the name, `7_0001.png`.
  In what is larger than 64 pixels the digit is found and framed as on the Draw page.
- **Tables**: CSV with any separator, ARFF, libsvm, Parquet. The label's column is known by its
  name, wherever it stands; where no name says so, you are asked.
- **Arrays**: NPZ and NPY, MNIST's IDX files (two in a ZIP), MAT, HDF5, under the usual names.

All may be packed (`.gz`). Images of other sizes are resampled to 28×28, dark ink on light paper is
inverted, and images that lie on their side are put upright; each is told below. Pickles are not
opened.
"""


def upload_file(label: str, key: str) -> UploadedFile | None:
    """An uploader of one file, which takes less where the app is public."""
    return st.file_uploader(label, key=key, max_upload_size=largest_megabytes())


def read_upload(file: UploadedFile, **options: Any) -> LabelledImages:
    """`read_images` of an upload, with a bar while image files are read one by one."""
    bar = st.empty()

    def show(done: int, total: int) -> None:
        bar.progress(done / max(1, total), f"Reading image {done:,} of {total:,}")

    try:
        with st.spinner("Reading the file …"):
            return compute(read_images, file.getvalue(), file.name, on_progress=show, **options)
    finally:
        bar.empty()


def read_once(slot: str, key: object, read: Callable[[], LabelledImages]) -> LabelledImages:
    """What `read` gives or raises for `key`; kept in the session's `slot` with it, so that a rerun
    of the page reads nothing again.
    """
    if st.session_state.get(slot, (None,))[0] != key:
        try:
            outcome: LabelledImages | UploadError = read()
        except UploadError as e:
            e.__cause__ = e.__context__ = None  # their frames hold the file's content
            outcome = e
        st.session_state[slot] = (key, outcome)
    outcome = st.session_state[slot][1]
    if isinstance(outcome, UploadError):
        raise outcome.with_traceback(None)
    return outcome


def explain_forms(more: str = "") -> None:
    """A fold with the forms that are read."""
    with st.expander("File formats", icon=":material/help:"):
        st.markdown(FORMS + more)


def read_or_ask(
    file: UploadedFile,
    read: Callable[[dict[str, Any]], LabelledImages],
    chosen: Mapping[str, Any] = MappingProxyType({}),
) -> LabelledImages | None:
    """What `read` gives, called with an answer to each question that the file left open.

    `chosen` are arguments that the visitor has set elsewhere: what they answer is not asked.
    None, after showing the question or the error, where it cannot be read yet.
    UnlabelledFileError is left to the caller: networks can still answer such a file.
    """
    asked_of, questions = st.session_state.get(_QUESTIONS, ("", []))
    questions = questions if asked_of == file.file_id else []
    answers = dict(chosen)
    for question in questions:
        if question.argument in chosen:
            continue
        answer = _ask(question, file)
        if answer is None:
            return None
        answers[question.argument] = int(answer) if question.argument == "first_label" else answer
    try:
        return read(answers)
    except UnclearFileError as e:
        if not e.choices or e.argument in answers:
            page.show_error(e, icon=":material/folder_off:")
            return None
        st.session_state[_QUESTIONS] = (file.file_id, [*questions, e])
        _ask(e, file)  # a choice runs the page again
    except UnlabelledFileError:
        raise
    except UploadError as e:
        page.show_error(e, icon=":material/folder_off:")
    return None


def _ask(question: UnclearFileError, file: UploadedFile) -> str | None:
    st.info(plain(str(question)), icon=":material/help:")
    key = f"upload:{file.file_id}:{question.argument}"
    return st.selectbox(question.argument, question.choices, index=None, key=key)
