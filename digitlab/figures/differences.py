"""Figures of what changes from one run to another: class by class, and cell by cell.

A run keeps the colour of its place among all runs that are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import plotly.graph_objects as go

from digitlab.figures import palette
from digitlab.figures.comparison import overlay_chart, run_marker
from digitlab.figures.evaluation import TEXT_UP_TO
from digitlab.figures.layout import are_short, chart, note
from digitlab.words import shorten

if TYPE_CHECKING:
    from digitlab.evaluation.comparison import ClassDifference

_NAME = 18  # characters: what a title has room for on a phone


def class_differences(
    differences: Sequence[Sequence[ClassDifference]],
    names: Sequence[str],
    positions: Sequence[int],
    reference: str,
    metric: Literal["recall", "f1"] = "recall",
) -> go.Figure:
    """How much better than the run `reference` others are at each class, in points.

    One list of ClassDifference and one name for each of the other runs; `positions` are theirs
    among all runs, which give them their colours.
    """
    word = {"recall": "Recall", "f1": "F1"}[metric]
    classes = [row.name for row in differences[0]] if differences else []
    title = f"{word} by class, against {shorten(reference, _NAME)}"
    height = 150 + 30 * len(classes)
    figure = overlay_chart(
        title, names, x="difference in points", y="class", height=height, numbers=are_short(classes)
    )
    for rows, name, position in zip(differences, names, positions, strict=True):
        measured = [(i, row) for i, row in enumerate(rows) if getattr(row, metric) is not None]
        figure.add_scatter(
            x=[100 * getattr(row, metric) for _, row in measured],
            y=[i for i, _ in measured],
            name=name,
            mode="markers",
            marker={**run_marker(position), "size": 10},
            customdata=[[row.name, row.support] for _, row in measured],
            hovertemplate="%{fullData.name}<br>class %{customdata[0]}, %{customdata[1]:,} images"
            f"<br>{word} %{{x:+.2f}} points<extra></extra>",
        )
    figure.add_vline(x=0, line={"color": palette.MUTED, "width": 1.5})
    figure.update_yaxes(
        tickvals=list(range(len(classes))), ticktext=classes, range=[len(classes) - 0.5, -0.5]
    )
    figure.update_xaxes(showgrid=True, tickformat="+.3~g")
    return figure.update_layout(hovermode="closest")


def confusion_difference(
    a: np.ndarray, b: np.ndarray, classes: Sequence[str], a_name: str = "A", b_name: str = "B"
) -> go.Figure:
    """Confusion matrix B minus A, int64 [C, C] both; rows true and columns predicted.

    Blue where B is better (more hits, fewer errors), orange where it is worse; cells without a
    change are empty. Colour follows the square root, so that a change of one image is seen.
    """
    change = np.asarray(b, dtype=np.int64) - np.asarray(a, dtype=np.int64)
    names = [str(name) for name in classes]
    figure = chart(
        "Change of the images in each cell",
        x="predicted",
        y="true",
        height=500 if len(names) <= TEXT_UP_TO else 720,
        zoom=len(names) > TEXT_UP_TO,
        numbers=are_short(names),
    )
    gain = np.where(np.eye(len(names), dtype=bool), change, -change)
    colors = np.where(change == 0, np.nan, np.sign(gain) * np.sqrt(np.abs(gain)))
    top = float(np.sqrt(np.abs(change).max(initial=1)))
    few = len(names) <= TEXT_UP_TO
    figure.add_heatmap(
        z=colors,
        text=[
            [f"{value:+d}".replace("-", "−") if value else "" for value in row] for row in change
        ],
        texttemplate="%{text}" if few else None,
        textfont={"size": 11, "color": palette.ON_CELL},
        colorscale=palette.DIFFERENCE_SCALE,
        zmin=-top,
        zmax=top,
        showscale=False,
        xgap=1,
        ygap=1,
        hovertext=_change_words(np.asarray(a), np.asarray(b), names, (a_name, b_name)),
        hovertemplate="%{hovertext}<extra></extra>",
        hoverongaps=True,
    )
    ticks = {"tickvals": list(range(len(names))), "ticktext": names, "showgrid": False}
    edges = [-0.5, len(names) - 0.5]
    figure.update_xaxes(range=edges, side="top", constrain="domain", **ticks)
    figure.update_yaxes(range=edges[::-1], scaleanchor="x", **ticks)
    figure.update_yaxes(constrain="domain", constraintoward="top")
    figure.update_layout(hovermode="closest", margin={"t": 84, "b": 8})
    if not change.any():
        note(figure, "no cell differs")
    return figure


def _change_words(
    a: np.ndarray, b: np.ndarray, names: list[str], runs: tuple[str, str]
) -> list[list[str]]:
    return [
        [
            f"true {names[true]} read as {names[read]}<br>"
            f"{runs[0]} {int(a[true, read]):,} images, {runs[1]} {int(b[true, read]):,}"
            for read in range(len(names))
        ]
        for true in range(len(names))
    ]


def _signed(change: int) -> str:
    return f"{change:+,d}".replace("-", "−") if change else ""
