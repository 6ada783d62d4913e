"""The leaderboard of all runs, and the classic comparison of four networks."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from digitlab.analysis.leaderboard import RankedRun, rank_runs
from digitlab.data.registry import dataset_title, default_dataset, is_available, list_datasets
from digitlab.errors import DigitlabError
from digitlab.execution.reproduce import is_of_preset
from digitlab.jobs.queue import submit
from digitlab.models.presets import load_preset, published
from digitlab.runs import store
from digitlab.runs.record import RunRecord
from digitlab.snippets import export
from digitlab.training.config import TrainConfig
from digitlab.ui import page, url
from digitlab.ui.compare.choose import ComparedRun
from digitlab.ui.page import FEW_BUTTONS
from digitlab.ui.run_picker import run_names, show_training_link
from digitlab.words import duration, hundred

CLASSIC = tuple(
    f"two-hidden-{size}-{activation}" for size in (16, 64) for activation in ("sigmoid", "relu")
)
_RECENT_RUNS = 1_000
POLL_SECONDS = 2.0  # between two polls while runs are training


def show(runs: Sequence[ComparedRun]) -> None:
    """Show all runs on a dataset by accuracy, with published results."""
    page.cell(
        "Leaderboard",
        "All runs by test accuracy; the compared runs are blue. Dotted lines are results published "
        "by the sources of the presets; many of them are of the best epoch or without a separate "
        "test set. The best of many runs is partly luck: whiskers are 95 % intervals (Wilson).",
    )
    names = {info.name: info.title for info in list_datasets()}
    names |= {run.record.dataset: dataset_title(run.record.dataset) for run in runs}
    default = runs[0].record.dataset
    dataset = url.choose("Tested on", names, param="board", default=default)
    test_images = {len(run.result.labels) for run in runs if run.record.dataset == dataset}
    ranked = rank_runs(dataset, test_images=test_images.pop() if len(test_images) == 1 else None)
    if not ranked:
        st.info(f"No run has been tested on {names[dataset]} yet.", icon=":material/info:")
    else:
        _show_board(ranked, dataset, {run.id for run in runs})
    page.code_fold(export.leaderboard(dataset))
    show_classic()


def _show_board(ranked: Sequence[RankedRun], dataset: str, compared: set[str]) -> None:
    import pandas as pd

    from digitlab.figures.leaderboard import MOST, leaderboard

    records = [row.record for row in ranked]
    st.plotly_chart(
        leaderboard(
            run_names(records),
            [record.test_accuracy for record in records],
            [row.interval for row in ranked],
            published(dataset),
            marked=[i for i, record in enumerate(records) if record.id in compared],
        ),
        key=f"leaderboard:{dataset}",
        config=FEW_BUTTONS,
        alt="Runs by test accuracy, with published results as dotted lines.",
    )
    if len(ranked) > MOST:
        st.caption(f"The first {MOST} of {len(ranked):,} runs; the table has all.")
    rows = [_row(i, record) for i, record in enumerate(records, start=1)]
    rows += [
        {
            "Run": f"{result.title} (published{', validation' * (result.split != 'test')})",
            "Test": hundred(result.accuracy),
            "From": result.source,
        }
        for result in published(dataset)
    ]
    with st.expander("As a table with the sources"):
        st.dataframe(
            pd.DataFrame(rows).sort_values("Test", ascending=False, kind="stable"),
            hide_index=True,
            placeholder="–",
            column_config={
                "Test": st.column_config.NumberColumn(format="%.2f %%"),
                "Parameters": st.column_config.NumberColumn(format="localized"),
            },
        )


def _row(rank: int, record: RunRecord) -> dict[str, object]:
    return {
        "Rank": rank,
        "Run": record.name,
        "Test": hundred(record.test_accuracy),
        "Parameters": record.parameters,
        "Trained in": duration(record.train_seconds),
        "Epochs": record.epochs_done,
        "Seed": record.seed,
        "From": "bundled" if record.bundled else record.id,
    }


# ---- the classic comparison ---------------------------------------------------------------------


def show_classic() -> None:
    """Show a comparison of four networks, and a button that trains those that are missing."""
    page.cell(
        "The classic comparison",
        "Two hidden layers of 16 or 64 units, with sigmoid or ReLU: four networks, each trained by "
        "its own recipe, with training, validation and test accuracy after every epoch. Which "
        "matters more, width or activation? The table of settings shows where recipes differ.",
    )
    available = {info.name: info.title for info in list_datasets() if is_available(info.name)}
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        dataset = url.choose(
            "Trained on", available, param="classic", default=default_dataset(), always=False
        )
    with right:
        busy = any(record.active for record in classic_runs(dataset).values())
        st.fragment(_classic_buttons, run_every=POLL_SECONDS if busy else None)(dataset, busy)
    page.code_fold(export.classic(dataset))


@page.guard()
def _classic_buttons(dataset: str, busy: bool) -> None:
    """Show a button that trains the missing runs, and one that opens all four when finished."""
    records = classic_runs(dataset)
    finished = [record for record in records.values() if record.status == "finished"]
    active = [record for record in records.values() if record.active]
    missing = [name for name in CLASSIC if name not in records]
    if missing and st.button(
        f"Train {'all four' if len(missing) == 4 else f'the missing {len(missing)}'}",
        icon=":material/play_arrow:",
        key="classic-train",
        width="stretch",
    ):
        _train(missing, dataset)
        st.rerun()
    if busy and not active:
        st.rerun()
    for record in active:
        show_training_link(record)
    if len(finished) == len(CLASSIC) and st.button(
        "Compare them",
        icon=":material/monitoring:",
        key="classic-show",
        type="primary",
        width="stretch",
    ):
        url.put("runs", ",".join(records[name].id for name in CLASSIC))
        url.put("section", "learning")
        st.rerun()


def _train(names: Sequence[str], dataset: str) -> None:
    for name in names:
        recipe = TrainConfig.from_dict({**load_preset(name).recipe, "test_curve": True})
        try:
            submit(name, dataset, recipe)
        except DigitlabError as e:
            st.toast(str(e), icon=":material/error:")
            return


def classic_runs(dataset: str) -> dict[str, RunRecord]:
    """The newest run of each of the four on this dataset, by its own recipe with test curves."""
    newest: dict[str, RunRecord] = {}
    statuses = ("finished", "running", "queued")
    for record in store.list_records(statuses, limit=_RECENT_RUNS, search="two-hidden"):
        if record.model in CLASSIC and record.model not in newest:
            of_preset = is_of_preset(record, load_preset(record.model), dataset)
            if of_preset and record.experiment.config.test_curve:
                newest[record.model] = record
    return newest
