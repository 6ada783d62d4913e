"""Figures of a reading: a drawing with its digits boxed, and several models' answers at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from digitlab.figures import palette
from digitlab.figures.images import color_bar, picture_trace
from digitlab.figures.layout import chart, picture_chart
from digitlab.words import shorten

Box = tuple[int, int, int, int]
MOST_PIXELS = 600  # of a picture's longer side: a photograph is shown smaller


def boxed_drawing(
    ink: np.ndarray,
    boxes: Sequence[Box],
    captions: Sequence[str],
    doubtful: Sequence[bool],
    chosen: int | None = None,
) -> go.Figure:
    """Ink uint8 [H, W] with a box (left, top, right, bottom) and a caption for each mark.

    Empty paper above and below is cut off. Doubtful ones are dashed, in the colour of a warning;
    the chosen one's line is thick.
    """
    margin = round(0.04 * len(ink))
    room = round(max(0.2 * len(ink), 0.1 * ink.shape[1]))  # for a caption of two lines
    first = max(0, min(box[1] for box in boxes) - margin)
    last = max(box[3] for box in boxes) + margin
    ink = np.pad(ink[first:last], ((room, 0), (0, 0)))
    room -= first
    height, width = ink.shape
    scale = min(1.0, MOST_PIXELS / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = Image.fromarray(ink).resize(size)
    figure = picture_chart("", height=round(min(300, 20 + 400 * height / width)))
    figure.add_trace(picture_trace(small, dx=1 / scale, dy=1 / scale))
    for i, (box, doubt) in enumerate(zip(boxes, doubtful, strict=True)):
        left, top, right, bottom = box
        color = palette.VAL if doubt else palette.ACCENT
        figure.add_shape(
            type="rect",
            x0=left - 2,
            x1=right + 2,
            y0=top + room - 2,
            y1=bottom + room + 2,
            line={
                "color": color,
                "width": 4 if i == chosen else 2,
                "dash": "dot" if doubt else None,
            },
        )
    figure.add_scatter(
        x=[(left + right) / 2 for left, _, right, _ in boxes],
        y=[top + room - 3 for _, top, _, _ in boxes],
        mode="text",
        text=list(captions),
        textposition="top center",
        textfont={
            "size": 13,
            "color": [palette.ON_PAPER_DOUBT if doubt else palette.ON_PAPER for doubt in doubtful],
        },
        hoverinfo="skip",
        showlegend=False,
    )
    figure.update_xaxes(range=[0, width])
    figure.update_yaxes(range=[height, 0], autorange=False)
    return figure.update_layout(margin={"l": 0, "r": 0, "t": 4, "b": 4})


def answer_strip(
    names: Sequence[str], probabilities: np.ndarray, classes: Sequence[str]
) -> go.Figure:
    """A row for each model, a column for each class, lit by the probability, float [M, C] of 0…1.

    A model's own answer is marked, so that one that disagrees stands out of the column.
    """
    shares = 100 * np.asarray(probabilities, dtype=np.float64)
    rows = [f"{i}. {shorten(name, 28)}" for i, name in enumerate(names, start=1)]
    columns = [str(name) for name in classes]
    figure = chart("", height=110 + 34 * len(rows))
    figure.add_heatmap(
        z=shares,
        x=columns,
        y=rows,
        zmin=0,
        zmax=100,
        xgap=2,
        ygap=3,
        colorscale=palette.SEQUENTIAL_SCALE,
        colorbar={**color_bar(""), "y": -0.05, "ticksuffix": " %"},
        hovertemplate="%{y}<br>class %{x}: %{z:.2f} %<extra></extra>",
    )
    for row, best in enumerate(shares.argmax(axis=1)):
        figure.add_annotation(
            x=columns[best],
            y=rows[row],
            text="●",
            showarrow=False,
            font={
                "size": 10,
                "color": palette.ON_CELL if shares[row, best] > 47 else palette.ON_PAPER,
            },
        )
    figure.update_xaxes(type="category", side="top", showgrid=False)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False, ticksuffix=" ")
    return figure.update_layout(margin={"t": 28, "r": 4})
