"""Uploaded labelled images: choosing a file, what is wrong with it, and what was read."""

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

_KEPT = "labelled images"  # in the session: the file, the classes, and what was read
FORMS = """
- **ZIP of images**: a folder for each class, `7/a.png`, or images beside a `labels.csv` with the
  columns file and label. PNG, JPEG, WebP or BMP.
- **NPZ**: `images`, uint8 of the shape [N, 28, 28] or [N, 1, 28, 28], and `labels` [N]
  (`np.savez("digits.npz", images=images, labels=labels)`).
- **CSV** in Kaggle's form: the label, then 784 pixels of 0…255, one image a row.

Images of other sizes are padded to a square and resampled to 28×28; dark ink on light paper is
inverted. At most 70,000 images. They stay in this session and are not stored.
"""


def choose_upload(run: Run) -> LabelledImages | None:
    """The labelled images that this visitor uploaded; None where there are none yet."""
    page.cell(
        "Your own images",
        "How does the network do on images that neither it nor its makers have seen? Upload some "
        "with their labels: every section below then speaks of them.",
    )
    file = st.file_uploader("File of labelled images", type=["zip", "npz", "csv"], key="upload")
    with st.expander("What a file looks like", icon=":material/help:"):
        st.markdown(FORMS)
    if file is not None:
        try:
            _read(file, run)
        except UploadError as e:
            st.session_state.pop(_KEPT, None)
            st.error(str(e), icon=":material/folder_off:")
            return None
    _, classes, images = st.session_state.get(_KEPT, (None, None, None))
    if images is None or classes != run.classes:
        st.info("Choose a file to see how the network does on it.", icon=":material/upload_file:")
        return None
    st.caption(f"{len(images):,} images from {images.name}, {size(images.images.nbytes)}.")
    for note in images.notes:
        st.caption(note)
    return images


def _read(file: UploadedFile, run: Run) -> None:
    """Take the file apart once, not on every rerun of the page."""
    from digitlab.data.upload import read_labelled_images

    kept = st.session_state.get(_KEPT)
    if kept and kept[:2] == (file.file_id, run.classes):
        return
    with st.spinner("Reading the file …"):
        images = read_labelled_images(file.getvalue(), file.name, run.classes)
    st.session_state[_KEPT] = (file.file_id, run.classes, images)
