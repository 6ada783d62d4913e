"""The cells of the Compare page on all compared runs: settings, curves, cost, seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import streamlit as st

from digitlab.analysis.shared_test import judge_together, share_test
from digitlab.data.registry import dataset_title
from digitlab.errors import DigitlabError
from digitlab.evaluation.comparison import (
    SeedSummary,
    compare_seeds,
    differing,
    pareto_frontier,
    summarize_seeds,
)
from digitlab.figures import comparison as figures
from digitlab.figures.evaluation import describe_confusion
from digitlab.models.classical.catalog import classical_kind
from digitlab.runs.configuration import one_per_seed, same_configuration
from digitlab.runs.record import RunRecord
from digitlab.runs.run import Run, list_runs
from digitlab.training.config import TrainConfig
from digitlab.ui import cached, url
from digitlab.ui.chart import show_chart
from digitlab.ui.compare.choose import ComparedRun, comparable
from digitlab.ui.compare.verdict import seeds_verdict
from digitlab.ui.labels import model_title
from digitlab.ui.markdown import plain
from digitlab.ui.run_picker import COMPARED
from digitlab.words import percent

SETTINGS_SHOWN = 10  # a longer table scrolls in its place
OVER = {"epoch": "Epochs", "step": "Steps", "elapsed": "Seconds"}


def settings(record: RunRecord) -> dict[str, Any]:
    """The settings of a run and of its machine, for `differing`."""
    data, machine = record.data, record.environment
    try:  # fields that are newer than the run have their defaults
        experiment = record.experiment
        layers, recipe = experiment.spec.fingerprint, experiment.config.model_dump()
    except DigitlabError:  # of a newer version: its recipe can still be compared
        layers, recipe = None, record.config
    if record.trained_elsewhere:
        recipe = {"loss": recipe.get("loss")}
    return {
        "dataset": dataset_title(record.dataset),
        "dataset fingerprint": (data.fingerprint or "")[:8] or None,
        "validation split": f"{100 * data.val_fraction:g} %, split seed {data.split_seed}",
        "architecture": model_title(record.model),
        "members": f"{len(record.members)} runs" if record.members else None,
        "layers": layers,
        "parameters": f"{record.parameters:,}",
        "initial weights": f"of run {data.start_from}" if data.start_from else None,
        **{name: value for name, value in recipe.items() if name != "val_fraction"},
        "epochs trained": record.epochs_done,
        "status": record.status,
        "machine": machine.get("gpu") or machine.get("processor"),
        "threads": machine.get("threads"),
        "torch": machine.get("torch"),
    }


def _is_of_steps(name: str) -> bool:
    """Whether a setting is about training steps, which a classical model does not have."""
    fields = set(TrainConfig.model_fields) - set(TrainConfig.names_for_classical())
    return name == "epochs trained" or name.partition(".")[0] in fields


def show_settings(runs: Sequence[ComparedRun]) -> None:
    """Show a table of the settings that are not the same for all runs."""
    import pandas as pd

    rows = differing([settings(run.record) for run in runs])
    for i, run in enumerate(runs):
        if classical_kind(run.run.spec):
            for name in rows:
                rows[name][i] = None if _is_of_steps(name) else rows[name][i]
    layers = rows.pop("layers", None)
    if rows.get("epochs trained") == rows.get("epochs"):
        rows.pop("epochs trained", None)
    if layers and "architecture" not in rows:
        st.info(
            "Architectures of the same name have different layers: see Architectures.",
            icon=":material/info:",
        )
    if not rows:
        st.success(
            "No setting differs: same data, architecture, recipe, seed and machine.",
            icon=":material/drag_handle:",
        )
        return
    table = pd.DataFrame(
        {run.name: [_format(values[i]) for values in rows.values()] for i, run in enumerate(runs)}
    )
    table.insert(0, "Setting", [_setting_title(name) for name in rows])
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(table) <= SETTINGS_SHOWN else 35 * (SETTINGS_SHOWN + 1),
        column_config={"Setting": st.column_config.TextColumn(pinned=True, width=170)},
        alt="Settings that differ, one column for each run.",
    )


def show_curves(runs: Sequence[ComparedRun]) -> str:
    """Show validation accuracy and loss of all runs in one chart each; returns the x-axis."""
    over = url.choose("x-axis", OVER, param="over", default="epoch", widget=st.segmented_control)
    histories = [cached.epochs(run.run) for run in runs]
    names = [run.name for run in runs]
    columns = st.columns(2)
    for column, value in zip(columns, ("val_accuracy", "val_loss"), strict=True):
        figure = figures.learning_curves(histories, names, value=value, over=over)
        with column:
            show_chart(
                figure.update_layout(uirevision=_view_key(runs, over)),
                key=f"compare:{value}",
                alt=f"{figures.TITLES[value]} of each run by {figures.OVER[over]}.",
            )
    return over


def show_classic(runs: Sequence[ComparedRun]) -> ComparedRun:
    """Show all accuracies in one figure, and the confusion matrix of the best run; returns it.

    The best is chosen by validation: if chosen by test, its test accuracy would be too optimistic.
    """
    histories = [cached.epochs(run.run) for run in runs]
    tests = [
        (_tested_epoch(run.record), run.result.accuracy) if run.record.epochs_done else None
        for run in runs
    ]
    figure = figures.train_and_validation(histories, [run.name for run in runs], tests)
    show_chart(
        figure.update_layout(uirevision=_view_key(runs)),
        key="compare:classic",
        alt="Training, validation and test accuracy of each run by epoch.",
    )
    best = max(runs, key=lambda run: run.record.val_accuracy or 0.0)
    title = f"Confusion matrix of the run with the best validation accuracy: {plain(best.name)}"
    fold = st.expander(title, key="compare:best", on_change="rerun")
    if fold.open:  # the matrix is drawn only if the visitor opens it
        with fold:
            show_chart(
                describe_confusion(best.result.confusion, best.result.classes),
                key=f"compare:best:{best.run.id}",
                alt="Confusion matrix: rows are the true classes, columns what the network read.",
            )
    return best


def show_cost(runs: Sequence[ComparedRun]) -> None:
    """Show accuracy against parameters and against training time, with the Pareto frontier."""
    shared = all(run.rows is not None for run in runs)
    one_dataset = shared or len({run.record.dataset for run in runs}) == 1
    accuracies = [run.result.accuracy for run in runs]
    costs = {
        "parameters": [run.record.parameters or None for run in runs],
        "seconds of training": [run.record.train_seconds or None for run in runs],
    }
    for column, (cost, amounts) in zip(st.columns(2), costs.items(), strict=True):
        known = [i for i, amount in enumerate(amounts) if amount is not None]
        best = pareto_frontier([amounts[i] for i in known], [accuracies[i] for i in known])
        figure = figures.trade_off(
            [run.name for run in runs],
            amounts,
            accuracies,
            [known[i] for i in best] if one_dataset else [],
            cost=cost,
            intervals=[run.result.accuracy_interval for run in runs],
        )
        with column:
            show_chart(
                figure.update_layout(uirevision=_view_key(runs)),
                key=f"compare:cost:{cost}",
                alt=f"Test accuracy of each run against {cost}.",
            )
    if not one_dataset:
        st.caption("There is no frontier, because the runs were tested on different datasets.")
    machines = {_machine(run.record) for run in runs}
    if len(machines) > 1:
        st.caption("The runs were trained on different machines, which affects the seconds.")


def show_seeds(runs: Sequence[ComparedRun]) -> list[list[str]]:
    """Show mean, deviation and interval of each configuration that has several seeds.

    Counts every finished run of a configuration, compared or not: a choice among seeds would be
    too optimistic. Returns the ids of the runs of each configuration.
    """
    configurations = [entry for entry in list_configurations(runs) if len(entry.records) > 1]
    if not configurations:
        st.info(
            "None of these configurations has been trained with a second seed yet, so it is not "
            "known how much of a difference is due to the seed.",
            icon=":material/casino:",
        )
        return []
    accuracies = [entry.accuracies for entry in configurations]
    shared = all(run.rows is not None for run in runs)
    if shared:
        accuracies = judged_accuracies([entry.records for entry in configurations])
    summaries = [summarize_seeds(values) for values in accuracies]
    _show_seed_table(configurations, summaries)
    first, *rest = configurations
    for entry, values, summary in zip(rest[:3], accuracies[1:], summaries[1:], strict=False):
        if shared or entry.records[0].dataset == first.records[0].dataset:
            paired = shared and first.seeds == entry.seeds
            difference = compare_seeds(accuracies[0], values, paired=paired)
            names = plain(first.name), plain(entry.name)
            st.markdown(seeds_verdict(difference, summaries[0], summary, *names, paired=paired))
    return [[record.id for record in entry.records] for entry in configurations]


def judged_accuracies(groups: Sequence[Sequence[RunRecord]]) -> list[list[float]]:
    """The accuracies of runs on versions of a dataset, on the test images that all of them have."""
    records = [record for group in groups for record in group]
    results = [cached.evaluation(Run(record), "test") for record in records]
    shared = share_test(records, results)
    if shared:
        results = judge_together(shared, results)
    judged = iter([result.accuracy for result in results])
    return [[next(judged) for _ in group] for group in groups]


class Configuration(NamedTuple):
    """A configuration, named by its first compared run, and a finished run of each seed."""

    name: str
    records: list[RunRecord]

    @property
    def seeds(self) -> list[int]:
        return [record.seed for record in self.records]

    @property
    def accuracies(self) -> list[float]:
        return [record.test_accuracy or 0.0 for record in self.records]


def list_configurations(runs: Sequence[ComparedRun]) -> list[Configuration]:
    """The configurations of the runs; an ensemble has no seed, so it is left out."""
    distinct: list[ComparedRun] = []
    for run in runs:
        known = any(same_configuration(run.record, earlier.record) for earlier in distinct)
        if not run.record.members and not known:
            distinct.append(run)
    records = [run.record for run in list_runs(limit=COMPARED) if comparable(run.record)]
    return [
        Configuration(
            run.name.split(" · seed ")[0],
            one_per_seed([record for record in records if same_configuration(record, run.record)]),
        )
        for run in distinct
    ]


def _show_seed_table(
    configurations: Sequence[Configuration], summaries: Sequence[SeedSummary]
) -> None:
    import pandas as pd

    rows = [
        (
            entry.name,
            ", ".join(map(str, entry.seeds)),
            100 * summary.mean,
            100 * summary.sd,
            f"{percent(summary.interval.low)} to {percent(summary.interval.high)}",
        )
        for entry, summary in zip(configurations, summaries, strict=True)
    ]
    number = st.column_config.NumberColumn(format="%.2f %%")
    columns = ("Configuration", "Seeds", "Mean", "Standard deviation", "95 % interval of the mean")
    st.dataframe(
        pd.DataFrame(rows, columns=columns),
        hide_index=True,
        column_config={
            "Mean": number,
            "Standard deviation": st.column_config.NumberColumn(format="%.3f"),
        },
    )


def _tested_epoch(record: RunRecord) -> float:
    return record.kept_epoch if record.kept_epoch is not None else record.epochs_done


def _machine(record: RunRecord) -> tuple[Any, ...]:
    return tuple(record.environment.get(name) for name in ("gpu", "processor", "threads"))


def _view_key(runs: Sequence[ComparedRun], over: str = "") -> str:
    """Plotly's `uirevision`: zoom and hidden lines stay while it is the same."""
    return ",".join([*(run.id for run in runs), over])


def _setting_title(name: str) -> str:
    group, _, last = name.rpartition(".")
    return f"{last} ({group})".replace("_", " ") if group else name.replace("_", " ")


def _format(value: Any) -> str:
    if value is None or value == "" or value == [] or value == ():
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
