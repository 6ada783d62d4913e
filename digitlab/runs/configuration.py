"""Families of runs: the same configuration, trained with other seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from digitlab.runs.record import RunRecord

_BY_RUN = ("seed", "device", "test_curve")  # which change nothing of what is being tried
_DATA = ("fingerprint", "val_fraction", "split_seed", "members", "how")


def configuration(record: RunRecord) -> str:
    """Equal for runs that differ in their seed, their device and what they watch only."""
    config = {name: value for name, value in record.config.items() if name not in _BY_RUN}
    spec = {name: value for name, value in record.spec.items() if name != "name"}
    data = {name: record.data.get(name) for name in _DATA}
    return plain([record.dataset, data, spec, config])


def one_per_seed(records: Sequence[RunRecord]) -> list[RunRecord]:
    """The newest finished run of each seed, by seed: the same seed twice is not two samples."""
    finished = [record for record in records if record.status == "finished"]
    newest = {record.seed: record for record in sorted(finished, key=lambda one: one.created)}
    return [newest[seed] for seed in sorted(newest)]


def plain(value: Any) -> str:
    """Plain values as a text that is equal where they are."""
    return json.dumps(value, sort_keys=True)
