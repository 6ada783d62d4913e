"""Fitting the tensors of a state dict to an architecture's: by name, then by shape and order.

This module knows names and shapes only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from digitlab.models.placement import Shape, written

How = Literal["name", "similar name", "order", "missing", "unused", "other shape"]
FITS: tuple[How, ...] = ("name", "similar name", "order")
# What programs put around a network, which is not a part of its names.
_WRAPPERS = ("module", "_orig_mod")
_COUNTER = "num_batches_tracked"  # of batch normalisation: old files lack it, and nothing reads it


@dataclass(frozen=True)
class FitRow:
    """A tensor of the network (`key`, `shape`) and the one in the file that fits it (`source`…).

    What is missing in the file has no `source`, what the network has no use for no `key`.
    """

    key: str
    shape: Shape | None
    source: str
    source_shape: Shape | None
    how: How

    @property
    def fits(self) -> bool:
        return self.how in FITS


@dataclass(frozen=True)
class Fit:
    """How the tensors of a file fit a network, the network's first and in its order."""

    rows: tuple[FitRow, ...]

    @property
    def whole(self) -> bool:
        """Whether every tensor of both sides has its partner."""
        return all(row.fits for row in self.rows)

    @property
    def sources(self) -> dict[str, str]:
        """For the keys of the network that have one, the file's key."""
        return {row.key: row.source for row in self.rows if row.fits}

    def describe(self) -> str:
        """How many fit and by what, and the first few that do not."""
        counts = {how: sum(row.how == how for row in self.rows) for how in FITS}
        by = ", ".join(f"{n} by {how}" for how, n in counts.items() if n)
        wrong = [row for row in self.rows if not row.fits]
        text = f"{sum(counts.values())} of {len(self.rows)} tensors fit" + (
            f" ({by})" if by else ""
        )
        named = "; ".join(map(_complaint, wrong[:3]))
        named = "The" + named[3:] if named.startswith("the ") else named
        more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return f"{text}. {named}{more}." if wrong else f"{text}."


def _complaint(row: FitRow) -> str:
    if row.how == "missing":
        return f"the file has nothing for {row.key} ({written(row.shape or ())})"
    if row.how == "unused":
        return f"the network has no {row.source} ({written(row.source_shape or ())})"
    theirs = written(row.source_shape or ())
    return f"{row.key} is {written(row.shape or ())} but {theirs} in the file"


def match(expected: Mapping[str, Shape], available: Mapping[str, Shape]) -> Fit:
    """The fit of the file's tensors `available` to the network's `expected`, both in order."""
    names = _unwrapped(expected, available)
    pairs: dict[str, tuple[str, How]] = {}
    by_name = {name: key for key, name in names.items()}
    for key, shape in expected.items():
        if key in by_name and available[by_name[key]] == shape:
            pairs[key] = (by_name[key], "name")
    _pair_similar(expected, available, names, pairs)
    _pair_modules(expected, available, names, pairs)
    _pair_tensors(expected, available, pairs)
    return Fit(tuple(_rows(expected, available, by_name, pairs)))


def _unwrapped(expected: Mapping[str, Shape], available: Mapping[str, Shape]) -> dict[str, str]:
    """The file's keys without the wrappers' names and without the front that hides the network.

    Of all fronts ("model.", "net.encoder.") the one without which the most names fit.
    """
    names = {key: ".".join(p for p in key.split(".") if p not in _WRAPPERS) for key in available}
    if len(set(names.values())) < len(names):
        names = {key: key for key in available}
    fronts = {""}
    for name in list(names.values())[:2_000]:
        steps = name.split(".")[:-1]
        fronts |= {".".join(steps[:n]) + "." for n in range(1, min(len(steps), 4) + 1)}

    def hits(front: str) -> int:
        cut = ((name.removeprefix(front), key) for key, name in names.items()
               if name.startswith(front))  # fmt: skip
        return sum(expected.get(name) == available[key] for name, key in cut)

    best = max(sorted(fronts, key=len), key=hits)
    return {
        key: name.removeprefix(best) for key, name in names.items() if name.startswith(best)
    } | {key: name for key, name in names.items() if not name.startswith(best)}


def _left(keys: Iterable[str], taken: Iterable[str]) -> list[str]:
    taken = set(taken)
    return [key for key in keys if key not in taken]


def _pair_similar(
    expected: Mapping[str, Shape],
    available: Mapping[str, Shape],
    names: Mapping[str, str],
    pairs: dict[str, tuple[str, How]],
) -> None:
    """Pair names of which one has all the parts of the other, in their order, and no rival does:
    "rnn.weight_ih_l0" and "rnn.network.weight_ih_l0"."""
    free = _left(available, (source for source, _ in pairs.values()))
    rivals: dict[str, list[str]] = defaultdict(list)
    by_leaf: dict[tuple[str, Shape], list[str]] = defaultdict(list)
    for source in free:
        by_leaf[names[source].rpartition(".")[2], available[source]].append(source)
    for key in _left(expected, pairs):
        for source in by_leaf[key.rpartition(".")[2], expected[key]]:
            if _contains(key, names[source]):
                rivals[key].append(source)
    claimed = [source for sources in rivals.values() for source in sources]
    for key, sources in rivals.items():
        if len(sources) == 1 and claimed.count(sources[0]) == 1:
            pairs[key] = (sources[0], "similar name")


def _contains(first: str, second: str) -> bool:
    short, long = sorted((first.split("."), second.split(".")), key=len)
    steps = iter(long)
    # a name of one part, such as "weight", says nothing: it is paired by order
    return len(short) > 1 and all(part in steps for part in short)


def _pair_modules(
    expected: Mapping[str, Shape],
    available: Mapping[str, Shape],
    names: Mapping[str, str],
    pairs: dict[str, tuple[str, How]],
) -> None:
    """Pair whole layers whose tensors have the same names and shapes, each kind in its order."""
    free = _left(available, (source for source, _ in pairs.values()))
    ours = _by_module({key: key for key in _left(expected, pairs)}, expected)
    theirs = _by_module({key: names[key] for key in free}, available)
    queues: dict[frozenset, list[dict[str, str]]] = defaultdict(list)
    for signature, tensors in theirs:
        queues[signature].append(tensors)
    for signature, tensors in ours:
        if queues[signature]:
            sources = queues[signature].pop(0)
            for leaf, key in tensors.items():
                if leaf in sources:
                    pairs[key] = (sources[leaf], "order")


def _by_module(
    names: Mapping[str, str], shapes: Mapping[str, Shape]
) -> list[tuple[frozenset, dict[str, str]]]:
    modules: dict[str, dict[str, str]] = defaultdict(dict)
    for key, name in names.items():
        front, _, leaf = name.rpartition(".")
        modules[front][leaf] = key
    return [
        (
            frozenset((leaf, shapes[key]) for leaf, key in tensors.items() if leaf != _COUNTER),
            tensors,
        )
        for tensors in modules.values()
    ]


def _pair_tensors(
    expected: Mapping[str, Shape], available: Mapping[str, Shape], pairs: dict[str, tuple[str, How]]
) -> None:
    """Pair what is left by shape alone, each shape in its order, where both have as many."""
    free = _left(available, (source for source, _ in pairs.values()))
    ours, theirs = defaultdict(list), defaultdict(list)
    for key in _left(expected, pairs):
        ours[expected[key]].append(key)
    for key in free:
        theirs[available[key]].append(key)
    for shape, keys in ours.items():
        if shape and len(keys) == len(theirs[shape]):
            for key, source in zip(keys, theirs[shape], strict=True):
                pairs[key] = (source, "order")


def _rows(
    expected: Mapping[str, Shape],
    available: Mapping[str, Shape],
    by_name: Mapping[str, str],
    pairs: Mapping[str, tuple[str, How]],
) -> Iterable[FitRow]:
    used = {source for source, _ in pairs.values()}
    for key, shape in expected.items():
        source, how = pairs.get(key, ("", "missing"))
        if how == "missing":
            if key.endswith(_COUNTER):
                continue
            same_name = by_name.get(key, "")
            if same_name and same_name not in used:
                source, how = same_name, "other shape"
                used.add(same_name)
        yield FitRow(key, shape, source, available.get(source), how)
    for source, shape in available.items():
        if source not in used and not source.endswith(_COUNTER):
            yield FitRow("", None, source, shape, "unused")
