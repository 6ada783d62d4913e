"""The leaderboard of all runs."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from digitlab.analysis.leaderboard import RankedRun, rank_runs
from digitlab.data.registry import dataset_title, default_dataset, is_available, list_datasets
from digitlab.models.presets import published
from digitlab.runs.record import RunRecord
from digitlab.snippets import export
from digitlab.ui import page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.classic import classic_recipes, offer_classic
from digitlab.ui.compare.choose import ComparedRun
from digitlab.ui.labels import run_names, run_title
from digitlab.ui.markdown import plain
from digitlab.words import duration, hundred

WIDTH = 320  # pixels of a choice of a dataset
CLAIMED = " (claimed)"  # follows the name of a run whose results were not computed here


def show(runs: Sequence[ComparedRun]) -> None:
    """Show all runs on a dataset by accuracy, with published results."""
    page.cell(
        "Leaderboard",
        "All runs by test accuracy; the compared runs are blue. The best of many runs is partly "
        "luck: whiskers are 95 % intervals (Wilson). Dotted lines are results that the sources of "
        "the presets published, many of them of the best epoch or without a separate test set.",
    )
    names = {info.name: info.title for info in list_datasets()}
    names |= {run.record.dataset: dataset_title(run.record.dataset) for run in runs}
    default = runs[0].record.dataset
    dataset = url.choose("Tested on", names, param="board", default=default, width=WIDTH)
    test_images = {len(run.result.labels) for run in runs if run.record.dataset == dataset}
    ranked = rank_runs(dataset, test_images=test_images.pop() if len(test_images) == 1 else None)
    if not ranked:
        st.info(f"No run has been tested on {plain(names[dataset])} yet.", icon=":material/info:")
    else:
        _show_board(ranked, dataset, {run.id for run in runs})
    page.code_fold(export.leaderboard(dataset))
    show_classic()


def _show_board(ranked: Sequence[RankedRun], dataset: str, compared: set[str]) -> None:
    import pandas as pd

    from digitlab.figures.leaderboard import MOST, leaderboard

    records = [row.record for row in ranked]
    show_chart(
        leaderboard(
            _names(records),
            [record.test_accuracy for record in records],
            [row.interval for row in ranked],
            published(dataset),
            marked=[i for i, record in enumerate(records) if record.id in compared],
        ),
        key=f"leaderboard:{dataset}",
        alt="Runs by test accuracy, with published results as dotted lines.",
    )
    if any(record.claimed for record in records):
        st.caption(
            "Claimed results come from a file and stand last: its weights could not be measured "
            "here."
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


def _names(records: Sequence[RunRecord]) -> list[str]:
    names = zip(run_names(records), records, strict=True)
    return [f"{name}{CLAIMED * record.claimed}" for name, record in names]


def _row(rank: int, record: RunRecord) -> dict[str, object]:
    return {
        "Rank": rank,
        "Run": f"{run_title(record)}{CLAIMED * record.claimed}",
        "Test": hundred(record.test_accuracy),
        "Parameters": record.parameters,
        "Trained in": duration(record.train_seconds),
        "Epochs": record.epochs_done,
        "Seed": record.seed,
        "From": "bundled" if record.bundled else record.id,
    }


def show_classic() -> None:
    """Offer the classic comparison of four networks."""
    page.cell(
        "The classic comparison",
        "Two hidden layers of 16 or 64 units, with sigmoid or ReLU: four networks, each trained by "
        "its own recipe, with training, validation and test accuracy after every epoch. Which "
        "matters more, width or activation? The table of settings shows where recipes differ.",
    )
    available = {info.name: info.title for info in list_datasets() if is_available(info.name)}
    dataset = url.choose(
        "Trained on", available, param="classic", default=default_dataset(), width=WIDTH
    )
    offer_classic(dataset, key="compare")
    recipes = {name: recipe.differing() for name, recipe in classic_recipes(dataset).items()}
    page.code_fold(export.classic(recipes, dataset))
