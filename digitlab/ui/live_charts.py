"""Live charts: several on one board, made once for all visitors, updated while a run trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from digitlab.figures.numbers import last_values
from digitlab.ui.board import as_json, show_board
from digitlab.ui.chart import show_numbers
from digitlab.ui.display import shows_tables

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass
class LiveChart:
    """A chart: its `name` on the page, its text alternative `alt`, and the figure.

    It is `share` tenths of the page wide, on a phone the whole width. It is `rows` rows high: with
    two, two other charts fit next to it.
    """

    name: str
    alt: str
    figure: go.Figure
    share: int = 5
    rows: int = 1
    bar: bool = True  # whether it has Plotly's mode bar: zoom, save, full screen

    @cached_property
    def data(self) -> dict[str, Any]:
        """What the browser needs, made once for all visitors.

        Without the figure's template: the page's theme replaces it.
        """
        alt = self.alt + self._last_values()
        return {**vars(self), "figure": as_json(self.figure), "alt": alt}

    def _last_values(self) -> str:
        return f" Last: {values}." if (values := last_values(self.figure)) else ""


def show_live_charts(key: str, charts: Sequence[LiveChart]) -> None:
    """Show the charts, or update them if they are on the page; `key` is unique on the page."""
    show_board(key, [chart.data for chart in charts])
    if shows_tables():
        for chart in charts:
            show_numbers(chart.figure, chart.alt)
