"""The cells of the Compare page that show all chosen runs: settings, curves, cost, seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.evaluation.comparison import (
    SeedSummary,
    compare_seeds,
    differing,
    pareto_frontier,
    summarize_seeds,
)
from digitlab.figures import comparison as figures
from digitlab.models.classical.catalog import classical_kind
from digitlab.runs.configuration import one_per_seed, same_configuration
from digitlab.runs.record import RunRecord
from digitlab.runs.run import list_runs
from digitlab.training.config import TrainConfig
from digitlab.ui import cached, url
from digitlab.ui.compare.choose import Chosen, comparable
from digitlab.ui.compare.verdict import seeds_verdict
from digitlab.ui.page import FEW_BUTTONS
from digitlab.ui.run_picker import COMPARED
from digitlab.words import percent

OVER = {"epoch": "Epochs", "step": "Steps", "elapsed": "Seconds"}


def settings(record: RunRecord) -> dict[str, Any]:
    """What an experiment was made of, as a mapping for `differing`."""
    data, machine = record.data, record.environment
    layers = {name: value for name, value in record.spec.items() if name != "name"}
    return {
        "dataset": record.dataset,
        "dataset fingerprint": (data.fingerprint or "")[:8] or None,
        "validation split": f"{100 * data.val_fraction:g} %, split seed {data.split_seed}",
        "architecture": record.model,
        "members": f"{len(record.members)} runs" if record.members else None,
        "layers": json.dumps(layers, sort_keys=True),
        "parameters": f"{record.parameters:,}",
        **{name: value for name, value in _recipe(record).items() if name != "val_fraction"},
        "epochs trained": record.epochs_done,
        "status": record.status,
        "machine": machine.get("gpu") or machine.get("processor"),
        "threads": machine.get("threads"),
        "torch": machine.get("torch"),
    }


def _recipe(record: RunRecord) -> dict[str, Any]:
    """The recipe with all that it says, also what was not there yet when the run was made."""
    try:
        return record.experiment.config.model_dump()
    except DigitlabError:  # of a newer version: what it says still differs or does not
        return record.config


def _is_of_steps(name: str) -> bool:
    """Whether a setting is about the steps of a training, which a classical model does not take."""
    fields = set(TrainConfig.names("recipe", "compute", "watching")) - {"normalization"}
    return name == "epochs trained" or name.partition(".")[0] in fields


def show_settings(chosen: Sequence[Chosen]) -> None:
    """A table of only those settings that are not the same for all."""
    import pandas as pd

    rows = differing([settings(one.record) for one in chosen])
    for place, one in enumerate(chosen):
        if classical_kind(one.run.spec):
            for name in rows:
                rows[name][place] = None if _is_of_steps(name) else rows[name][place]
    layers = rows.pop("layers", None)
    if rows.get("epochs trained") == rows.get("epochs"):
        rows.pop("epochs trained", None)
    if layers and "architecture" not in rows:
        st.info(
            "Architectures of the same name have different layers: see the end of this page.",
            icon=":material/info:",
        )
    if not rows:
        st.success(
            "Nothing differs: same data, architecture, recipe, seed and machine.",
            icon=":material/drag_handle:",
        )
        return
    table = pd.DataFrame(
        {
            one.name: [_spelled(values[i]) for values in rows.values()]
            for i, one in enumerate(chosen)
        }
    )
    table.insert(0, "Setting", [_setting(name) for name in rows])
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        column_config={"Setting": st.column_config.TextColumn(pinned=True, width=170)},
        alt="Settings that differ, one column for each run.",
    )


def show_curves(chosen: Sequence[Chosen]) -> str:
    """Validation accuracy and loss of all runs, overlaid; what they are drawn over."""
    over = url.choose("Over", OVER, param="over", default="epoch", widget=st.segmented_control)
    histories = [cached.epochs(one.run) for one in chosen]
    names = [one.name for one in chosen]
    columns = st.columns(2)
    for column, value in zip(columns, ("val_accuracy", "val_loss"), strict=True):
        figure = figures.learning_curves(histories, names, value=value, over=over)
        column.plotly_chart(
            figure.update_layout(uirevision=_same_view(chosen, over)),
            key=f"compare:{value}",
            config=FEW_BUTTONS,
            alt=f"{figures.TITLES[value]} of each run by {figures.OVER[over]}.",
        )
    return over


def show_classic(chosen: Sequence[Chosen]) -> Chosen:
    """All accuracies in one figure, and the confusion matrix of the best; returns the best.

    The best is chosen by validation: chosen by test, its test accuracy would flatter.
    """
    from digitlab.figures.evaluation import confusion_matrix

    histories = [cached.epochs(one.run) for one in chosen]
    tests = [
        (_tested_epoch(one.record), one.result.accuracy) if one.record.epochs_done else None
        for one in chosen
    ]
    figure = figures.train_and_validation(histories, [one.name for one in chosen], tests)
    st.plotly_chart(
        figure.update_layout(uirevision=_same_view(chosen)),
        key="compare:classic",
        config=FEW_BUTTONS,
        alt="Training, validation and test accuracy of each run by epoch.",
    )
    best = max(chosen, key=lambda one: one.record.val_accuracy or 0.0)
    title = f"Confusion matrix of the best on validation: {best.name}"
    fold = st.expander(title, key="compare:best", on_change="rerun")
    if fold.open:  # a matrix that nobody has asked for need not be drawn
        fold.plotly_chart(
            confusion_matrix(best.result.confusion, best.result.classes),
            key=f"compare:best:{best.run.id}",
            alt="Confusion matrix: rows are true classes, columns what the network read.",
        )
    return best


def show_cost(chosen: Sequence[Chosen]) -> None:
    """Accuracy against parameters and against seconds of training, with the frontier."""
    one_dataset = len({one.record.dataset for one in chosen}) == 1
    accuracies = [one.result.accuracy for one in chosen]
    costs = {
        "parameters": [one.record.parameters or None for one in chosen],
        "seconds of training": [one.record.train_seconds or None for one in chosen],
    }
    for column, (cost, amounts) in zip(st.columns(2), costs.items(), strict=True):
        known = [i for i, amount in enumerate(amounts) if amount is not None]
        best = pareto_frontier([amounts[i] for i in known], [accuracies[i] for i in known])
        figure = figures.trade_off(
            [one.name for one in chosen],
            amounts,
            accuracies,
            [known[i] for i in best] if one_dataset else [],
            cost=cost,
            intervals=[one.result.accuracy_interval for one in chosen],
        )
        column.plotly_chart(
            figure.update_layout(uirevision=_same_view(chosen)),
            key=f"compare:cost:{cost}",
            config=FEW_BUTTONS,
            alt=f"Test accuracy of each run against {cost}.",
        )
    if not one_dataset:
        st.caption("No frontier is drawn, as the runs were tested on different datasets.")
    machines = {_machine(one.record) for one in chosen}
    if len(machines) > 1:
        st.caption("Trained on different machines: the seconds compare machines, too.")


def show_seeds(chosen: Sequence[Chosen]) -> list[list[str]]:
    """Mean, deviation and interval of each configuration that has several seeds.

    Counts every finished run here of a configuration, chosen or not: picking among seeds would
    flatter. Returns the ids of the runs of each configuration shown.
    """
    families = [family for family in seed_families(chosen) if len(family.records) > 1]
    if not families:
        st.info(
            "None of these configurations was trained with a second seed yet, so it is not known "
            "how much of a difference is the luck of the seed.",
            icon=":material/casino:",
        )
        return []
    found = [summarize_seeds(family.accuracies) for family in families]
    _show_seed_table(families, found)
    for i, other in enumerate(families[1:4], start=1):
        if other.records[0].dataset == families[0].records[0].dataset:
            difference = compare_seeds(families[0].accuracies, other.accuracies)
            names = (families[0].name, other.name)
            st.markdown(seeds_verdict(difference, found[0], found[i], *names))
    return [[record.id for record in family.records] for family in families]


class SeedFamily(NamedTuple):
    """A configuration, named by the first chosen run of it, and its finished run of each seed."""

    name: str
    records: list[RunRecord]

    @property
    def accuracies(self) -> list[float]:
        return [record.test_accuracy or 0.0 for record in self.records]


def seed_families(chosen: Sequence[Chosen]) -> list[SeedFamily]:
    """The configurations of the chosen runs; an ensemble has no seed and is none."""
    first: list[Chosen] = []
    for run in chosen:
        known = any(same_configuration(run.record, other.record) for other in first)
        if not run.record.members and not known:
            first.append(run)
    records = [run.record for run in list_runs(limit=COMPARED) if comparable(run.record)]
    return [
        SeedFamily(
            run.name.split(" · seed ")[0],
            one_per_seed([other for other in records if same_configuration(other, run.record)]),
        )
        for run in first
    ]


def _show_seed_table(families: Sequence[SeedFamily], found: Sequence[SeedSummary]) -> None:
    import pandas as pd

    rows = [
        (
            family.name,
            ", ".join(str(record.seed) for record in family.records),
            100 * summary.mean,
            100 * summary.sd,
            f"{percent(summary.interval.low)} to {percent(summary.interval.high)}",
        )
        for family, summary in zip(families, found, strict=True)
    ]
    number = st.column_config.NumberColumn(format="%.2f %%")
    columns = ("Like", "Seeds", "Mean", "Deviation", "95 % interval of the mean")
    st.dataframe(
        pd.DataFrame(rows, columns=columns),
        hide_index=True,
        column_config={"Mean": number, "Deviation": st.column_config.NumberColumn(format="%.3f")},
    )


def _tested_epoch(record: RunRecord) -> float:
    return record.kept_epoch if record.kept_epoch is not None else record.epochs_done


def _machine(record: RunRecord) -> tuple[Any, ...]:
    return tuple(record.environment.get(name) for name in ("gpu", "processor", "threads"))


def _same_view(chosen: Sequence[Chosen], over: str = "") -> str:
    """Zoom and hidden lines stay for as long as this does."""
    return ",".join([*(one.run.id for one in chosen), over])


def _setting(name: str) -> str:
    group, _, last = name.rpartition(".")
    return f"{last} ({group})".replace("_", " ") if group else name.replace("_", " ")


def _spelled(value: Any) -> str:
    if value is None or value == "" or value == [] or value == ():
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
