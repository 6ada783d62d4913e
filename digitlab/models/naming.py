"""The name of an architecture that was made from a known one: never that of what it is no longer.

`two-hidden-64-relu` with a layer added is "two-hidden-64-relu with 1 change", until a person names
it. This module does not import torch.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence

from digitlab.errors import SpecError
from digitlab.models.layer import Layer
from digitlab.models.library import is_saved, load_saved
from digitlab.models.presets import presets_by_name
from digitlab.models.spec import MAX_NAME, ModelSpec
from digitlab.words import counted

_CHANGED = re.compile(r"(?P<name>.+?)(?: with [\d,]+ changes?)?")


def distinct_name(spec: ModelSpec, start: ModelSpec | None = None) -> ModelSpec:
    """`spec` under the name that it deserves.

    One named after a known architecture (`start`, a preset or a saved one) that differs from it is
    renamed to say how many changes were made; without a difference it has the known name. Any other
    name is a person's own, and stays.
    """
    name = _CHANGED.fullmatch(spec.name)["name"]
    known = start if start is not None and start.name == name else _known(name)
    if known is None:
        return spec
    changes = count_changes(known, spec)
    if not changes:
        return spec.renamed(name)
    suffix = f" with {counted(changes, 'change')}"
    return spec.renamed(name[: MAX_NAME - len(suffix)] + suffix)


def is_known(name: str) -> bool:
    """Whether a preset or a saved architecture has this name."""
    return name in presets_by_name() or is_saved(name)


def count_changes(before: ModelSpec, after: ModelSpec) -> int:
    """How many changes lead from one architecture to the other: layers changed, added, removed or
    moved, the input and the first weights. Names of architectures do not count, nor do names and
    sources that layers have by themselves because of another change."""
    changes = (before.input != after.input) + (before.init != after.init)
    if before.layers != after.layers:
        changes += max(1, _count_layers(_lines(before), _lines(after)))
    return changes


def _known(name: str) -> ModelSpec | None:
    if name in presets_by_name():
        return presets_by_name()[name].spec
    try:
        return load_saved(name) if is_saved(name) else None
    except SpecError:  # its file is no architecture any more
        return None


def _lines(spec: ModelSpec) -> list[Layer]:
    """The layers at any depth, blocks without those inside them."""
    return [layer.without_args("layers", "branches") for _, layer in spec.walk()]


def _count_layers(before: Sequence[Layer], after: Sequence[Layer]) -> int:
    bare = [[layer.named("").reading() for layer in layers] for layers in (before, after)]
    matcher = difflib.SequenceMatcher(None, *bare, autojunk=False)
    renamed = sum(
        _is_renamed(before[block.a + index], after[block.b + index])
        for block in matcher.get_matching_blocks()
        for index in range(block.size)
    )
    steps = [step for step in matcher.get_opcodes() if step[0] != "equal"]
    removed = [Counter(bare[0][first:last]) for _, first, last, _, _ in steps]
    added = [Counter(bare[1][first:last]) for _, _, _, first, last in steps]
    moved = sum(removed, Counter()) & sum(added, Counter())
    for counts in (removed, added):
        left = Counter(moved)
        for step in counts:
            here = step & left
            step -= here
            left -= here
    replaced = zip(removed, added, strict=True)
    return renamed + moved.total() + sum(max(old.total(), new.total()) for old, new in replaced)


def _is_renamed(before: Layer, after: Layer) -> bool:
    """Whether a person gave a layer another name: one that it got because another layer reads it
    begins with its type."""
    by_itself = not before.name and after.name.rpartition(".")[2].startswith(after.type.lower())
    return before.name != after.name and not by_itself
