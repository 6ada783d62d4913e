"""The leaderboard of all runs, and the classic comparison of four networks."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from digitlab.analysis.leaderboard import RankedRun, rank_runs
from digitlab.data.registry import default_dataset, is_available, list_datasets
from digitlab.errors import DigitlabError
from digitlab.jobs.queue import submit
from digitlab.models.presets import load_preset, published
from digitlab.runs import store
from digitlab.runs.record import RunRecord
from digitlab.snippets import export
from digitlab.training.config import TrainConfig
from digitlab.ui import page, url
from digitlab.ui.compare.choose import Chosen
from digitlab.ui.page import FEW_BUTTONS
from digitlab.ui.results.view import title_of
from digitlab.ui.run_picker import run_names, show_training_link
from digitlab.words import duration, hundred

CLASSIC = tuple(
    f"two-hidden-{size}-{activation}" for size in (16, 64) for activation in ("sigmoid", "relu")
)
_RECENT_RUNS = 1_000
LOOK_SECONDS = 2.0  # between two looks at what trains; nobody looks where nothing does


def show(chosen: Sequence[Chosen]) -> None:
    """All runs on a dataset in order, beside what was published."""
    page.cell(
        "Leaderboard",
        "All runs here by test accuracy; those compared now are blue. Dotted lines are the figures "
        "that the presets' sources give, many of them of the best epoch or without a test set "
        "apart. The first of many is there by luck, too: whiskers are 95 % intervals (Wilson).",
    )
    names = {info.name: info.title for info in list_datasets()}
    names |= {one.record.dataset: title_of(one.record.dataset) for one in chosen}
    own = chosen[0].record.dataset
    dataset = url.choose("Tested on", names, param="board", default=own)
    images = {len(one.result.labels) for one in chosen if one.record.dataset == dataset}
    ranked = rank_runs(dataset, test_images=images.pop() if len(images) == 1 else None)
    if not ranked:
        st.info(f"No run was tested on {names[dataset]} yet.", icon=":material/info:")
    else:
        _show_board(ranked, dataset, {one.run.id for one in chosen})
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
        alt="Runs by test accuracy, with published figures as dotted lines.",
    )
    if len(ranked) > MOST:
        st.caption(f"The first {MOST} of {len(ranked):,}; the table has all.")
    rows = [_row(i, record) for i, record in enumerate(records, start=1)]
    rows += [
        {
            "Run": f"{one.title} (published{', validation' * (one.split != 'test')})",
            "Test": hundred(one.accuracy),
            "From": one.source,
        }
        for one in published(dataset)
    ]
    with st.expander("As a table, with the sources"):
        st.dataframe(
            pd.DataFrame(rows).sort_values("Test", ascending=False, kind="stable"),
            hide_index=True,
            placeholder="–",
            column_config={
                "Test": st.column_config.NumberColumn(format="%.2f %%"),
                "Parameters": st.column_config.NumberColumn(format="localized"),
            },
        )


def _row(place: int, record: RunRecord) -> dict[str, object]:
    return {
        "Place": place,
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
    """Four networks of two hidden layers: one click trains those that are missing."""
    page.cell(
        "The classic comparison",
        "Two hidden layers of 16 or of 64, sigmoid or ReLU: four networks, each trained by its own "
        "recipe with train, validation and test accuracy after every epoch. Which matters more, "
        "width or activation? Where the recipes are not the same, the table of settings says so.",
    )
    here = {info.name: info.title for info in list_datasets() if is_available(info.name)}
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        dataset = url.choose(
            "Trained on", here, param="classic", default=default_dataset(), always=False
        )
    with right:
        busy = any(record.active for record in classic_runs(dataset).values())
        st.fragment(_classic_buttons, run_every=LOOK_SECONDS if busy else None)(dataset, busy)
    page.code_fold(export.classic(dataset))


@page.guard()
def _classic_buttons(dataset: str, busy: bool) -> None:
    """What is missing can be queued; once all four have finished, they can be shown."""
    found = classic_runs(dataset)
    done = [record.id for record in found.values() if record.status == "finished"]
    waiting = [record for record in found.values() if record.active]
    missing = [name for name in CLASSIC if name not in found]
    if missing and st.button(
        f"Train {'all four' if len(missing) == 4 else f'the other {len(missing)}'}",
        icon=":material/play_arrow:",
        key="classic-train",
        width="stretch",
    ):
        _train(missing, dataset)
        st.rerun()
    if busy and not waiting:
        st.rerun()
    for record in waiting:
        show_training_link(record)
    if len(done) == len(CLASSIC) and st.button(
        "Show them",
        icon=":material/monitoring:",
        key="classic-show",
        type="primary",
        width="stretch",
    ):
        url.put("runs", ",".join(found[name].id for name in CLASSIC))
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
    from digitlab.execution.reproduce import is_of_preset

    found: dict[str, RunRecord] = {}
    statuses = ("finished", "running", "queued")
    for record in store.list_records(statuses, limit=_RECENT_RUNS, search="two-hidden"):
        if record.model in CLASSIC and record.model not in found:
            of_preset = is_of_preset(record, load_preset(record.model), dataset)
            if of_preset and record.experiment.config.test_curve:
                found[record.model] = record
    return found
