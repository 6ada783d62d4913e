"""Figures of an evaluation: confusion matrix, classes, the pairs confused most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
import plotly.graph_objects as go

from digitlab.figures import palette
from digitlab.figures.layout import chart, note, percent

TEXT_UP_TO = 20  # classes: beyond that a number does not fit into its cell
TITLES = {
    "counts": "Confusion matrix: images",
    "row-shares": "Confusion matrix: % of each true class",
    "errors": "Confusion matrix: errors only",
}


class ClassMetrics(Protocol):
    """What `per_class_metrics` reads of a class; shares 0…1, None where they are undefined."""

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    precision_interval: tuple[float, float] | None
    recall_interval: tuple[float, float] | None
    support: int


def confusion_matrix(
    confusion: np.ndarray,
    classes: Sequence[str],
    mode: Literal["counts", "row-shares", "errors"] = "counts",
) -> go.Figure:
    """A confusion matrix, int64 [C, C], rows true and columns predicted; cells can be clicked.

    Hits are kept quiet and errors have a colour scale of their own (logarithmic for counts), as
    one scale for both would hide the errors of any good model. Cells without images are empty.
    A cell's `customdata` is `[true, predicted, count]`.
    """
    confusion = np.asarray(confusion, dtype=np.int64)
    names = [str(name) for name in classes]
    figure = chart(
        TITLES[mode],
        x="predicted",
        y="true",
        height=_matrix_height(len(names)),
        zoom=len(names) > TEXT_UP_TO,
    )
    totals = np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    shares = confusion / totals
    hit = np.eye(len(names), dtype=bool)
    values = 100 * shares if mode == "row-shares" else confusion
    text = None
    if len(names) <= TEXT_UP_TO:
        text = np.where(hit & (mode == "errors"), "", _cell_texts(confusion, values))
    if mode == "errors":
        _add_diagonal(figure, len(names))
    else:
        _add_cells(figure, np.where(hit, shares, np.nan), text, palette.HIT_SCALE, (0, 1))
    errors = np.where(hit | (confusion == 0), np.nan, values)
    shown = errors if mode == "row-shares" else np.log1p(errors)
    top = float(np.nanmax(shown)) if np.isfinite(shown).any() else 1.0
    _add_cells(figure, shown, text, palette.ERROR_SCALE, (0, top))
    figure.add_trace(_cell_points(confusion, shares, names))
    ticks = {"tickvals": list(range(len(names))), "ticktext": names, "showgrid": False}
    edges = [-0.5, len(names) - 0.5]
    figure.update_xaxes(range=edges, side="top", constrain="domain", **ticks)
    figure.update_yaxes(range=edges[::-1], scaleanchor="x", **ticks)
    figure.update_yaxes(constrain="domain", constraintoward="top")
    figure.update_layout(hovermode="closest", hoverdistance=-1, uirevision="confusion matrix")
    return figure.update_layout(margin={"t": 84})


def per_class_metrics(per_class: Sequence[ClassMetrics]) -> go.Figure:
    """Precision, recall and F1 of each class as points, with their 95 % intervals as whiskers.

    Points, as the axis does not start at 0: bars cut off at 95 % would lie about proportions.
    """
    height = 130 + 34 * max(len(per_class), 1)
    figure = chart("Precision and recall of each class", y="class", height=height, legend=True)
    series = (
        ("precision", "Precision", palette.TRAIN, "circle", -0.22),
        ("recall", "Recall", palette.VAL, "diamond", 0.0),
        ("f1", "F1", palette.TEST, "square", 0.22),
    )
    for key, name, color, symbol, shift in series:
        rows = [(i, m) for i, m in enumerate(per_class) if getattr(m, key) is not None]
        bounds = [getattr(m, f"{key}_interval", None) for _, m in rows]
        x = [100 * getattr(m, key) for _, m in rows]
        figure.add_scatter(
            x=x,
            y=[i + shift for i, _ in rows],
            name=name,
            mode="markers",
            marker={"color": color, "symbol": symbol, "size": 8},
            error_x=_whiskers(x, bounds, color),
            customdata=[_class_words(m, name, key) for _, m in rows],
            hovertemplate="%{customdata}<extra></extra>",
        )
    names = [str(m.name) for m in per_class]
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.5, -0.5]
    )
    figure.update_xaxes(title_text="share, with 95 % interval", ticksuffix=" %", showgrid=True)
    return figure.update_layout(hovermode="closest")


def most_confused_bars(pairs: Sequence[tuple[int, int, int]], classes: Sequence[str]) -> go.Figure:
    """The (true, predicted, count) pairs given, a bar each, in the colour of the true class.

    A bar's `customdata` is `[true, predicted, count]`.
    """
    figure = chart("Most confused", x="images", height=110 + 28 * max(len(pairs), 3))
    if not pairs:
        figure.update_xaxes(range=[0, 1], showticklabels=False)
        figure.update_yaxes(showticklabels=False)
        return note(figure, "nothing was confused")
    figure.add_bar(
        x=[count for _, _, count in pairs],
        y=[f"{classes[true]} read as {classes[predicted]}" for true, predicted, _ in pairs],
        orientation="h",
        marker={"color": [palette.digit_color(true) for true, _, _ in pairs], "line": {"width": 0}},
        text=[f"{count:,}" for _, _, count in pairs],
        textposition="outside",
        cliponaxis=False,
        customdata=[list(pair) for pair in pairs],
        hovertemplate="true %{y}: %{x:,} images<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed", type="category", ticksuffix="  ", showgrid=False)
    figure.update_xaxes(rangemode="tozero", tickformat=",d", showgrid=True)
    return figure.update_layout(bargap=0.3, margin={"r": 36})


def _add_cells(
    figure: go.Figure,
    values: np.ndarray,
    text: np.ndarray | None,
    scale: Sequence,
    limits: tuple[float, float],
) -> None:
    figure.add_trace(
        go.Heatmap(
            z=values,
            text=text,
            texttemplate="%{text}" if text is not None else None,
            textfont={"size": 11},
            colorscale=scale,
            zmin=limits[0],
            zmax=limits[1],
            showscale=False,
            xgap=1,
            ygap=1,
            hoverinfo="skip",
        )
    )


def _cell_points(confusion: np.ndarray, shares: np.ndarray, names: list[str]) -> go.Scatter:
    """A see-through point on every cell: heatmaps show, but only points can be selected."""
    rows, columns = np.indices(confusion.shape).reshape(2, -1).tolist()
    words = []
    for true, predicted in zip(rows, columns, strict=True):
        count = int(confusion[true, predicted])
        images = f"{count:,} image{'' if count == 1 else 's'}" if count else "no images"
        share = f" ({percent(shares[true, predicted])} of all {names[true]}s)" if count else ""
        words.append(f"true {names[true]} read as {names[predicted]}: {images}{share}")
    return go.Scatter(
        x=columns,
        y=rows,
        mode="markers",
        marker={"symbol": "square", "size": min(28, 400 / len(names)), "opacity": 0},
        selected={"marker": {"opacity": 0.55, "color": palette.ACCENT}},
        unselected={"marker": {"opacity": 0}},
        customdata=[
            [true, predicted, int(confusion[true, predicted])]
            for true, predicted in zip(rows, columns, strict=True)
        ],
        hovertext=words,
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )


def _cell_texts(confusion: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Numbers for the cells; none for a cell without images, which has no ground to stand on."""
    form = "{:.1f}" if values.dtype.kind == "f" else "{}"
    texts = [form.format(value) for value in values.ravel()]
    return np.where(confusion == 0, "", np.array(texts).reshape(values.shape))


def _add_diagonal(figure: go.Figure, classes: int) -> None:
    """Where the hits would be, to guide the eye."""
    ends = {"x0": -0.5, "y0": -0.5, "x1": classes - 0.5, "y1": classes - 0.5}
    figure.add_shape(type="line", layer="below", line={"color": palette.FAINT, "width": 1}, **ends)


def _matrix_height(classes: int) -> int:
    return 500 if classes <= TEXT_UP_TO else 720


def _whiskers(x: list[float], bounds: list[tuple | None], color: str) -> dict | None:
    if not any(bounds):
        return None
    return {
        "type": "data",
        "symmetric": False,
        "array": [100 * b[1] - at if b else 0 for at, b in zip(x, bounds, strict=True)],
        "arrayminus": [at - 100 * b[0] if b else 0 for at, b in zip(x, bounds, strict=True)],
        "color": palette.translucent(color, 0.55),
        "thickness": 1.5,
        "width": 3,
    }


def _class_words(metrics: ClassMetrics, name: str, key: str) -> str:
    bounds = getattr(metrics, f"{key}_interval", None)
    within = f"<br>95 % interval {percent(bounds[0])} to {percent(bounds[1])}" if bounds else ""
    share = percent(getattr(metrics, key), 2)
    return f"class {metrics.name}, {metrics.support:,} images<br>{name} {share}{within}"
