"""The board on which charts are drawn: when they come into sight, and again in place.

`st.plotly_chart` draws every chart at once, and anew where its values change, which costs a browser
half a second on a page with seven, and the visitor's zoom and hover; and it loads three times as
much of plotly.js. `plotly/` holds the part of plotly.js 4.1.1 (MIT licence) that has our kinds of
traces, as published: plotly.js-cartesian-dist-min of npm.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    import plotly.graph_objects as go

_HERE = Path(__file__).parent
# As JSON that is safe in HTML writes "<", "/" and ">".
_OTHER_TAG = re.compile(r"\\u003c(?!(?:\\u002f)?(?:br|b|sub|extra)\\u003e)")


def show_board(
    key: str,
    charts: Sequence[Mapping[str, Any]],
    on_click: Callable[[], None] | None = None,
    on_area: Callable[[], None] | None = None,
) -> None:
    """Show charts in rows of ten columns, or update them if they are on the page.

    Each chart has a `name` on the board, its text alternative `alt`, the `figure` as JSON, how many
    columns (`share`) and rows (`rows`) it takes, whether it has Plotly's mode `bar`, and maybe a
    `config` for it. After a click on a point with custom data `on_click` is called, in which
    `clicked(key)` tells them, and after a box or a lasso was drawn `on_area`, in which
    `selected(key)` tells those of each point.
    """
    show, plotly = _component()
    clicks = {"on_clicked_change": on_click} if on_click else {}
    if on_area:
        clicks["on_selected_change"] = on_area
    content = {"plotly": plotly, "charts": list(charts), "clicks": bool(on_click)}
    show(key=key, data=content, **clicks)


def clicked(key: str) -> list | None:
    """The custom data of the point that was clicked on the board, if one was."""
    return st.session_state[key].get("clicked")


def selected(key: str) -> list:
    """The first custom data of each point in the area that was drawn on the board."""
    return st.session_state[key].get("selected") or []


def as_json(figure: go.Figure | Mapping[str, Any]) -> str:
    """The figure for the browser, without its template: the page's theme replaces it.

    Names in it are shown as written: Plotly reads a small HTML, of which only what figures use
    themselves remains markup (and no link).
    """
    import plotly.io as pio

    content = figure if isinstance(figure, Mapping) else figure.to_plotly_json()
    content["layout"].pop("template", None)
    return _OTHER_TAG.sub("&lt;", pio.to_json(content, validate=False))


@cache
def _component() -> tuple[Any, str]:
    """The component, and the URL of plotly.js."""
    from streamlit.components.v1 import declare_component

    script, style = ((_HERE / f"board.{kind}").read_text("utf-8") for kind in ("js", "css"))
    show = st.components.v2.component("digitlab-board", js=script, css=style, isolate_styles=False)
    served = declare_component("plotly", path=_HERE / "plotly")
    return show, f"component/{served.name}/plotly-cartesian.min.js?v=4.1.1"
