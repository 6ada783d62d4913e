"""Finding runs in a long list: words, and what they must be."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from digitlab.runs.record import RunRecord
from digitlab.runs.run import Run
from digitlab.ui.labels import STATUS_WORDS

KINDS = ("Dataset", "Model", "Status", "Tag")


def find_runs(runs: Sequence[Run]) -> list[Run]:
    """The runs that fit what the visitor asks for; remembered for this visit."""
    left, right = st.columns([5, 2], vertical_alignment="bottom")
    text = left.text_input(
        "Find runs",
        key="find-runs",
        placeholder="name, model, dataset, status, tag, note …",
        persist_state="session",
        icon=":material/search:",
    )
    records = [run.record for run in runs]
    with right.popover("Filter", icon=":material/filter_alt:", width="stretch"):
        wanted = {
            label: st.multiselect(
                label, _options(records, label), key=f"filter-{label}", persist_state="session"
            )
            for label in KINDS
        }
        least = st.number_input(
            "Test accuracy at least (%)",
            0.0,
            100.0,
            0.0,
            1.0,
            key="filter-least",
            persist_state="session",
        )
    return [
        run
        for run in runs
        if matches(run.record, text)
        and all(
            not asked or set(asked) & values(run.record, kind) for kind, asked in wanted.items()
        )
        and 100 * (run.record.test_accuracy or 0.0) >= least
    ]


def _options(records: Sequence[RunRecord], label: str) -> list[str]:
    return sorted({value for record in records for value in values(record, label)})


def values(record: RunRecord, label: str) -> set[str]:
    """What a run is, of one of KINDS."""
    if label == "Tag":
        return set(record.tags)
    if label == "Status":
        return {"bundled" if record.bundled else STATUS_WORDS[record.status]}
    return {record.model if label == "Model" else record.dataset}


def matches(record: RunRecord, text: str) -> bool:
    """Whether each word of the text is somewhere in the run's own words."""
    own = f"{record.id} {record.name} {record.model} {record.dataset} {STATUS_WORDS[record.status]}"
    own += f" {' '.join(record.tags)} {record.note}" + (" bundled" if record.bundled else "")
    return all(word in own.lower() for word in text.lower().split())
