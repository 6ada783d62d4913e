"""Published and reproduced: the published accuracy of every preset, and that of the runs here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from digitlab.data.registry import find_dataset
from digitlab.errors import DigitlabError
from digitlab.execution.reproduce import (
    is_of_preset,
    measure_train_accuracy,
    published_and_ours,
    reproduced,
)
from digitlab.jobs.queue import submit
from digitlab.models.presets import load_preset
from digitlab.runs.record import ACTIVE
from digitlab.runs.run import list_runs, open_run
from digitlab.snippets import basics
from digitlab.training.config import TrainConfig
from digitlab.ui import page
from digitlab.ui.train.selected_run import select_run
from digitlab.words import duration

if TYPE_CHECKING:
    from digitlab.execution.reproduce import Reproduction
    from digitlab.runs.run import Run

_KEY = "reproduce-click"
_QUEUED = "reproduce-queued"
_ERROR = "reproduce-error"
_BUSY = "In progress"


@st.fragment
@page.guard()
def show_reproductions(dataset: str) -> None:
    """A fold with a table of all presets, and in each row a button that trains the next seed."""
    if st.session_state.pop(_QUEUED, False):
        st.rerun()  # the whole page, which watches the new run
    with st.expander(
        "Published and reproduced", icon=":material/menu_book:", key="published", on_change="rerun"
    ) as fold:
        if fold.open:
            _show(dataset)


def _show(dataset: str) -> None:
    st.markdown(
        "Each preset, trained by its own recipe: the published accuracy → the accuracy of the runs "
        "here (mean ± standard deviation over the seeds, in percent). Training accuracy is that of "
        "the final network on images without augmentation; ≥ is a target to reach.",
    )
    if dataset != "mnist":
        st.caption(
            f"The published figures are for MNIST; these runs are on {find_dataset(dataset).title}."
        )
    runs = list_runs(bundled=False)
    rows = reproduced(dataset=dataset, runs=runs)
    seeds = [_next_seed(row, dataset, runs) for row in rows]
    _show_table(rows, seeds, dataset)
    _offer_measuring(rows)
    if message := st.session_state.pop(_ERROR, ""):
        page.show_error(message)
    page.code_fold(basics.reproduction(rows[0].preset, dataset))


def _show_table(rows: list[Reproduction], seeds: list[int | None], dataset: str) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "Preset": [row.title for row in rows],
                "Next": [_BUSY if seed is None else f"Train seed {seed}" for seed in seeds],
                "Train": [published_and_ours(row, "train_accuracy") for row in rows],
                "Validation": [published_and_ours(row, "val_accuracy") for row in rows],
                "Test": [published_and_ours(row, "test_accuracy") for row in rows],
                "Seeds": [len(row.attempts) for row in rows],
                "Training time": [duration(row.mean("seconds")) for row in rows],
                "Parameters": [
                    "–" if row.parameters is None else f"{row.parameters:,}" for row in rows
                ],
                "Source": [row.source for row in rows],
            }
        ),
        hide_index=True,
        height="content",
        column_config={
            "Preset": st.column_config.TextColumn(pinned=True),
            **{  # wide enough for all rows, also for those without runs so far
                name: st.column_config.TextColumn(width=150)
                for name in ("Train", "Validation", "Test")
            },
            "Next": st.column_config.ButtonColumn(
                help="Queues a run of the preset's recipe with the next seed.",
                on_click=_queue,
                args=([row.preset for row in rows], seeds, dataset),
                key=_KEY,
            ),
        },
    )


def _queue(presets: list[str], seeds: list[int | None], dataset: str) -> None:
    """Queue the run of the row that was clicked, and select it."""
    row = st.session_state[_KEY].row
    seed = seeds[row]
    if seed is None:
        return
    preset = load_preset(presets[row])
    try:
        config = TrainConfig.from_dict({**preset.recipe, "seed": seed})
        select_run(submit(preset.name, dataset, config))
        st.session_state[_QUEUED] = True
    except DigitlabError as e:
        st.session_state[_ERROR] = str(e)


def _next_seed(row: Reproduction, dataset: str, runs: list[Run]) -> int | None:
    """The first seed that no run has; None while a run is waiting or training."""
    preset = load_preset(row.preset)
    active = [run for run in runs if run.record.status in ACTIVE]
    if any(is_of_preset(run.record, preset, dataset) for run in active):
        return None
    used = {attempt.seed for attempt in row.attempts}
    return next(seed for seed in range(len(used) + 1) if seed not in used)


def _offer_measuring(rows: list[Reproduction]) -> None:
    """A button: training accuracy needs a pass over all training images."""
    attempts = [attempt for row in rows for attempt in row.attempts]
    ids = [attempt.run_id for attempt in attempts if attempt.train_accuracy is None]
    if not ids:
        return
    st.button(
        f"Measure the training accuracy of {len(ids)} {'run' if len(ids) == 1 else 'runs'}",
        on_click=_measure,
        args=(ids,),
        icon=":material/speed:",
    )


def _measure(ids: list[str]) -> None:
    for run_id in ids:
        try:
            measure_train_accuracy(open_run(run_id))
        except DigitlabError as e:
            st.session_state[_ERROR] = str(e)
