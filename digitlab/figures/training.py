"""Figures of a training's history: loss, accuracy, learning rate, speed, gradients.

`steps` is a list of dicts, each a window of steps: step, epoch, loss (the window's mean),
loss_min, loss_max, learning_rate, grad_norm, images_per_second. `epochs` is a list of dicts, one
an epoch: epoch (from 1), step, train_loss, train_accuracy, val_loss, val_accuracy (0…1),
learning_rate, seconds. A value that was not measured is None or missing, and leaves a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, isfinite, log

import plotly.graph_objects as go

from digitlab.figures import palette
from digitlab.figures.layout import chart, mark_size, note
from digitlab.words import percent

WAITING = "waiting for the first steps"
FEW_STEPS = 10
HIGHEST = 101  # percent: a point at 100 is whole
TINY, HUGE = 1e-4, 1e5  # on a logarithmic axis that goes further, ticks are powers of ten
SMOOTHED_FROM = 20  # windows: with fewer the line of means is smooth enough to be read


def loss_curve(
    steps: Sequence[dict],
    epochs: Sequence[dict] = (),
    *,
    log_scale: bool = True,
    title: str = "cross-entropy (nats)",
) -> go.Figure:
    """Training loss by step, with validation loss where it was measured.

    The band goes from the smallest to the largest loss of each window, so that no spike is lost
    however much the history was thinned; the strong line is a running mean of the window means.
    On a logarithmic axis, as a loss falls by powers of ten and its start would hide the rest; the
    strong line is then a mean of logarithms, which lies amid what it smooths.
    """
    figure = chart("Loss", x="step (batches)", y=title, legend=True, zoom=True, numbers=True)
    windows = [row for row in steps if _number(row, "loss") is not None]
    measured = [row for row in epochs if _number(row, "val_loss") is not None]
    if windows:
        _add_training_loss(figure, windows, log_scale)
    if measured:
        figure.add_scatter(
            x=[row["step"] for row in measured],
            y=[row["val_loss"] for row in measured],
            name="Validation",
            mode="lines+markers",
            line={"color": palette.VAL, "width": 2},
            marker={"symbol": "diamond", "size": mark_size(len(measured), 8)},
            customdata=[row["epoch"] for row in measured],
            hovertemplate="validation %{y:.4f}, after epoch %{customdata}<extra></extra>",
        )
    return _over_steps(figure, log_scale, bool(windows or measured))


def accuracy_curve(epochs: Sequence[dict], *, best_epoch: int | None = None) -> go.Figure:
    """Training, validation and, where measured, test accuracy by epoch, the best epoch marked.

    `best_epoch` is the epoch whose weights the run kept; by default the earliest one with the
    highest validation accuracy.
    """
    figure = chart("Accuracy", x="epoch", y="accuracy", legend=True, zoom=True, numbers=True)
    series = (
        ("train", "circle", "train_accuracy"),
        ("val", "diamond", "val_accuracy"),
        ("test", "square", "test_accuracy"),
    )
    for split, symbol, key in series:
        rows = [row for row in epochs if _number(row, key) is not None]
        if rows:
            figure.add_scatter(
                x=[row["epoch"] for row in rows],
                y=[100 * row[key] for row in rows],
                name=palette.SPLIT_NAMES[split],
                mode="lines+markers",
                line={"color": palette.SPLIT_COLORS[split], "width": 2},
                marker={"symbol": symbol, "size": mark_size(len(rows), 7)},
                cliponaxis=False,
                hovertemplate=f"{palette.SPLIT_NAMES[split].lower()} %{{y:.2f}} %<extra></extra>",
            )
    _mark_best(figure, epochs, best_epoch)
    figure.update_yaxes(ticksuffix=" %", minallowed=0, maxallowed=HIGHEST)
    figure.update_xaxes(tickformat="d")
    if len(epochs) <= 10:
        figure.update_xaxes(dtick=1)
    _read_together(figure, "epoch %{x}")
    return figure if figure.data else _empty(figure, "waiting for the first epoch", [0, 100])


def learning_rate_curve(steps: Sequence[dict]) -> go.Figure:
    """The learning rate by step."""
    figure = chart(
        "Learning rate", x="step (batches)", y="learning rate", height=260, zoom=True, numbers=True
    )
    _add_line(figure, steps, "learning_rate", "learning rate %{y:.3~g}")
    figure.update_yaxes(exponentformat="power", rangemode="tozero")
    return _over_steps(figure, False, bool(figure.data))


def speed_curve(steps: Sequence[dict]) -> go.Figure:
    """Images trained on in a second, by step."""
    figure = chart(
        "Speed", x="step (batches)", y="images per second", height=260, zoom=True, numbers=True
    )
    _add_line(figure, steps, "images_per_second", "%{y:,.0f} images per second")
    figure.update_yaxes(exponentformat="SI", rangemode="tozero")
    return _over_steps(figure, False, bool(figure.data))


def gradient_norm_curve(steps: Sequence[dict]) -> go.Figure:
    """The length of the gradient over all parameters, by step, on a logarithmic axis."""
    figure = chart(
        "Gradient norm",
        x="step (batches)",
        y="L2 norm (log scale)",
        height=260,
        zoom=True,
        numbers=True,
    )
    _add_line(figure, steps, "grad_norm", "gradient norm %{y:.3~g}")
    return _over_steps(figure, True, bool(figure.data))


def _add_training_loss(figure: go.Figure, windows: list[dict], log_scale: bool) -> None:
    x = [row["step"] for row in windows]
    lows, highs = _extremes(windows, log_scale)
    figure.add_scatter(
        x=[*x, *reversed(x)],
        y=[*highs, *reversed(lows)],
        name="Smallest to largest",
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=palette.translucent(palette.TRAIN, 0.22),
        hoverinfo="skip",
    )
    means = [row["loss"] for row in windows]
    smooth = len(windows) >= SMOOTHED_FROM
    figure.add_scatter(
        x=x,
        y=means,
        name="Training" if not smooth else "Mean of a window",
        mode="lines" if len(windows) > 1 else "markers",
        line={"color": palette.TRAIN, "width": 1 if smooth else 2},
        opacity=0.55 if smooth else 1,
        customdata=[
            [row.get("epoch", 0), low, high]
            for row, low, high in zip(windows, lows, highs, strict=True)
        ],
        hovertemplate="training %{y:.4f} (%{customdata[1]:.4f} to %{customdata[2]:.4f}), "
        "epoch %{customdata[0]:.2f}<extra></extra>",
    )
    if smooth:
        figure.add_scatter(
            x=x,
            y=_running_geometric_mean(means) if log_scale else _running_mean(means),
            name="Training, smoothed",
            mode="lines",
            line={"color": palette.TRAIN, "width": 2.5},
            hoverinfo="skip",
        )


def _extremes(windows: list[dict], log_scale: bool) -> tuple[list[float], list[float]]:
    lows, highs = [], []
    for row in windows:
        low, high = _number(row, "loss_min"), _number(row, "loss_max")
        lows.append(row["loss"] if low is None else low)
        highs.append(row["loss"] if high is None else high)
    if log_scale:  # an exact 0 has no place on a logarithmic axis and would tear the band
        floor = min((low for low in lows if low > 0), default=1e-8)
        lows = [max(low, floor) for low in lows]
    return lows, highs


def _running_geometric_mean(values: list[float]) -> list[float]:
    least = min((value for value in values if value > 0), default=1.0)
    logarithms = _running_mean([log(max(value, least)) for value in values])
    return [exp(value) for value in logarithms]


def _running_mean(values: list[float]) -> list[float]:
    """Exponential mean over about a thirtieth of the values, without a bias towards a start at 0.

    The correction is Adam's: Kingma & Ba, arXiv:1412.6980, section 3.
    """
    keep = 1 - 1 / max(4, len(values) / 30)
    total, weight, means = 0.0, 0.0, []
    for value in values:
        total = keep * total + (1 - keep) * value
        weight = keep * weight + (1 - keep)
        means.append(total / weight)
    return means


def _mark_best(figure: go.Figure, epochs: Sequence[dict], best_epoch: int | None) -> None:
    rows = [row for row in epochs if _number(row, "val_accuracy") is not None]
    if best_epoch is not None:
        rows = [row for row in rows if row["epoch"] == best_epoch]
    if not rows:
        return
    best = max(rows, key=lambda row: (row["val_accuracy"], -row["epoch"]))
    value = 100 * best["val_accuracy"]
    # There is room above the lines, or else below: the axis ends at HIGHEST.
    room = value + (value - min(min(trace.y) for trace in figure.data)) / 8
    below = (_number(best, "train_accuracy") or 0) > best["val_accuracy"] or room > HIGHEST
    if not below:
        figure.update_yaxes(autorangeoptions={"include": room})
    figure.add_scatter(
        x=[best["epoch"]],
        y=[value],
        name=f"Best, epoch {best['epoch']}",
        mode="markers+text",
        text=[percent(best["val_accuracy"])],
        textposition="bottom center" if below else "top center",
        marker={
            "symbol": "circle-open",
            "size": 15,
            "color": palette.VAL,
            "line": {"width": 2},
        },
        cliponaxis=False,
        hoverinfo="skip",
    )


def _add_line(figure: go.Figure, steps: Sequence[dict], key: str, hover: str) -> None:
    rows = [row for row in steps if _number(row, key) is not None]
    if rows:
        figure.add_scatter(
            x=[row["step"] for row in rows],
            y=[row[key] for row in rows],
            mode="lines" if len(rows) > 1 else "markers",
            line={"color": palette.TRAIN, "width": 2},
            hovertemplate=f"{hover}<extra></extra>",
        )


def _over_steps(figure: go.Figure, log_scale: bool, filled: bool) -> go.Figure:
    figure.update_xaxes(tickformat=",d")
    last = max((max(trace.x) for trace in figure.data if len(trace.x or ())), default=0)
    if last < FEW_STEPS:
        figure.update_xaxes(dtick=1)  # else the first steps would be numbered by halves
    if not filled:
        return _empty(figure, WAITING, [0, 1])
    if log_scale:
        # With more ticks, all of 1 to 9 are numbered where a loss falls by a power of ten or two.
        ticks = {"nticks": 4, "minorloglabels": "complete"}
        values = [y for trace in figure.data for y in trace.y or () if y]
        far = min(values, default=1) < TINY or max(values, default=1) >= HUGE
        # Written out, as 0.000001, ticks would not fit beside the axis.
        figure.update_yaxes(type="log", exponentformat="power" if far else "none", **ticks)
    return _read_together(figure, "step %{x:,}")


def _read_together(figure: go.Figure, heading: str) -> go.Figure:
    """One hover for all lines at a place, with a hairline there."""
    # Plotly lays a halo two pixels wider under the line, white on dark pages: −2 takes it away.
    spike = {"spikecolor": palette.MUTED, "spikethickness": -2, "spikedash": "solid"}
    figure.update_xaxes(unifiedhovertitle={"text": heading}, **spike)
    # However far the nearest point is: the first ones of a training are few and far between.
    return figure.update_layout(hovermode="x unified", hoverdistance=-1)


def _empty(figure: go.Figure, text: str, y_range: list[float]) -> go.Figure:
    figure.update_xaxes(range=[0, 1], showticklabels=False)
    figure.update_yaxes(range=y_range)
    return note(figure, text)


def _number(row: dict, key: str) -> float | None:
    """The row's value where it is a finite number: a diverged loss leaves a gap, not a crash."""
    value = row.get(key)
    return value if value is not None and isfinite(value) else None
