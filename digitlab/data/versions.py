"""Where a version's test images come from: its parent, the parent's parent, and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from digitlab.data import own
from digitlab.errors import DatasetError

if TYPE_CHECKING:
    from digitlab.data.own import Facts


class Ancestor(NamedTuple):
    """A dataset by its fingerprint, and where a version's test images are in its test part.

    `rows` int64 [N] are ascending: one for each test image of the version.
    """

    fingerprint: str
    rows: np.ndarray


def list_ancestors(name: str, fingerprint: str, test_size: int) -> list[Ancestor]:
    """The dataset itself, its parent, and so on, as far as this machine knows them."""
    ancestors = [Ancestor(fingerprint, np.arange(test_size))]
    facts, seen = _facts(name, fingerprint), {fingerprint}
    while facts and facts.parent and facts.parent.fingerprint not in seen:
        seen.add(facts.parent.fingerprint)  # a change that is taken back leads to it again
        dropped = [c.index for c in facts.changes if c.split == "test" and c.label is None]
        positions = np.setdiff1d(np.arange(facts.test_size + len(set(dropped))), dropped)
        rows = positions[ancestors[-1].rows]
        ancestors.append(Ancestor(facts.parent.fingerprint, rows))
        facts = _facts(facts.parent.name, facts.parent.fingerprint)
    return ancestors


def _facts(name: str, fingerprint: str) -> Facts | None:
    """What is known of an own dataset that still is the one of this fingerprint."""
    try:
        present = own.find_own(name)
        facts = own.read_facts(present) if present else None
    except DatasetError:
        return None
    return facts if facts and facts.fingerprint == fingerprint else None
