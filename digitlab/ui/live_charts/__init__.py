"""Charts that are looked at while they change: each is updated in its place, not drawn anew.

`st.plotly_chart` takes a figure with new values for another chart: it takes the old one away, and
with it the visitor's zoom and whatever the pointer shows. These stay.
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


class Moving(NamedTuple):
    """A chart: its `name` on the page, its words for who cannot see it, and the figure as JSON.

    It takes `share` of the ten parts of a row where there is room, and whole rows on a phone; with
    `rows` of two it stands beside two others.
    """

    name: str
    alt: str
    figure: str
    share: int = 5
    rows: int = 1
    bar: bool = True  # whether it has Plotly's tools: zoom, save, full screen


def as_json(figure: go.Figure) -> str:
    """The figure for `Moving`, without the template in place of which the page's theme comes."""
    import plotly.io as pio

    content = figure.to_plotly_json()
    content["layout"].pop("template", None)
    return pio.to_json(content, validate=False)


def moving_charts(key: str, charts: Sequence[Moving]) -> None:
    """Show the charts, or update those that are there; `key` is the place's own on the page."""
    show, plotly = _component()
    show(key=key, data={"plotly": plotly, "charts": [chart._asdict() for chart in charts]})


@cache
def _component() -> tuple[Any, str]:
    """The component, and where the browser finds plotly.js: the copy that the package brings."""
    import plotly
    from streamlit.components.v1 import declare_component

    script, style = ((_HERE / f"live_charts.{kind}").read_text("utf-8") for kind in ("js", "css"))
    show = st.components.v2.component(
        "digitlab-moving-charts", js=script, css=style, isolate_styles=False
    )
    served = declare_component("plotly", path=Path(plotly.__file__).parent / "package_data")
    return show, f"component/{served.name}/plotly.min.js?v={plotly.__version__}"
