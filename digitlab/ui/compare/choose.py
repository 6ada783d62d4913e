"""Choosing the runs to compare, in a table with search; checking what can be compared."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.shared_test import judge_together, share_test
from digitlab.data.registry import dataset_title
from digitlab.errors import DigitlabError
from digitlab.evaluation.comparison import same_labels
from digitlab.runs.record import RunRecord
from digitlab.runs.run import Run, list_runs
from digitlab.ui import cached, page, url
from digitlab.ui.compare.run_filter import find_runs
from digitlab.ui.compare.suggestion import suggest_runs
from digitlab.ui.labels import STATUS_WORDS, model_title, run_names, run_title
from digitlab.ui.markdown import plain
from digitlab.ui.run_picker import COMPARED, USABLE
from digitlab.words import duration, hundred, interval

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from digitlab.evaluation.metrics import Evaluation

MOST = 20
ROWS_SHOWN = 8
FIRST_COLUMNS = ("Test", "Run", "Dataset", "Parameters", "Date")  # more would hide on a phone


@dataclass(frozen=True)
class ComparedRun:
    """A run to compare, a name that no other run has, and its evaluation on the test split.

    Where the runs are on versions of one dataset, the evaluation is on the images that they share:
    `rows` int64 [N] are their positions in the run's own test split, else None.
    """

    run: Run
    name: str
    result: Evaluation
    rows: np.ndarray | None = None

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def record(self) -> RunRecord:
        return self.run.record


def choose_runs() -> list[ComparedRun]:
    """The runs chosen in the URL or by the visitor; fewer than two if more must be chosen."""
    runs = [run for run in list_runs(limit=COMPARED) if comparable(run.record)]
    if len(runs) < 2:
        page.cell("Which runs?")
        count = "Only one run has" if runs else "No run has"
        page.missing(f"{count} results; two are needed.", page.TRAIN, "Train another network")
        return []
    suggestion = suggest_runs([run.record for run in runs])
    chosen_ids = _ids_from_url(runs, suggestion.ids)
    if chosen_ids:
        url.put("runs", ",".join(chosen_ids))  # a page opened without a choice can be shared, too
    page.cell("Which runs?", plain(suggestion.reason) if chosen_ids == suggestion.ids else "")
    compared = _open([run for run_id in chosen_ids for run in runs if run.id == run_id])
    if len(compared) < 2:
        st.info(
            f"Select 2 to {MOST} runs in the table to compare them.", icon=":material/checklist:"
        )
        _show_table(runs, chosen_ids)
        return compared
    show_accuracies(compared)
    fold = st.expander(
        "Choose other runs", icon=":material/checklist:", key="choose-runs", on_change="rerun"
    )
    if fold.open:
        with fold:
            _show_table(runs, chosen_ids)
    return compared


def show_accuracies(runs: Sequence[ComparedRun]) -> None:
    """Show how good the compared runs are on their test images."""
    import pandas as pd

    table = pd.DataFrame(
        {
            "Run": [run.name for run in runs],
            "Test accuracy": [hundred(run.result.accuracy) for run in runs],
            "95 % interval": [interval(run.result.accuracy_interval) for run in runs],
            "Mistakes": [len(run.result.errors) for run in runs],
            "Parameters": [run.record.parameters for run in runs],
            "Trained in": [duration(run.record.train_seconds) for run in runs],
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        column_config={
            "Run": st.column_config.TextColumn(pinned=True),
            "Test accuracy": st.column_config.NumberColumn(format="%.2f %%"),
            "Mistakes": st.column_config.NumberColumn(format="localized"),
            "Parameters": st.column_config.NumberColumn(format="localized"),
        },
        alt="The compared runs with their test accuracies.",
    )


def comparable(record: RunRecord) -> bool:
    """Whether the run has ended and was evaluated on its test images."""
    return record.status in USABLE and record.test_accuracy is not None


def why_not(a: ComparedRun, b: ComparedRun) -> str:
    """Why two runs cannot be compared image by image; empty where they can."""
    if a.rows is not None and b.rows is not None:
        return ""
    if a.record.dataset != b.record.dataset:
        return (
            f"{a.name} was tested on {dataset_title(a.record.dataset)} and {b.name} on "
            f"{dataset_title(b.record.dataset)}: they have no test image in common."
        )
    if not a.record.split.same_images(b.record.split, "test") or not same_labels(
        a.result, b.result
    ):
        return (
            f"{a.name} and {b.name} were tested on different versions of "
            f"{dataset_title(a.record.dataset)}: their images or labels differ."
        )
    return ""


def warn_of_differences(runs: Sequence[ComparedRun]) -> None:
    """Warn if the runs were trained or tested on different data."""
    if all(run.rows is not None for run in runs):
        st.info(_explain_versions(runs), icon=":material/difference:")
        return
    datasets = sorted(plain(dataset_title(name)) for name in {run.record.dataset for run in runs})
    if len(datasets) > 1:
        st.warning(
            f"These runs were trained and tested on different datasets ({', '.join(datasets)}). "
            "Their accuracies cannot be compared: a higher one does not mean a better network. "
            "Some parts of this page need runs on one dataset.",
            icon=":material/warning:",
        )
    elif any(why_not(runs[0], run) for run in runs[1:]):
        st.warning(
            f"These runs were tested on different versions of {datasets[0]}, so their accuracies "
            "were measured on different images.",
            icon=":material/warning:",
        )
    first, *rest = (run.record.split for run in runs)
    if len(datasets) == 1 and not all(first.same_images(split, "val") for split in rest):
        st.caption(
            "The validation images of these runs differ, so the choice of images is part of the "
            "difference between validation accuracies. The test images are the same."
        )


def _explain_versions(runs: Sequence[ComparedRun]) -> str:
    """On which images runs on versions of a dataset were judged, and by which labels."""
    judged = f"{runs[0].result.n:,} test images"
    tested = [cached.evaluation(run.run, "test") for run in runs]
    if all(run.result is own for run, own in zip(runs, tested, strict=True)):
        return (
            "These runs learnt from different versions of one dataset. Its test part was not "
            f"changed: all are judged on the same {judged}."
        )
    latest = [r for r, own in zip(runs, tested, strict=True) if r.result is own]
    whose = "of the latest; an image on which two latest versions disagree is left out"
    if latest:
        whose = f"of {plain(dataset_title(latest[0].record.dataset))}"
    return (
        "These runs learnt from different versions of one dataset, **and its test part was "
        f"changed, too**. All are judged on the {judged} that every version has, by the labels "
        f"{whose}. Elsewhere each run is judged on its own test part."
    )


def _without_autoencoders(ids: Sequence[str]) -> list[str]:
    """The ids that are none of autoencoders' runs; the others are told why they are left out."""
    names = {run.id: run_title(run.record) for run in list_runs(limit=COMPARED) if run.id in ids
             and run.task == "reconstruct"}  # fmt: skip
    if names:
        st.info(
            f"{plain(', '.join(list(names.values())[:3]))}: an autoencoder has no accuracy, so it "
            "is not compared here. Its error is on the Results page.",
            icon=":material/info:",
        )
    return [run_id for run_id in ids if run_id not in names]


def _ids_from_url(runs: Sequence[Run], suggested: list[str]) -> list[str]:
    """Ids to compare: those in the URL that exist, at most `MOST`, or the suggested ones."""
    text = url.get("runs")
    known = {run.id for run in runs}
    if text is None:
        return suggested
    requested = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [part for part in requested if part not in known]
    unknown = _without_autoencoders(unknown) if unknown else []
    if unknown:
        listed = ", ".join(f"“{plain(part[:60])}”" for part in unknown[:3])
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        st.warning(
            f"There is no run with results named {listed}{more}. Comparing the other runs.",
            icon=":material/search_off:",
        )
    existing = [part for part in requested if part in known]
    if len(existing) > MOST:
        st.warning(
            f"{len(existing)} runs are chosen; the first {MOST} are compared.",
            icon=":material/info:",
        )
    return existing[:MOST]


def _show_table(runs: Sequence[Run], chosen_ids: Sequence[str]) -> None:
    st.caption(f"Select 2 to {MOST}. Click a column header to sort.")
    records = [run.record for run in find_runs(runs)]
    all_columns = url.switch("All columns", param="columns")
    ids = [record.id for record in records]
    # Rows are selected by number, so a table with other rows needs another key.
    key = f"runs-table:{zlib.crc32(','.join(ids).encode()):x}"
    selected = [i for i, run_id in enumerate(ids) if run_id in chosen_ids]
    st.dataframe(
        _table(records),
        key=key,
        hide_index=True,
        height="auto" if len(ids) <= ROWS_SHOWN else 36 * (ROWS_SHOWN + 1),
        on_select=lambda: _select_rows(key, ids, chosen_ids),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": selected}},
        column_order=None if all_columns else FIRST_COLUMNS,
        column_config=_column_config(),
        placeholder="–",
        alt="Runs with results; select those to compare.",
    )
    hidden = len(set(chosen_ids) - set(ids))
    if hidden:
        st.caption(f"The search hides {hidden} of the chosen runs.")


def update_choice(
    selected: Sequence[str], listed: Sequence[str], chosen: Sequence[str]
) -> list[str]:
    """The chosen ids after `selected` of the `listed` ones: in order, with those not listed."""
    remaining = [run_id for run_id in chosen if run_id in selected or run_id not in listed]
    return remaining + [run_id for run_id in selected if run_id not in remaining]


def _select_rows(key: str, ids: Sequence[str], chosen_ids: Sequence[str]) -> None:
    rows = st.session_state[key].selection.rows
    selected = [ids[row] for row in rows if row < len(ids)]
    url.put("runs", ",".join(update_choice(selected, ids, chosen_ids)))


def _table(records: Sequence[RunRecord]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "Run": [run_title(record) for record in records],
            "Test": [hundred(record.test_accuracy) for record in records],
            "Validation": [hundred(record.val_accuracy) for record in records],
            "Parameters": [record.parameters for record in records],
            "Seconds": [record.train_seconds for record in records],
            "Seed": [record.seed for record in records],
            "Model": [model_title(record.model) for record in records],
            "Dataset": [dataset_title(record.dataset) for record in records],
            "Status": [
                "bundled" if record.bundled else STATUS_WORDS[record.status] for record in records
            ],
            "Date": pd.to_datetime([record.created for record in records], unit="s", utc=True),
            "Tags": [record.tags for record in records],
            "Note": [record.note for record in records],
            "Id": [record.id for record in records],
        }
    )


def _column_config() -> dict[str, object]:
    share = st.column_config.NumberColumn(format="%.2f %%", help="Accuracy")
    return {
        "Test": st.column_config.NumberColumn(format="%.2f %%", help="Accuracy", pinned=True),
        "Validation": share,
        "Parameters": st.column_config.NumberColumn(format="localized"),
        "Seconds": st.column_config.NumberColumn(format="%.1f", help="Training time"),
        "Seed": st.column_config.NumberColumn(format="%d"),
        "Tags": st.column_config.ListColumn(),
        "Date": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
    }


def _open(runs: Sequence[Run]) -> list[ComparedRun]:
    """The runs with their results; a run whose files are gone is reported and left out."""
    results = {}
    for run in runs:
        try:
            results[run.id] = cached.evaluation(run, "test")
        except DigitlabError as e:
            page.show_error(f"Left out: {e}", st.warning, ":material/broken_image:")
    runs = [run for run in runs if run.id in results]
    names = run_names([run.record for run in runs])
    judged = [results[run.id] for run in runs]
    shared = None
    if len({run.record.data.fingerprint for run in runs}) > 1:
        shared = share_test([run.record for run in runs], judged)
    if shared:
        judged = judge_together(shared, judged)
    rows = shared.rows if shared else [None] * len(runs)
    return list(starmap(ComparedRun, zip(runs, names, judged, rows, strict=True)))
