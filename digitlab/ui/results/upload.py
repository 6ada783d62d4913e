"""Uploading labelled images: the file, its errors, and the images in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import UploadError
from digitlab.ui import page
from digitlab.words import size

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from digitlab.data.upload import LabelledImages
    from digitlab.runs.run import Run

_SESSION_KEY = "labelled images"  # of the file's id, the classes and the images
FORMS = """
- **ZIP of images**: a folder for each class, `7/a.png`, or images with a `labels.csv` of the
  columns file and label. PNG, JPEG, WebP or BMP.
- **NPZ**: `images`, uint8 of the shape [N, 28, 28] or [N, 1, 28, 28], and `labels` [N]
  (`np.savez("digits.npz", images=images, labels=labels)`).
- **CSV** in Kaggle's format: the label, then 784 pixels of 0…255, one image a row.

Images of other sizes are padded to a square and resampled to 28×28; dark ink on light paper is
inverted. At most 70,000 images. They stay in this session and are not stored.
"""


def choose_upload(run: Run) -> LabelledImages | None:
    """The labelled images that this visitor uploaded; None if there are none yet."""
    page.cell(
        "Your own images",
        "How accurate is the network on your images? Upload some with their labels: every section "
        "below is then about them.",
    )
    file = st.file_uploader("File of labelled images", type=["zip", "npz", "csv"], key="upload")
    with st.expander("File formats", icon=":material/help:"):
        st.markdown(FORMS)
    if file is not None:
        try:
            _read(file, run)
        except UploadError as e:
            st.session_state.pop(_SESSION_KEY, None)
            st.error(str(e), icon=":material/folder_off:")
            return None
    _, classes, images = st.session_state.get(_SESSION_KEY, (None, None, None))
    if images is None or classes != run.classes:
        st.info("Choose a file to evaluate the network on it.", icon=":material/upload_file:")
        return None
    st.caption(f"{len(images):,} images from {images.name}, {size(images.images.nbytes)}.")
    for note in images.notes:
        st.caption(note)
    return images


def _read(file: UploadedFile, run: Run) -> None:
    """Read the file once, not on every rerun of the page."""
    from digitlab.data.upload import read_labelled_images

    stored = st.session_state.get(_SESSION_KEY)
    if stored and stored[:2] == (file.file_id, run.classes):
        return
    with st.spinner("Reading the file …"):
        images = read_labelled_images(file.getvalue(), file.name, run.classes)
    st.session_state[_SESSION_KEY] = (file.file_id, run.classes, images)
