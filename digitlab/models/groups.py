"""Groups: layers of a graph whose names begin alike, as parts of a network that stand together.

`layer1.0.conv1`, `layer1.0.bn1` … are the group `layer1.0` inside the group `layer1`. Layers
without a name belong to the group that they stand in; the join at the end of a shortcut belongs to
the group that it goes around. This module does not import torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from digitlab.models.graph import Reads

_BEFORE, _AFTER = 2, 5  # layers without a name that may belong to a group on its sides
_PLAIN = ("Dropout", "MaxPool", "AvgPool", "Adaptive", "Flatten", "Identity", "Upsample", "ZeroPad")
# What follows a join and is drawn or written with it.
_ACTIVATIONS = ("ReLU", "ReLU6", "LeakyReLU", "PReLU", "ELU", "SELU", "GELU", "SiLU", "Mish",
                "Hardswish", "Tanh", "Sigmoid", "Softplus")  # fmt: skip


@dataclass(frozen=True)
class Group:
    """The layers `start` to `stop` (not included) of a list, whose names begin with `name` and a
    dot where they have one; `groups` are those inside."""

    name: str
    start: int
    stop: int
    groups: tuple[Group, ...] = ()

    def walk(self) -> Iterator[Group]:
        """The group itself and all inside it."""
        yield self
        for group in self.groups:
            yield from group.walk()


def find_groups(names: Sequence[str], types: Sequence[str], reads: Reads) -> tuple[Group, ...]:
    """The outermost groups of a list of layers with these names, types and reads, in order.

    Names that other layers stand between make no group.
    """
    spans: dict[str, tuple[int, int]] = {}
    fronts = {front for name in names for front in _fronts(name)}
    readers = _readers(reads)
    for front in sorted(fronts, key=lambda front: (-front.count("."), front)):
        members = [i for i, name in enumerate(names) if name.startswith(f"{front}.")]
        inner = [span for name, span in spans.items() if name.startswith(f"{front}.")]
        start = min([*members, *(first for first, _ in inner)])
        stop = max([members[-1] + 1, *(last for _, last in inner)])
        if sum(map(bool, names[start:stop])) > len(members):
            continue
        start = _numbered_start(front, start, members[0], names, types, reads, readers)
        span = _extended(start, stop, names, types, reads, readers)
        if all(_apart(span, other) or _inside(other, span) for other in spans.values()):
            spans[front] = span
    return _nested(spans, "", 0, len(names))


def entrances(group: Group | range, reads: Reads) -> list[int]:
    """The values from outside that layers of a group read, each once, in the order of reading."""
    start, stop = group.start, group.stop
    return list(
        dict.fromkeys(read for i in range(start, stop) for read in reads[i] if read < start)
    )


def exits(group: Group | range, reads: Reads) -> list[int]:
    """The layers of a group that are read outside it, and the last of the whole list."""
    start, stop = group.start, group.stop
    outside = {read for i in range(stop, len(reads)) for read in reads[i]}
    outside |= {len(reads) - 1}
    return [i for i in range(start, stop) if i in outside]


def _fronts(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _readers(reads: Reads) -> dict[int, list[int]]:
    readers: dict[int, list[int]] = {}
    for index, sources in enumerate(reads):
        for source in sources:
            readers.setdefault(source, []).append(index)
    return readers


def _numbered_start(
    front: str,
    start: int,
    first: int,
    names: Sequence[str],
    types: Sequence[str],
    reads: Reads,
    readers: dict[int, list[int]],
) -> int:
    """Where a numbered group begins: `classifier.1` has one layer before it that needs no name."""
    number = names[first].removeprefix(f"{front}.").partition(".")[0]
    before = int(number) if number.isdigit() and len(number) < 3 else 0
    chain = range(start - before, start)
    fits = start >= before and all(
        not names[i]
        and types[i].startswith((*_ACTIVATIONS, *_PLAIN))
        and readers.get(i) == [i + 1]
        and reads[i + 1] == (i,)
        for i in chain
    )
    return start - before if fits else start


def _extended(
    start: int,
    stop: int,
    names: Sequence[str],
    types: Sequence[str],
    reads: Reads,
    readers: dict[int, list[int]],
) -> tuple[int, int]:
    """The span with the layers around it, up to a join of what it gives with what reaches it."""
    for first in range(start, max(start - _BEFORE, 0) - 1, -1):
        if first < start and names[first]:
            break
        for last in range(stop, min(stop + _AFTER, len(names))):
            if names[last]:
                break
            span = range(first, last + 1)
            enters, leaves = entrances(span, reads), exits(span, reads)
            sources = set(reads[last])
            own = [source for source in sources if source >= first]
            if len(sources) < 2 or not own or leaves != [last] or len(enters) > 1:
                continue
            if not all(read in (*enters, *span) for read in sources):
                continue
            after = readers.get(last, [])
            joined = after == [last + 1] and types[last + 1] in _ACTIVATIONS
            joined = joined and not names[last + 1]
            return first, last + 1 + joined
    return start, stop


def _apart(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return span[1] <= other[0] or other[1] <= span[0]


def _inside(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return other[0] <= span[0] and span[1] <= other[1]


def _nested(
    spans: dict[str, tuple[int, int]], front: str, start: int, stop: int
) -> tuple[Group, ...]:
    """The outermost of the spans under `front`, each with those inside it."""
    under = {
        name: span
        for name, span in spans.items()
        if name.startswith(f"{front}." if front else "") and _inside(span, (start, stop))
    }
    tops = [name for name in under if not any(front in under for front in _fronts(name))]
    return tuple(
        Group(name, *under[name], _nested(spans, name, *under[name]))
        for name in sorted(tops, key=lambda name: under[name])
    )
