"""Choosing the runs to compare, from a table that sorts and searches; what cannot be compared."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.runs.record import RunRecord
from digitlab.runs.run import Run, list_runs
from digitlab.ui import cached, page, url
from digitlab.ui.compare.run_filter import find_runs
from digitlab.ui.labels import STATUS_WORDS
from digitlab.ui.run_picker import COMPARED, USABLE, run_names
from digitlab.words import hundred

if TYPE_CHECKING:
    import pandas as pd

    from digitlab.evaluation.metrics import Evaluation

MOST = 20
AT_FIRST = 4  # runs shown to a visitor who has not chosen yet
ROWS_SHOWN = 8


@dataclass(frozen=True)
class Chosen:
    """A run to compare, the name that tells it from the others, and what it did on test."""

    run: Run
    name: str
    result: Evaluation

    @property
    def record(self) -> RunRecord:
        return self.run.record


def choose_runs() -> list[Chosen]:
    """The runs chosen in the URL or by the visitor; fewer than two where the page must wait."""
    runs = [run for run in list_runs(limit=COMPARED) if comparable(run.record)]
    if len(runs) < 2:
        few = "Only one run has results" if runs else "There is no run with results"
        page.missing(f"{few} so far; it takes two.", page.TRAIN, "Train another network")
        return []
    chosen = _from_url(runs)
    if chosen:
        url.put("runs", ",".join(chosen))  # a page opened without a choice can be shared, too
    _show_table(runs, chosen)
    found = _opened([run for run_id in chosen for run in runs if run.id == run_id])
    if len(found) < 2:
        st.info(f"Tick 2 to {MOST} runs in the table to compare them.", icon=":material/checklist:")
    return found


def comparable(record: RunRecord) -> bool:
    """Whether the run has ended and was measured on its test images."""
    return record.status in USABLE and record.test_accuracy is not None


def why_not(a: Chosen, b: Chosen) -> str:
    """Why two runs cannot be compared image by image; empty where they can."""
    from digitlab.evaluation.comparison import same_labels

    if a.record.dataset != b.record.dataset:
        return (
            f"{a.name} was tested on {a.record.dataset} and {b.name} on {b.record.dataset}: "
            "they have no test image in common."
        )
    if not a.record.split.same_images(b.record.split, "test") or not same_labels(
        a.result, b.result
    ):
        return (
            f"{a.name} and {b.name} were tested on different versions of {a.record.dataset}: "
            "their images or labels are not the same."
        )
    return ""


def warn_of_differences(chosen: Sequence[Chosen]) -> None:
    """Say what the figures below must not be read as where the runs saw different data."""
    datasets = sorted({one.record.dataset for one in chosen})
    if len(datasets) > 1:
        st.warning(
            f"These runs were trained and tested on different datasets ({', '.join(datasets)}). "
            "Their accuracies answer different questions: one is not better because it is "
            "higher. Runs on one dataset can be compared in every part of this page.",
            icon=":material/warning:",
        )
    elif any(why_not(chosen[0], other) for other in chosen[1:]):
        st.warning(
            f"These runs were tested on different versions of {datasets[0]}: their accuracies "
            "are not of the same images.",
            icon=":material/warning:",
        )
    first, *others = (run.record.split for run in chosen)
    if len(datasets) == 1 and not all(first.same_images(other, "val") for other in others):
        st.info(
            "Their validation images are not the same, so validation accuracies differ by the "
            "choice of images, too. The test images are shared.",
            icon=":material/info:",
        )


def _from_url(runs: Sequence[Run]) -> list[str]:
    """Ids to compare: those of the URL that exist, at most `MOST`, or the newest few."""
    text = url.get("runs")
    known = {run.id for run in runs}
    if text is None:
        return _newest(runs)
    asked = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [part for part in asked if part not in known]
    if unknown:
        listed = ", ".join(f"“{part[:60]}”" for part in unknown[:3])
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        st.warning(
            f"There is no run with results called {listed}{more} here; showing the others.",
            icon=":material/search_off:",
        )
    chosen = [part for part in asked if part in known]
    if len(chosen) > MOST:
        st.warning(
            f"{len(chosen)} runs are chosen; the first {MOST} are compared.", icon=":material/info:"
        )
    return chosen[:MOST]


def _newest(runs: Sequence[Run]) -> list[str]:
    """The newest few runs on one dataset; two of any where no dataset has two."""
    for dataset in dict.fromkeys(run.record.dataset for run in runs):
        found = [run.id for run in runs if run.record.dataset == dataset]
        if len(found) > 1:
            return found[:AT_FIRST]
    return [run.id for run in runs[:2]]


def _show_table(runs: Sequence[Run], chosen: Sequence[str]) -> None:
    shown = [run.record for run in find_runs(runs)]
    ids = [record.id for record in shown]
    # Rows are known by their number: another list of rows is another table.
    key = f"runs-table:{zlib.crc32(','.join(ids).encode()):x}"
    ticked = [i for i, run_id in enumerate(ids) if run_id in chosen]
    st.dataframe(
        _table(shown),
        key=key,
        hide_index=True,
        height="auto" if len(ids) <= ROWS_SHOWN else 36 * (ROWS_SHOWN + 1),
        on_select=lambda: _take_rows(key, ids, chosen),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": ticked}},
        column_config=_column_config(),
        placeholder="–",
        alt="Runs with results; tick those to compare.",
    )
    hidden = len(set(chosen) - set(ids))
    if hidden:
        st.caption(f"{hidden} of the chosen runs are not among those found.")


def after_ticking(ticked: Sequence[str], shown: Sequence[str], chosen: Sequence[str]) -> list[str]:
    """Ids chosen once `ticked` of those `shown` are: order kept, what is hidden stays."""
    kept = [run_id for run_id in chosen if run_id in ticked or run_id not in shown]
    return kept + [run_id for run_id in ticked if run_id not in kept]


def _take_rows(key: str, ids: Sequence[str], chosen: Sequence[str]) -> None:
    rows = st.session_state[key].selection.rows
    ticked = [ids[row] for row in rows if row < len(ids)]
    url.put("runs", ",".join(after_ticking(ticked, ids, chosen)))


def _table(records: Sequence[RunRecord]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "Run": [record.name for record in records],
            "Test": [hundred(record.test_accuracy) for record in records],
            "Validation": [hundred(record.val_accuracy) for record in records],
            "Parameters": [record.parameters for record in records],
            "Seconds": [record.train_seconds for record in records],
            "Seed": [record.seed for record in records],
            "Model": [record.model for record in records],
            "Dataset": [record.dataset for record in records],
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
        "Test": share,
        "Validation": share,
        "Parameters": st.column_config.NumberColumn(format="localized"),
        "Seconds": st.column_config.NumberColumn(format="%.1f", help="of training"),
        "Seed": st.column_config.NumberColumn(format="%d"),
        "Tags": st.column_config.ListColumn(),
        "Date": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
    }


def _opened(runs: Sequence[Run]) -> list[Chosen]:
    """The runs with their results; one whose files are gone is said so and left out."""
    results = {}
    for run in runs:
        try:
            results[run.id] = cached.evaluation(run, "test")
        except DigitlabError as e:
            st.warning(f"Left out: {e}", icon=":material/broken_image:")
    found = [run for run in runs if run.id in results]
    names = run_names([run.record for run in found])
    return [Chosen(run, name, results[run.id]) for run, name in zip(found, names, strict=True)]
