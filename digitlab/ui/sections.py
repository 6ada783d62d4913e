"""A page in sections, of which only the open one runs; the URL says which one is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import streamlit as st

from digitlab.ui import url


class Section(NamedTuple):
    """One section: `key` in the URL, `title` on its tab, `show` draws its cells.

    `show` is called with the subject of the page. Only the open section runs, and it reruns alone
    when one of its widgets changes. A link with the section's earlier key, `former_key`, opens it,
    too.
    """

    key: str
    title: str
    show: Callable[[Any], None]
    former_key: str | None = None


def open_section(titles: Mapping[str, str], *, param: str = "section") -> str:
    """Show the tabs and return the key of the open one: the first unless the URL says another."""
    return url.choose(
        "Section",
        dict(titles),
        param=param,
        default=next(iter(titles)),
        widget=st.segmented_control,
        label_visibility="collapsed",
    )


def show_open(sections: tuple[Section, ...], subject: Any) -> None:
    """Show the tabs of these sections, and the open section."""
    for section in sections:
        if section.former_key and url.get("section") == section.former_key:
            url.put("section", section.key)
    key = open_section({section.key: section.title for section in sections})
    next(section for section in sections if section.key == key).show(subject)
