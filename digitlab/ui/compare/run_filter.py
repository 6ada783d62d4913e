"""Searching and filtering a long list of runs."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from digitlab.data.registry import dataset_title
from digitlab.runs.record import RunRecord
from digitlab.runs.run import Run
from digitlab.ui.labels import STATUS_WORDS, model_title, run_title

KINDS = ("Dataset", "Model", "Status", "Tag")


def find_runs(runs: Sequence[Run]) -> list[Run]:
    """The runs that match the visitor's search and filters, which are kept for this session."""
    left, right = st.columns([5, 2], vertical_alignment="bottom")
    text = left.text_input(
        "Search runs",
        key="find-runs",
        placeholder="name, model, dataset, status, tag, note …",
        persist_state="session",
        icon=":material/search:",
    )
    records = [run.record for run in runs]
    with right.popover("Filter", icon=":material/filter_alt:", width="stretch"):
        selected = {
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
            not options or set(options) & values(run.record, kind)
            for kind, options in selected.items()
        )
        and 100 * (run.record.test_accuracy or 0.0) >= least
    ]


def _options(records: Sequence[RunRecord], label: str) -> list[str]:
    return sorted({value for record in records for value in values(record, label)})


def values(record: RunRecord, label: str) -> set[str]:
    """The values of a run for one of KINDS."""
    if label == "Tag":
        return set(record.tags)
    if label == "Status":
        return {"bundled" if record.bundled else STATUS_WORDS[record.status]}
    return {model_title(record.model) if label == "Model" else dataset_title(record.dataset)}


def matches(record: RunRecord, text: str) -> bool:
    """Whether each word of the text occurs in the run's names, status, tags or note."""
    fields = [
        record.id,
        run_title(record),
        record.model,
        record.dataset,
        STATUS_WORDS[record.status],
    ]
    fields += [model_title(record.model), dataset_title(record.dataset), *record.tags, record.note]
    fields += ["bundled"] * record.bundled
    searched = " ".join(fields).lower()
    return all(word in searched for word in text.lower().split())
