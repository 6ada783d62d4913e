"""Figures of several runs: learning curves overlaid, and accuracy against what it costs.

`histories` holds one list of epochs for each run, as `digitlab.figures.training` describes them;
`names` says what each run is called. A run keeps the colour of its position in the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Literal

import plotly.graph_objects as go

from digitlab.figures import palette
from digitlab.figures.layout import chart, interval_line, mark_size, note, whiskers

Value = Literal["val_accuracy", "val_loss", "train_accuracy", "train_loss", "test_accuracy"]
Over = Literal["epoch", "step", "elapsed"]

TITLES: dict[str, str] = {
    "val_accuracy": "Validation accuracy",
    "val_loss": "Validation loss",
    "train_accuracy": "Training accuracy",
    "train_loss": "Training loss",
    "test_accuracy": "Test accuracy",
}
OVER = {"epoch": "epoch", "step": "step (batches)", "elapsed": "seconds of training"}
READ_TOGETHER_UP_TO = 8  # runs: a hover with more lines covers the chart
AXIS = 50  # pixels, of ticks and an axis title


def learning_curves(
    histories: Sequence[Sequence[dict]],
    names: Sequence[str],
    *,
    value: Value = "val_accuracy",
    over: Over = "epoch",
) -> go.Figure:
    """One value of each run by epoch, step or seconds, overlaid; losses on a logarithmic axis.

    For `over` "elapsed", each epoch must hold the seconds trained up to its end under that name.
    """
    shares = value.endswith("accuracy")
    figure = overlay_chart(
        TITLES[value], names, x=OVER[over], y="accuracy" if shares else "loss (nats)"
    )
    for index, epochs in enumerate(histories):
        _add_line(figure, epochs, index, names[index], value, over)
    if not figure.data:
        return _empty(figure, "none of these runs has this curve")
    if shares:
        figure.update_yaxes(ticksuffix=" %")
    else:
        losses = [y for line in figure.data for y in line.y]
        figure.update_yaxes(type="log", exponentformat="none", **_log_ticks(losses))
    return _over(figure, over, len(names))


def train_and_validation(
    histories: Sequence[Sequence[dict]],
    names: Sequence[str],
    tests: Sequence[tuple[float, float] | None] = (),
) -> go.Figure:
    """Training (dotted), validation (solid) and test accuracy of all runs in one figure.

    `tests` holds, for each run, the epoch whose weights were tested and their accuracy, 0…1, or
    None: a star. Where a run tested every epoch, `test_accuracy` in its history is a dash-dotted
    line.
    """
    figure = overlay_chart(
        "Training, validation and test", names, x="epoch", y="accuracy", height=460
    )
    for index, epochs in enumerate(histories):
        _add_line(figure, epochs, index, names[index], "val_accuracy", "epoch")
        _add_line(figure, epochs, index, names[index], "train_accuracy", "epoch", dash="dot")
        _add_line(figure, epochs, index, names[index], "test_accuracy", "epoch", dash="dashdot")
        if index < len(tests) and tests[index]:
            _add_test(figure, tests[index], index, names[index])
    if not figure.data:
        return _empty(figure, "none of these runs has finished an epoch")
    figure.update_yaxes(ticksuffix=" %")
    return _over(figure, "epoch", READ_TOGETHER_UP_TO + 1)


def trade_off(
    names: Sequence[str],
    costs: Sequence[float | None],
    accuracies: Sequence[float],
    frontier: Sequence[int],
    *,
    cost: str,
    intervals: Sequence[tuple[float, float] | None] = (),
) -> go.Figure:
    """Accuracy, 0…1, against a cost above 0 on a logarithmic axis, a point for each run.

    Where the cost is None there is no point. `frontier` holds the indices of the runs that no
    other run beats, cheapest first: a line joins them. `cost` names the axis; `intervals` are
    drawn as whiskers.
    """
    figure = overlay_chart(
        f"Accuracy against {cost}", names, x=f"{cost} (log scale)", y="test accuracy"
    )
    if all(amount is None for amount in costs):
        return _empty(figure, "unknown for these runs")
    figure.add_scatter(
        x=[costs[i] for i in frontier],
        y=[100 * accuracies[i] for i in frontier],
        name="Pareto frontier",
        mode="lines",
        line={"color": palette.MUTED, "width": 2, "shape": "hv", "dash": "dot"},
        showlegend=len(frontier) > 1,
        hoverinfo="skip",
    )
    for index, name in enumerate(names):
        if costs[index] is None:
            continue
        bounds = intervals[index] if index < len(intervals) else None
        figure.add_scatter(
            x=[costs[index]],
            y=[100 * accuracies[index]],
            name=name,
            mode="markers",
            marker={**run_marker(index), "size": 13},
            error_y=whiskers(
                [accuracies[index]], [bounds], palette.translucent(palette.digit_color(index), 0.6)
            ),
            hovertemplate=f"%{{fullData.name}}<br>{cost} %{{x:,.4~g}}<br>accuracy %{{y:.2f}} %"
            f"{interval_line(bounds)}<extra></extra>",
        )
    amounts = [amount for amount in costs if amount is not None]
    figure.update_xaxes(type="log", exponentformat="SI", showgrid=True, **_log_ticks(amounts))
    figure.update_yaxes(ticksuffix=" %")
    return figure.update_layout(hovermode="closest")


def overlay_chart(
    title: str, names: Sequence[str], *, x: str, y: str, height: int = 380, numbers: bool = True
) -> go.Figure:
    """A chart with the legend below, where many long names fit."""
    rows = min(len(names), 10)
    figure = chart(title, x=x, y=y, height=height + 11 * rows, zoom=True, numbers=numbers)
    if numbers:  # a fixed margin holds the axis; what is below it, the legend makes room for
        legend = {"y": -AXIS / (height - 2 * AXIS), "yanchor": "top"}
    else:
        legend = {"yref": "container", "y": 0, "yanchor": "bottom"}
    return figure.update_layout(showlegend=True, legend=legend)


def run_marker(index: int) -> dict:
    """Ten colours, and another shape for the next ten runs."""
    return {"color": palette.digit_color(index), "symbol": ("circle", "diamond")[index // 10 % 2]}


def _add_line(
    figure: go.Figure,
    epochs: Sequence[dict],
    index: int,
    name: str,
    value: Value,
    over: Over,
    dash: str | None = None,
) -> None:
    rows = [row for row in epochs if _finite(row.get(value)) and _finite(row.get(over))]
    if not rows:
        return
    shares = value.endswith("accuracy")
    form = "%{y:.2f} %" if shares else "%{y:.4f}"
    figure.add_scatter(
        x=[row[over] for row in rows],
        y=[100 * row[value] if shares else row[value] for row in rows],
        name=name,
        meta=f"{name}, {TITLES[value].lower()}",
        legendgroup=str(index),
        showlegend=all(trace.legendgroup != str(index) for trace in figure.data),
        mode="lines" if dash else "lines+markers",
        line={
            "color": palette.digit_color(index),
            "width": 2,
            "dash": dash or ("solid", "dash")[index // 10 % 2],
        },
        marker={**run_marker(index), "size": mark_size(len(rows), 6)},
        customdata=[row["epoch"] for row in rows],
        hovertemplate=f"%{{fullData.name}}: {form} ({TITLES[value].lower()}, epoch %{{customdata}})"
        "<extra></extra>",
    )


def _add_test(figure: go.Figure, test: tuple[float, float], index: int, name: str) -> None:
    epoch, accuracy = test
    figure.add_scatter(
        x=[epoch],
        y=[100 * accuracy],
        name=name,
        meta=f"{name}, tested epoch",
        legendgroup=str(index),
        showlegend=False,
        mode="markers",
        marker={"symbol": "star", "size": 13, "color": palette.digit_color(index)},
        cliponaxis=False,
        hovertemplate="%{fullData.name}: %{y:.2f} % (test accuracy)<extra></extra>",
    )


def _over(figure: go.Figure, over: Over, runs: int) -> go.Figure:
    figure.update_xaxes(tickformat="d" if over == "epoch" else ",~g", rangemode="tozero")
    if over == "epoch" and max((x for line in figure.data for x in line.x), default=0) <= 10:
        figure.update_xaxes(dtick=1)
    if over == "elapsed":
        _spread_seconds(figure)
    together = over == "epoch" and runs <= READ_TOGETHER_UP_TO
    if together:
        # Plotly lays a halo two pixels wider under the line, white on dark pages: −2 takes it away.
        spike = {"spikecolor": palette.MUTED, "spikethickness": -2, "spikedash": "solid"}
        figure.update_xaxes(unifiedhovertitle={"text": "epoch %{x}"}, **spike)
    return figure.update_layout(hovermode="x unified" if together else "closest")


def _spread_seconds(figure: go.Figure) -> None:
    """A logarithmic axis where the runs took very different times."""
    seconds = [x for line in figure.data for x in line.x if x > 0]
    if seconds and max(seconds) > 50 * min(seconds):
        title = f"{OVER['elapsed']} (log scale)"
        figure.update_xaxes(type="log", title_text=title, tickformat="", **_log_ticks(seconds))


def _log_ticks(values: Sequence[float]) -> dict:
    """Whole numbers at 1, 2 and 5 of each decade, or at decades alone where there are many."""
    above = [value for value in values if value > 0]
    span = max(above) / min(above) if above else 1
    if span < 6:
        return {}
    return {"minorloglabels": "complete", "dtick": "D2" if span < 1_000 else 1}


def _empty(figure: go.Figure, text: str) -> go.Figure:
    figure.update_xaxes(range=[0, 1], showticklabels=False)
    figure.update_yaxes(range=[0, 1], showticklabels=False)
    return note(figure, text)


def _finite(value: float | None) -> bool:
    return value is not None and isfinite(value)
