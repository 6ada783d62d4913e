"""Configurations: the same experiment, trained with other seeds."""

from __future__ import annotations

from collections.abc import Sequence

from digitlab.errors import DigitlabError
from digitlab.runs.record import RunRecord


def same_configuration(a: RunRecord, b: RunRecord) -> bool:
    """Whether two runs carry out the same experiment but for their seed; of ensembles, whether
    the same members answer in the same way.
    """
    alike = (
        a.model == b.model or a.parameters == b.parameters
    )  # quick to ask, before specs are read
    if not alike or (a.dataset, a.members, a.data.how) != (b.dataset, b.members, b.data.how):
        return False
    try:
        return a.experiment.same_but_seed(b.experiment)
    except DigitlabError:  # of a version whose architectures or recipes were others
        return False


def one_per_seed(records: Sequence[RunRecord]) -> list[RunRecord]:
    """The newest finished run of each seed, by seed: the same seed twice is not two samples."""
    finished = [record for record in records if record.status == "finished"]
    newest = {record.seed: record for record in sorted(finished, key=lambda run: run.created)}
    return [newest[seed] for seed in sorted(newest)]
