"""A page in sections, of which only the open one runs; the URL says which one is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import streamlit as st

from digitlab.ui import url


class Section(NamedTuple):
    """One section: `key` in the URL, `title` on its tab, `show` draws its cells.

    `show` is called with the subject of the page. Only the open section runs, and it reruns alone
    when one of its widgets changes. Links from before the section was one open it, too: by its
    earlier key, `former_key`, or by a parameter that only this section has, one of `params`.
    """

    key: str
    title: str
    show: Callable[[Any], None]
    former_key: str | None = None
    params: tuple[str, ...] = ()


def open_section(titles: Mapping[str, str], *, param: str = "section") -> str:
    """Show the tabs and return the key of the open one: the first unless the URL says another.

    They stay in one row, which scrolls sideways where they do not fit (style.css).
    """
    with st.container(key="sections"):
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
    _follow_link(sections)
    key = open_section({section.key: section.title for section in sections})
    next(section for section in sections if section.key == key).show(subject)


def _follow_link(sections: tuple[Section, ...]) -> None:
    """Open the section that an earlier link means; by a parameter only when the visit begins."""
    begins = not st.session_state.get("sections-shown") and url.get("section") is None
    st.session_state["sections-shown"] = True
    for section in sections:
        by_param = begins and any(param in st.query_params for param in section.params)
        if by_param or (section.former_key and url.get("section") == section.former_key):
            url.put("section", section.key)
            return
