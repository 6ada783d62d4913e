"""Figures of an evaluation: the confusion matrix, and precision and recall of the classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from digitlab.figures import palette
from digitlab.figures.layout import (
    Description,
    are_short,
    as_figure,
    blank,
    interval_line,
    whiskers,
)
from digitlab.words import percent, shorten

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from digitlab.evaluation.metrics import ClassMetrics

TEXT_UP_TO = 20  # classes: beyond that a number does not fit into its cell
TITLES = {
    "counts": "Confusion matrix: images",
    "row-shares": "Confusion matrix: % of each true class",
    "column-shares": "Confusion matrix: % of each predicted class",
    "errors": "Confusion matrix: errors only",
}
_NAME = 24  # characters of a class beside a row: longer ones leave no room for the matrix
ALL = -1  # in a head's customdata: any other class


def confusion_matrix(
    confusion: np.ndarray,
    classes: Sequence[str],
    mode: Literal["counts", "row-shares", "column-shares", "errors"] = "counts",
    *,
    order: Sequence[int] | None = None,
    chosen: tuple[int | None, int | None] = (None, None),
) -> go.Figure:
    """The figure of `describe_confusion`."""
    return as_figure(describe_confusion(confusion, classes, mode, order=order, chosen=chosen))


def describe_confusion(
    confusion: np.ndarray,
    classes: Sequence[str],
    mode: Literal["counts", "row-shares", "column-shares", "errors"] = "counts",
    *,
    order: Sequence[int] | None = None,
    chosen: tuple[int | None, int | None] = (None, None),
) -> Description:
    """A confusion matrix, int64 [C, C], rows true and columns predicted; cells can be clicked.

    Correct predictions are pale; errors have their own colour scale (logarithmic for counts), as
    one scale for both would hide the errors of any good model. Cells without images are empty.
    `order` lists the labels from the top and the left; `chosen` frames a cell, a row (the true
    label, None) or a column (None, the read one).

    A cell's `customdata` is `[true, predicted, count]`; the heads of rows and columns can be
    clicked as well and have -1 for the label that may be any other, and count the mistakes.
    """
    confusion = np.asarray(confusion, dtype=np.int64)
    labels = np.arange(len(confusion)) if order is None else np.asarray(order)
    names = [str(name) for name in classes]
    bare = are_short(names) and len(names) <= TEXT_UP_TO  # the heads bear the names
    layout = blank(
        TITLES[mode],
        x="predicted",
        y="true",
        height=_matrix_height(len(names)),
        zoom=len(names) > TEXT_UP_TO,
        numbers=bare,
        hovermode="closest",
        hoverdistance=-1,
        uirevision="confusion matrix",
        shapes=[
            *(_diagonal(len(names)) if mode == "errors" else ()),
            *_frame(labels.tolist(), chosen),
        ],
    )
    ticks = {
        "tickvals": list(range(len(names))),
        "ticktext": [shorten(names[label], _NAME) for label in labels],
        "showgrid": False,
        "showticklabels": not bare,
    }
    edges = [-1.55, len(names) - 0.5]
    layout["xaxis"] |= {"range": edges, "side": "top", "constrain": "domain", **ticks}
    layout["yaxis"] |= {"range": edges[::-1], "scaleanchor": "x", "constrain": "domain", **ticks}
    layout["xaxis"]["constraintoward"] = "left"
    layout["yaxis"]["constraintoward"] = "top"
    layout["margin"] |= {"t": 84, "b": 8, **({"l": 30} if bare else {})}
    traces = [
        *_matrix(confusion[np.ix_(labels, labels)], mode),
        _heads(confusion, labels, names),
        _cell_points(confusion, labels, names),
    ]
    return {"data": traces, "layout": layout}


def _matrix(confusion: np.ndarray, mode: str) -> Iterator[dict[str, Any]]:
    """The coloured cells with their numbers, of a matrix that is in the order shown."""
    of_row = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    of_column = confusion / np.maximum(confusion.sum(axis=0, keepdims=True), 1)
    shares = of_column if mode == "column-shares" else of_row
    hit = np.eye(len(confusion), dtype=bool)
    in_shares = mode.endswith("shares")
    values = 100 * shares if in_shares else confusion
    text = np.where(hit & (mode == "errors"), "", _cell_texts(confusion, values))
    if mode != "errors":
        yield _cells(np.where(hit, shares, np.nan), text, palette.HIT_SCALE, (0, 1))
    errors = np.where(hit | (confusion == 0), np.nan, values)
    colors = errors if in_shares else np.log1p(errors)
    top = float(np.nanmax(colors)) if np.isfinite(colors).any() else 1.0
    yield _cells(colors, text, palette.ERROR_SCALE, (0, top))


def _heads(confusion: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """Buttons before each row and above each column, with the name where it fits."""
    missed = confusion.sum(axis=1) - np.diag(confusion)
    taken = confusion.sum(axis=0) - np.diag(confusion)
    positions, count = list(range(len(names))), len(names)
    short = are_short(names) and count <= TEXT_UP_TO
    of_rows = [names[label] if short else "▸" for label in labels]
    of_columns = [names[label] if short else "▾" for label in labels]
    return {
        "type": "scatter",
        "x": [-1] * count + positions,
        "y": positions + [-1] * count,
        "mode": "markers+text",
        "text": of_rows + of_columns,
        "marker": {
            "symbol": "square",
            "size": min(26, 380 / count),
            "color": palette.SHADE,
            "line": {"width": 0},
        },
        # A button that stays bright: Plotly would fade all that is not chosen.
        "selected": {"marker": {"opacity": 1}, "textfont": {"color": palette.ACCENT}},
        "unselected": {"marker": {"opacity": 1}},
        "customdata": [[int(label), ALL, int(missed[label])] for label in labels]
        + [[ALL, int(label), int(taken[label])] for label in labels],
        "hovertext": [
            *(f"all {names[i]} misread: {_images(missed[i])}" for i in labels),
            *(f"other classes read as {names[i]}: {_images(taken[i])}" for i in labels),
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "showlegend": False,
    }


def _frame(labels: list[int], chosen: tuple[int | None, int | None]) -> Iterator[dict[str, Any]]:
    """A line around the cell, the row or the column that is chosen."""
    if chosen == (None, None):
        return
    ends = []
    for label in chosen:
        position = None if label is None else labels.index(label)
        ends.append(
            (-1.5, len(labels) - 0.5) if position is None else (position - 0.5, position + 0.5)
        )
    (top, bottom), (left, right) = ends
    line = {"color": palette.ACCENT, "width": 3}
    yield {"type": "rect", "x0": left, "x1": right, "y0": top, "y1": bottom, "line": line}


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"


def per_class_metrics(per_class: Sequence[ClassMetrics]) -> go.Figure:
    """The figure of `describe_classes`."""
    return as_figure(describe_classes(per_class))


def describe_classes(per_class: Sequence[ClassMetrics]) -> Description:
    """Precision, recall and F1 of each class as points, with their 95 % intervals as whiskers.

    Points, as the axis does not start at 0: bars cut off at 95 % would lie about proportions.
    """
    height = 130 + 34 * max(len(per_class), 1)
    names = [str(m.name) for m in per_class]
    layout = blank(
        "Precision and recall of each class",
        x="share, with 95 % interval",
        y="class",
        height=height,
        legend=True,
        numbers=are_short(names),
        hovermode="closest",
    )
    traces = []
    series = (
        ("precision", "Precision", palette.TRAIN, "circle", -0.22),
        ("recall", "Recall", palette.VAL, "diamond", 0.0),
        ("f1", "F1", palette.TEST, "square", 0.22),
    )
    for key, name, color, symbol, shift in series:
        rows = [(i, m) for i, m in enumerate(per_class) if getattr(m, key) is not None]
        bounds = [getattr(m, f"{key}_interval", None) for _, m in rows]
        shares = [getattr(m, key) for _, m in rows]
        traces.append(
            {
                "type": "scatter",
                "x": [100 * share for share in shares],
                "y": [i + shift for i, _ in rows],
                "name": name,
                "mode": "markers",
                "marker": {"color": color, "symbol": symbol, "size": 8},
                "error_x": whiskers(shares, bounds, palette.translucent(color, 0.55)),
                "customdata": [_class_words(m, name, key) for _, m in rows],
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        )
    layout["xaxis"] |= {"ticksuffix": " %", "showgrid": True}
    layout["yaxis"] |= {
        "tickvals": list(range(len(names))),
        "ticktext": names,
        "range": [len(names) - 0.5, -0.5],
    }
    return {"data": traces, "layout": layout}


def _cells(
    values: np.ndarray, text: np.ndarray, scale: Sequence, limits: tuple[float, float]
) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "z": values,
        "text": text,
        "texttemplate": "%{text}" if len(text) <= TEXT_UP_TO else None,
        "textfont": {"size": 11, "color": palette.ON_CELL},
        "colorscale": scale,
        "zmin": limits[0],
        "zmax": limits[1],
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "hoverinfo": "skip",
    }


def _cell_points(confusion: np.ndarray, labels: np.ndarray, names: list[str]) -> dict[str, Any]:
    """A see-through point on every cell: heatmaps show, but only points can be selected."""
    totals = confusion.sum(axis=1)
    rows, columns = np.indices(confusion.shape).reshape(2, -1)
    cells = [
        (true, predicted, int(confusion[true, predicted]))
        for true, predicted in zip(labels[rows].tolist(), labels[columns].tolist(), strict=True)
    ]
    hovers = []
    for true, predicted, count in cells:
        share = f" ({percent(count / totals[true], 1)} of all {names[true]}s)" if count else ""
        images = _images(count) if count else "no images"
        hovers.append(f"true {names[true]} read as {names[predicted]}: {images}{share}")
    return {
        "type": "scatter",
        "x": columns.tolist(),
        "y": rows.tolist(),
        "mode": "markers",
        "marker": {"symbol": "square", "size": min(28, 400 / len(names)), "opacity": 0},
        "selected": {"marker": {"opacity": 0}},
        "unselected": {"marker": {"opacity": 0}},
        "customdata": [list(cell) for cell in cells],
        "hovertext": hovers,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "showlegend": False,
    }


def _cell_texts(confusion: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Numbers for the cells; none for a cell without images."""
    form = "{:.1f}" if values.dtype.kind == "f" else "{}"
    texts = [form.format(value) for value in values.ravel()]
    return np.where(confusion == 0, "", np.array(texts).reshape(values.shape))


def _diagonal(classes: int) -> Iterator[dict[str, Any]]:
    """The diagonal, where the correct predictions are."""
    ends = {"x0": -0.5, "y0": -0.5, "x1": classes - 0.5, "y1": classes - 0.5}
    yield {"type": "line", "layer": "below", "line": {"color": palette.FAINT, "width": 1}, **ends}


def _matrix_height(classes: int) -> int:
    return 500 if classes <= TEXT_UP_TO else 720


def _class_words(metrics: ClassMetrics, name: str, key: str) -> str:
    bounds = getattr(metrics, f"{key}_interval", None)
    share = percent(getattr(metrics, key)) + interval_line(bounds, 1)
    return f"class {metrics.name}, {metrics.support:,} images<br>{name} {share}"
