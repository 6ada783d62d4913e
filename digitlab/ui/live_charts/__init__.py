"""Live charts: each is updated in place when its values change, instead of being replaced.

`st.plotly_chart` replaces a chart whose values change, and with it the visitor's zoom and hover.
Live charts keep both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

if TYPE_CHECKING:
    import plotly.graph_objects as go

_HERE = Path(__file__).parent


class LiveChart(NamedTuple):
    """A chart: its `name` on the page, its text alternative `alt`, and the figure as JSON.

    It is `share` tenths of the page wide, on a phone the whole width. It is `rows` rows high: with
    two, two other charts fit next to it.
    """

    name: str
    alt: str
    figure: str
    share: int = 5
    rows: int = 1
    bar: bool = True  # whether it has Plotly's mode bar: zoom, save, full screen


def as_json(figure: go.Figure) -> str:
    """The figure as JSON for `LiveChart`, without its template: the page's theme replaces it."""
    import plotly.io as pio

    content = figure.to_plotly_json()
    content["layout"].pop("template", None)
    return pio.to_json(content, validate=False)


def show_live_charts(key: str, charts: Sequence[LiveChart]) -> None:
    """Show the charts, or update them if they are on the page; `key` is unique on the page."""
    show, plotly = _component()
    show(key=key, data={"plotly": plotly, "charts": [chart._asdict() for chart in charts]})


@cache
def _component() -> tuple[Any, str]:
    """The component, and the URL of the plotly.js that comes with the plotly package."""
    import plotly
    from streamlit.components.v1 import declare_component

    script, style = ((_HERE / f"live_charts.{kind}").read_text("utf-8") for kind in ("js", "css"))
    show = st.components.v2.component(
        "digitlab-live-charts", js=script, css=style, isolate_styles=False
    )
    served = declare_component("plotly", path=Path(plotly.__file__).parent / "package_data")
    return show, f"component/{served.name}/plotly.min.js?v={plotly.__version__}"
