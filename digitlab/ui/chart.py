"""A chart on a page: with its text alternative and, where they are asked for, its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.figures.numbers import numbers
from digitlab.ui.board import as_json, show_board
from digitlab.ui.display import shows_tables
from digitlab.ui.markdown import plain

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from digitlab.figures.layout import Description

# Few buttons in Plotly's mode bar: on a phone, all of them would cover the title.
_FEW_BUTTONS = {
    "modeBarButtonsToRemove": [
        *("zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "autoScale2d"),
        *("select2d", "lasso2d"),
    ],
}
_MOST_ROWS = 1_000
_READ_AT_ONCE = 30  # rows and, below, columns: a larger table scrolls in a place of its own
_NARROW = 12


def show_chart(
    figure: go.Figure | Description,
    key: str,
    alt: str,
    *,
    bar: bool = True,
    on_select: Callable[[], None] | None = None,
    on_area: Callable[[], None] | None = None,
    config: Mapping[str, Any] | None = None,
) -> None:
    """Show a figure; `alt` tells in a sentence what is to be seen, for those who do not see it.

    `bar` is whether it has Plotly's mode bar, which `config` may describe. `on_select` is called
    after a click on a point, for which keys do as well as a mouse; `on_area`, which needs it, after
    a box or a lasso was drawn around points.
    """
    show_board(key, [_as_chart(figure, alt, bar=bar, config=config)], on_select, on_area)
    if on_select:
        # The focus stays here when the chart gets another key, as one does whose choice is drawn.
        _keys()(key=f"keys:{key.split(':')[0]}", data={"alt": alt})
    if shows_tables():
        show_numbers(figure, alt)


def show_charts(figures: Sequence[tuple[go.Figure | Description, str]], key: str) -> None:
    """Show figures below each other, each with its text alternative, as one element of the page."""
    show_board(
        key,
        [
            _as_chart(figure, alt, name=f"chart {number}", bar=False)
            for number, (figure, alt) in enumerate(figures)
        ],
    )
    if shows_tables():
        for figure, alt in figures:
            show_numbers(figure, alt)


def _as_chart(
    figure: go.Figure | Description,
    alt: str,
    *,
    name: str = "chart",
    bar: bool,
    config: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a board needs to know of a chart."""
    return {
        "name": name,
        "alt": alt,
        "figure": as_json(figure),
        "share": 10,
        "rows": 1,
        "bar": bar,
        "config": dict(config or _FEW_BUTTONS),
    }


def show_numbers(figure: go.Figure | Description, alt: str) -> None:
    """The figure's numbers as a table, if it has any."""
    from digitlab.figures.layout import as_figure

    figure = as_figure(figure)
    table = numbers(figure)
    if table.empty:
        return
    title = (figure.layout.title.text or alt).rstrip(".")
    more = f": the first {_MOST_ROWS:,} of {len(table):,} rows" if len(table) > _MOST_ROWS else ""
    st.caption(f"Numbers of “{plain(title)}”{more}")
    table = table.head(_MOST_ROWS)
    if len(table) <= _READ_AT_ONCE and len(table.columns) <= _NARROW:
        st.table(_as_text(table), hide_index=True)
    else:
        st.dataframe(table, hide_index=True)


@cache
def _keys() -> Callable[..., object]:
    """The component that lets keys click the points of the chart before it."""
    script = Path(__file__).with_name("chart_keys.js").read_text("utf-8")
    return st.components.v2.component("digitlab-chart-keys", js=script, isolate_styles=False)


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers with six figures: `st.table` shows four decimals, whatever the number's size.

    It reads Markdown, which names are not.
    """
    return table.rename(columns=plain).map(
        lambda value: f"{value:.6g}" if isinstance(value, float) else plain(str(value))
    )
