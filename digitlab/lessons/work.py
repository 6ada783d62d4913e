"""What the learner has made: the runs, drawings and corrections that checks look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from digitlab import owners
from digitlab.data import collections, own
from digitlab.errors import DigitlabError
from digitlab.runs.run import Run, list_runs

MOST_RUNS = 200  # the newest, that checks look at


@dataclass(frozen=True)
class KeptDrawings:
    """A collection's name, how many drawings it has and how many a network had read rightly."""

    name: str
    count: int
    read: int


@dataclass(frozen=True)
class Work:
    """The learner's work as it stands now, read when it is asked for; and how many predictions
    they made, answers to the lesson's questions.
    """

    predictions: int = 0

    @cached_property
    def _own(self) -> list[Run]:
        mine = owners.new_owner()
        runs = list_runs(bundled=False, limit=MOST_RUNS)
        return [run for run in runs if run.record.owner == mine and not run.record.claimed]

    @property
    def runs(self) -> list[Run]:
        """Their own runs that have ended, the newest first."""
        return [run for run in self._own if not run.record.active]

    @property
    def training(self) -> int:
        """How many of their runs train or wait, and count when they have ended."""
        return sum(run.record.active for run in self._own)

    @cached_property
    def drawings(self) -> list[KeptDrawings]:
        """Their collections of drawings."""
        summaries = []
        for name in collections.list_collections():
            try:
                drawings = collections.read_drawings(name)
            except DigitlabError:  # damaged, or just removed
                continue
            right = sum(drawing.read == drawing.label for drawing in drawings)
            summaries.append(KeptDrawings(name, len(drawings), right))
        return summaries

    @cached_property
    def corrections(self) -> Mapping[str, int]:
        """Versions of their own datasets → how many labels were changed in them."""
        counts = {}
        for info in own.list_own():
            try:
                changes = own.read_facts(info.name).changes
            except DigitlabError:
                continue
            if changes:
                counts[info.name] = sum(change.label is not None for change in changes)
        return counts
