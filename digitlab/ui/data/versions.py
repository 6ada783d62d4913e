"""Changes that are not saved yet, saving them as a version, and whether the version is better."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.data import own
from digitlab.errors import DigitlabError
from digitlab.jobs.compute import requests
from digitlab.snippets import data_lab as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.compute import compute
from digitlab.ui.data import changes
from digitlab.ui.data.browse import browse
from digitlab.ui.data.gallery import Tile, describe
from digitlab.ui.data.improvement import show_improvement
from digitlab.ui.markdown import plain
from digitlab.words import counted, shorten

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset
    from digitlab.data.own import Change


def show(data: Dataset, split: str) -> None:
    """Show the changes and what a version of a dataset is worth."""
    page.cell(
        "Changes",
        "A label that you correct or an image that you drop changes nothing at once: save the "
        "changes as a new version, and both versions can be trained on and compared.",
    )
    listed = changes.list_changes(data)
    if changes.are_of_another(data):
        st.warning(
            f"The link has changes of another dataset that was named {plain(data.name)}, too. They "
            "are left out: its images were others.",
            icon=":material/warning:",
        )
    if listed:
        _show_changes(data, listed)
    else:
        st.info(
            "Nothing is changed yet. Choose an image in Label issues, Near-duplicates, Outliers, "
            "on the Map or among the Samples, and correct it there.",
            icon=":material/edit_note:",
        )
    page.code_fold(snippets.version(data.name, _free_name(data), listed))
    facts = own.read_facts(data.name) if data.info.own else None
    if facts and facts.parent and not listed:
        show_improvement(data, facts)


def _show_changes(data: Dataset, listed: list[Change]) -> None:
    st.markdown(_summary(data, listed))
    if not changes.fit_link(data):
        st.warning(
            "These are too many changes for a link: save them before you reload the page.",
            icon=":material/warning:",
        )
    _offer_saving(data, listed)
    tiles = [_tile(data, change) for change in reversed(listed)]
    browse(data, tiles, key="changed-images", alt="The changed images, the last one first.")


def _tile(data: Dataset, change: Change) -> Tile:
    place = changes.locate(data, change)
    name = data.classes[changes.label_of(data, place)]
    return Tile(place, shorten(name, 9), describe(data, place))


def _summary(data: Dataset, listed: list[Change]) -> str:
    """How many labels and images change, and what that means for the test part."""
    dropped = sum(change.label is None for change in listed)
    tested = sum(change.split == "test" for change in listed)
    text = (
        f"**{counted(len(listed) - dropped, 'label')} changed, {counted(dropped, 'image')} "
        f"dropped** of {plain(data.info.title)}."
    )
    if not tested:
        return f"{text} The test part stays as it is, so that both versions are tested alike."
    return (
        f"{text} In the **test** part: {tested:,}. Compare then judges runs on both versions on "
        "the test images that both have, by the new labels."
    )


def _offer_saving(data: Dataset, listed: list[Change]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = f"version-name:{data.name}"
        name = st.text_input(
            "Name of the new version", _free_name(data), max_chars=40, key=key, width=260
        )
        save = st.button("Save as a new version", type="primary", icon=":material/save:")
        st.button(
            "Discard all", icon=":material/delete_sweep:", on_click=changes.discard, args=(data,)
        )
    if save:
        try:
            info = compute(requests.add_version, cached.data_key(data), name, listed)
        except DigitlabError as e:
            page.show_error(e)
            return
        changes.discard(data)
        url.put("dataset", info.name)
        st.rerun()


def _free_name(data: Dataset) -> str:
    """A name that is not taken: that of the dataset with the number of the version."""
    base = re.sub(r"[^a-z0-9-]+", "-", data.name.rpartition(":")[2]).strip("-")[:34] or "data"
    base, number = re.sub(r"-v\d{1,3}$", "", base), 2
    while own.is_own(f"{base}-v{number}"):
        number += 1
    return f"{base}-v{number}"
