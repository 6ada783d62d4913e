"""Figures of a network while it learns: its confusions, some answers, its first filters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from digitlab.figures import palette
from digitlab.figures.images import image_grid
from digitlab.figures.layout import chart
from digitlab.words import percent, shorten

_SIDE = 30  # pixels of the screen for a cell
_FILTER_COLUMNS = 8


def small_confusion(confusion: np.ndarray, classes: Sequence[str]) -> go.Figure:
    """Counts int64 [C, C] of true (row) and read (column) classes, errors in strong colours.

    Shares of each row, so that a class that is rare stays visible.
    """
    total = confusion.sum(1, keepdims=True)
    shares = np.divide(confusion, total, out=np.zeros(confusion.shape), where=total > 0)
    errors = shares.copy()
    np.fill_diagonal(errors, np.nan)
    right = np.full_like(shares, np.nan)
    np.fill_diagonal(right, np.diagonal(shares))
    figure = chart("Confusions", x="read as", y="true class", height=110 + _SIDE * len(classes))
    names = list(classes)
    for values, scale, high in (
        (right, palette.HIT_SCALE, 1.0),
        (np.where(errors > 0, errors, np.nan), palette.ERROR_SCALE, 0.5),
    ):
        figure.add_heatmap(
            z=values,
            x=names,
            y=names,
            zmin=0,
            zmax=high,
            colorscale=scale,
            showscale=False,
            xgap=1,
            ygap=1,
            text=confusion,
            hovertemplate="%{y} read as %{x}: %{text} images<extra></extra>",
            hoverongaps=False,
        )
    figure.update_xaxes(type="category", side="bottom", constrain="domain")
    figure.update_yaxes(
        type="category",
        autorange="reversed",
        scaleanchor="x",
        showgrid=False,
        constrain="domain",
        constraintoward="top",
    )
    return figure


def sample_answers(
    images: np.ndarray, labels: Sequence[int], probabilities: np.ndarray, classes: Sequence[str]
) -> go.Figure:
    """Images uint8 [k, 1, H, W] with what the network reads in each, and how sure it is."""
    read = probabilities.argmax(1)
    captions, hovers = [], []
    for label, answer, shares in zip(labels, read, probabilities, strict=True):
        mark = "✓" if answer == label else "✗"
        captions.append(f"{mark} {shorten(classes[answer], 6)} · {percent(shares[answer], 0)}")
        hovers.append(
            f"true {classes[label]}, read {classes[answer]} with {percent(shares[answer], 1)}"
            f" ({percent(shares[label], 1)} for {classes[label]})"
        )
    return image_grid(images, captions, hovers=hovers, title="Some answers", columns=6, tile=56)


def first_layer(filters: np.ndarray) -> go.Figure:
    """The first layer's weights float32 [n, h, w] as pictures: negative orange, positive blue."""
    count, height, width = filters.shape
    columns = min(_FILTER_COLUMNS, count)
    rows = -(-count // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan, np.float32)
    for number, weights in enumerate(filters):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        # Each on a scale of its own: what a filter looks for is in its shape, not in its strength.
        strongest = float(np.abs(weights).max()) or 1.0
        sheet[top : top + height, left : left + width] = weights / strongest
    figure = chart("First layer", height=60 + rows * 56)
    figure.add_heatmap(
        z=sheet,
        zmin=-1,
        zmax=1,
        colorscale=palette.DIFFERENCE_SCALE,
        showscale=False,
        hoverinfo="skip",
    )
    figure.update_xaxes(visible=False, constrain="domain", constraintoward="left")
    figure.update_yaxes(visible=False, scaleanchor="x", autorange="reversed")
    return figure
