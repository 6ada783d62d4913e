"""The numbers of a figure as a table, for those who cannot see it or want to read them exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from plotly.basedatatypes import BaseTraceType

_GAPS = 1.5  # a table of all series side by side may be that much longer than the longest of them
SERIES, PICTURE, TEXT = "series", "picture", "description"


def numbers(figure: go.Figure) -> pd.DataFrame:
    """The figure's numbers, with the names of its axes and traces; empty if it has none.

    Lines, points and bars have a row for each point; series with the same x stand side by side.
    A heatmap is a table like itself, in the words of its cells where it has any. A grid of images
    has a row for each image with what is written below it or under the pointer, and one of float
    arrays the least, the mean and the largest value of each.

    Traces that only guide the eye do not count: they have no hover. A trace whose positions are
    not its numbers tells these as `meta`, a dict of columns; a `meta` of text is a name that says
    more than the trace's own, for a grid of pictures what one of them is called.
    """
    heatmaps = [trace for trace in figure.data if trace.type == "heatmap"]
    if heatmaps:
        return _of_heatmaps(figure, heatmaps)
    traces = [trace for trace in figure.data if trace.type in ("scatter", "bar")]
    traces = [trace for trace in traces if trace.hoverinfo != "skip"] or traces
    return _of_points(figure, traces)


def last_values(figure: go.Figure) -> str:
    """The last value of each line of a figure in a sentence; empty where it has no lines."""
    values = []
    for trace in figure.data:
        x, y = (_axis(figure, trace, letter) for letter in "xy")
        if trace.type == "scatter" and trace.hoverinfo != "skip" and x.title.text:
            name = trace.name or _title(y, "y")
            suffix = y.ticksuffix or ""
            values.append(f"{name} {trace.y[-1]:.4g}{suffix} at {x.title.text} {trace.x[-1]:,.9g}")
    return "; ".join(values)


def _of_points(figure: go.Figure, traces: Sequence[BaseTraceType]) -> pd.DataFrame:
    import pandas as pd

    tables = [pd.DataFrame(_columns(figure, trace)) for trace in traces]
    names = [trace.meta if isinstance(trace.meta, str) else trace.name for trace in traces]
    if len(tables) > 1 and all(names):
        side_by_side = _side_by_side(tables, names)
        if side_by_side is not None:
            return side_by_side
        for table, name in zip(tables, names, strict=True):
            table.insert(0, SERIES, name)
    tables = [table for table in tables if len(table)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _side_by_side(tables: Sequence[pd.DataFrame], names: Sequence[str]) -> pd.DataFrame | None:
    """One column for each series, if all are values over much the same x; else None."""
    import pandas as pd

    heads = {tuple(table.columns) for table in tables}
    if len(heads) != 1 or len(set(names)) < len(names):
        return None
    head = next(iter(heads))
    if len(head) != 2 or any(table[head[0]].duplicated().any() for table in tables):
        return None
    columns = [
        table.set_index(head[0])[head[1]].rename(f"{name}: {head[1]}")
        for table, name in zip(tables, names, strict=True)
    ]
    table = pd.concat(columns, axis=1)
    if len(table) > _GAPS * max(map(len, tables)):
        return None
    numeric = pd.api.types.is_numeric_dtype(table.index)
    return (table.sort_index() if numeric else table).rename_axis(head[0]).reset_index()


def _columns(figure: go.Figure, trace: BaseTraceType) -> dict[str, Sequence]:
    """What the table tells of a trace of points or bars."""
    if isinstance(trace.meta, dict):
        return trace.meta
    columns: dict[str, Sequence] = {}
    if any(other.type == "image" for other in figure.data):  # the points lie over pictures
        if trace.customdata is not None:
            columns["image"] = [entry[0] for entry in trace.customdata]
    else:
        pairs = [_values(figure, trace, letter) for letter in "xy"]
        # What is named comes first: a bar's class, wherever its axis is.
        pairs.sort(key=lambda pair: not _is_text(pair[1]))
        columns.update(pairs)
        columns.update(_bounds(figure, trace))
    words = trace.hovertext if trace.hovertext is not None or columns else trace.text
    if words is not None and not isinstance(words, str) and any(words):
        columns[TEXT] = [_plain(word) for word in words]
    return columns


def _values(figure: go.Figure, trace: BaseTraceType, letter: str) -> tuple[str, Sequence]:
    """The name of an axis, and the trace's values on it: names where its ticks have names."""
    axis = _axis(figure, trace, letter)
    values = list(trace[letter]) if trace[letter] is not None else []
    names = _tick_names(axis)
    if names:
        values = [names[min(max(round(value), 0), len(names) - 1)] for value in values]
    return _title(axis, letter), values


def _bounds(figure: go.Figure, trace: BaseTraceType) -> dict[str, Sequence]:
    for letter in "xy":
        bars = trace[f"error_{letter}"]
        if bars.array is not None:
            values = np.asarray(trace[letter], dtype=float)
            return {
                "from": values - np.asarray(bars.arrayminus, dtype=float),
                "to": values + np.asarray(bars.array, dtype=float),
            }
    return {}


def _of_heatmaps(figure: go.Figure, traces: Sequence[BaseTraceType]) -> pd.DataFrame:
    import pandas as pd

    places: dict[tuple[Any, Any], list[BaseTraceType]] = {}
    for trace in traces:
        places.setdefault((trace.xaxis, trace.yaxis), []).append(trace)
    tables = []
    for number, layers in enumerate(places.values(), start=1):
        layers = [layer for layer in layers if layer.hoverinfo != "skip"] or layers
        labels = _labels(figure, layers[0])
        table = _matrix(figure, layers) if labels is None else _summary(layers[0].z, labels)
        if len(places) > 1:
            table.insert(0, PICTURE, _plain(layers[0].name or str(number)))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _labels(figure: go.Figure, trace: BaseTraceType) -> np.ndarray | None:
    """What each pixel of a grid of pictures belongs to; None where the heatmap is no such grid."""
    if _axis(figure, trace, "x").visible is not False:
        return None
    if trace.text is not None:
        return np.asarray(trace.text, dtype=object)
    if isinstance(trace.meta, str):
        return np.char.add(f"{trace.meta} ", np.asarray(trace.customdata).astype(str))
    return None


def _summary(values: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    pixels = pd.DataFrame({PICTURE: labels.ravel(), "value": np.asarray(values, float).ravel()})
    groups = pixels.dropna().groupby(PICTURE, sort=False)["value"]
    table = groups.agg(["min", "mean", "max"]).reset_index()
    return table.rename(columns={"min": "least", "max": "largest"})


def _matrix(figure: go.Figure, layers: Sequence[BaseTraceType]) -> pd.DataFrame:
    """The cells as they are drawn: layers fill each other's gaps."""
    import pandas as pd

    first = layers[0]
    if first.text is not None:
        cells = np.asarray(first.text, dtype=object)
    else:
        cells = np.asarray(first.z, dtype=float)
        for layer in layers[1:]:
            cells = np.where(np.isnan(cells), np.asarray(layer.z, dtype=float), cells)
    across, down = (_axis(figure, first, letter) for letter in "xy")
    titles = ("row", "column")  # of pixels
    if across.title.text:
        titles = (_title(down, "y"), _title(across, "x"))
    rows = _heads(first.y, down, cells.shape[0])
    table = pd.DataFrame(cells, columns=_heads(first.x, across, cells.shape[1]))
    table.insert(0, " \\ ".join(titles), rows)
    return table


def _heads(named: Sequence | None, axis: Any, count: int) -> list[str]:
    names = list(named) if named is not None else _tick_names(axis) or list(range(count))
    return [str(name) for name in names]


def _axis(figure: go.Figure, trace: BaseTraceType, letter: str) -> Any:
    return figure.layout[f"{letter}axis{(trace[f'{letter}axis'] or letter)[1:]}"]


def _title(axis: Any, letter: str) -> str:
    title, suffix = axis.title.text or letter, (axis.ticksuffix or "").strip()
    title = title.removesuffix(" (log scale)")  # the table's numbers are plain
    return f"{title} ({suffix})" if suffix and suffix not in title else title


def _tick_names(axis: Any) -> list[str] | None:
    """The names of an axis' places 0, 1, …, if its ticks have such names."""
    if axis.ticktext is None or list(axis.tickvals) != list(range(len(axis.ticktext))):
        return None
    return [_plain(name) for name in axis.ticktext]


def _is_text(values: Sequence) -> bool:
    return any(isinstance(value, str) for value in values)


def _plain(text: object) -> str:
    return str(text).replace("<br>", " · ").replace("<b>", "").replace("</b>", "")
