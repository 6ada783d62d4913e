"""Choosing a dataset, and downloading one that is not on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.data import own
from digitlab.data.catalog import CATALOG, EMBEDDED
from digitlab.data.download import active_download, start_download
from digitlab.data.info import SPLITS, DatasetInfo
from digitlab.data.registry import default_dataset, find_dataset, is_available, list_datasets
from digitlab.errors import DatasetError, DatasetMissingError, DigitlabError
from digitlab.ui import cached, page, url
from digitlab.ui.labels import SPLIT_NAMES
from digitlab.ui.markdown import plain
from digitlab.words import percent, size

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


def pick_dataset(place: DeltaGenerator) -> str:
    """The dataset chosen in the URL or by the visitor, in a box at this place.

    If it is missing or damaged, offers to download it and returns the embedded dataset.
    """
    options = {info.name: _label(info) for info in list_datasets()}
    with place:
        name = url.choose(
            "Dataset", options, param="dataset", default=default_dataset(), always=True
        )
    problem = _problem(name)
    if problem is None:
        return name
    _offer_download(find_dataset(name), problem)
    st.caption(f"Until then, this page uses {find_dataset(EMBEDDED).title}.")
    return EMBEDDED


def pick_split(default: str = "train") -> str:
    """The split chosen in the URL or by the visitor."""
    options = {name: SPLIT_NAMES[name] for name in SPLITS}
    return url.choose("Split", options, param="split", default=default, widget=st.segmented_control)


def explain_absence(what: str, error: DigitlabError) -> None:
    """Say why `what`, such as "The images", cannot be shown; where a download would help, with the
    way to it.
    """
    sentence, name = f"{what} cannot be shown", getattr(error, "name", "")
    info = CATALOG.get(name)  # what was made here cannot be downloaded
    if isinstance(error, DatasetMissingError) and info and not info.by_hand:
        title = info.title
        reason = f"{sentence}: {title} is not on this machine yet."
        page.missing(reason, page.DATA, f"Get {title}", dataset=name)
    else:
        text = f"{sentence}: {error}"
        page.show_error(text, st.info, ":material/image_not_supported:")


def _label(info: DatasetInfo) -> str:
    if is_available(info.name):
        return f"{info.title} (added here)" if info.own else info.title
    if info.by_hand:
        return f"{info.title} (not on this machine)"
    return f"{info.title} (download, {size(info.download_bytes)})"


def _problem(name: str) -> DatasetError | None:
    try:
        cached.dataset(name)
    except DatasetError as e:
        return e
    return None


def _offer_download(info: DatasetInfo, problem: DatasetError) -> None:
    if info.own:
        offer_deleting_damaged(info.name, problem)
        return
    if info.by_hand:
        page.show_error(problem, icon=":material/folder_off:")
        return
    download = active_download(info.name)
    with st.container(border=True):
        if download and not download.finished:
            _show_progress(info.name)
            return
        if is_available(info.name):
            page.show_error(problem, icon=":material/broken_image:")
        else:
            st.markdown(
                f"**{info.title} is not on this machine yet.** The download of "
                f"{size(info.download_bytes)} comes from its publisher; checksums are verified."
            )
        if download and download.error:
            page.show_error(download.error, icon=":material/cloud_off:")
        label = f"Download {info.title} ({size(info.download_bytes)})"
        if st.button(label, key=f"download:{info.name}", icon=":material/download:"):
            start_download(info.name)
            st.rerun()


def offer_deleting_damaged(name: str, problem: object = "") -> None:
    """Say that an own dataset is damaged, with a button that deletes it."""
    problem = problem or f"The dataset {name} of your own is damaged: delete it and add it again."
    page.show_error(problem, icon=":material/broken_image:")
    if st.button(f"Delete {plain(name)}", key=f"delete:{name}", icon=":material/delete_forever:"):
        own.delete_dataset(name)
        url.drop("dataset")
        st.rerun()


@st.fragment(run_every=0.5)
@page.guard()
def _show_progress(name: str) -> None:
    """A progress bar that refreshes itself; at the end the whole page reruns."""
    download = active_download(name)
    if download is None or download.finished:
        st.rerun()
    done = f"{size(download.done)} of {size(download.total)}"
    st.progress(
        download.share,
        text=f"Downloading {download.info.title}: {done} ({percent(download.share, 0)})",
    )
