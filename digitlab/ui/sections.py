"""A page in sections, of which only the open one runs; the URL keeps which that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import streamlit as st

from digitlab.ui import url


class Section(NamedTuple):
    """One section: `key` in the URL, `title` on its tab, `show` draws its cells.

    `show` is given what the page is about. Only the open section runs, and alone when one of its
    widgets changes. A link with the key that a section had before, `former_key`, opens it, too.
    """

    key: str
    title: str
    show: Callable[[Any], None]
    former_key: str | None = None


def open_section(titles: Mapping[str, str], *, param: str = "section") -> str:
    """The tabs, and the key of the one that is open: the first unless the URL says another."""
    return url.choose(
        "Section",
        dict(titles),
        param=param,
        default=next(iter(titles)),
        widget=st.segmented_control,
        label_visibility="collapsed",
    )


def show_open(sections: tuple[Section, ...], about: Any) -> None:
    """The tabs of these sections, and the open one."""
    for section in sections:
        if section.former_key and url.get("section") == section.former_key:
            url.put("section", section.key)
    key = open_section({section.key: section.title for section in sections})
    next(section for section in sections if section.key == key).show(about)
