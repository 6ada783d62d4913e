"""`ModelSummary`: the layers, shapes and cost of a spec; `contrast` compares two in sentences."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from digitlab.models.graph import REUSE
from digitlab.models.placement import Row, Shape
from digitlab.words import percent


@dataclass(frozen=True)
class ModelSummary:
    """What a spec would build, without building it.

    `rows` tell of every layer in order, those of a block after it and one `depth` deeper.
    `weight_bytes` is the size of the parameters as float32, `activations` the number of values all
    layers give for one image, `operations` the multiply-adds and comparisons. `notes` are advice.
    """

    name: str
    input_shape: Shape
    output_shape: Shape
    rows: tuple[Row, ...]
    parameters: int
    trainable: int
    operations: int
    activations: int
    notes: tuple[str, ...] = ()

    @property
    def innermost(self) -> tuple[Row, ...]:
        """The rows of layers that have no others inside, each repetition counted."""
        depths = [*(row.depth for row in self.rows[1:]), 0]
        pairs = zip(self.rows, depths, strict=True)
        return tuple(row for row, next_depth in pairs if next_depth <= row.depth)

    @property
    def gives_image(self) -> bool:
        """Whether it gives as many values as the image has: an autoencoder's output."""
        return self.output_shape in (self.input_shape, (math.prod(self.input_shape),))

    @property
    def weight_bytes(self) -> int:
        """Size of the parameters as float32."""
        return 4 * self.parameters

    @property
    def activation_bytes(self) -> int:
        """Memory that training keeps of the activations of one image, as float32."""
        return 4 * self.activations


def reads_in_words(rows: Sequence[Row]) -> tuple[str, ...]:
    """For each row what it reads, "b, a" or "input", where that is not the layer before it."""
    before: dict[str, str] = {}  # the row before, by the front of the keys of its list
    words = []
    for row in rows:
        front = row.key.removesuffix(row.name or row.key.rpartition(".")[2])
        usual = (before.get(front, ""),)
        # layers that a block adds, such as a shortcut's, stand one after the other
        is_usual = row.sources in (usual, ()) or isinstance(row.path[-1], str)
        named = ", ".join(key.removeprefix(front) or "input" for key in row.sources)
        words.append("" if is_usual else named)
        before[front] = row.key
    return tuple(words)


# ---- two of them compared ------------------------------------------------------------------------

_MEASURES = (
    ("parameters", "parameters"),
    ("operations", "multiply-adds for an image"),
    ("activations", "values to keep for an image"),
)


def contrast(first: ModelSummary, second: ModelSummary) -> tuple[str, ...]:
    """Sentences on how `first` differs from `second`: cost, depth, shapes, layers."""
    a, b = first.name, second.name
    if a == b:
        a, b = "The first", "the second"
    costs = [
        _ratio(getattr(first, field), getattr(second, field), noun) for field, noun in _MEASURES
    ]
    sentences = [f"{a} has {costs[0]}, {costs[1]} and {costs[2]}, compared with {b}."]
    sentences.append(_depths(first, second, a, b))
    if first.input_shape != second.input_shape:
        sentences.append("They take images of different sizes.")
    if first.output_shape != second.output_shape:
        sentences.append(
            "They have different numbers of outputs, so their outputs cannot be compared."
        )
    return tuple(sentences)


def _ratio(first: int, second: int, noun: str) -> str:
    if first == second:
        return f"as many {noun}"
    if not first or not second:
        return f"{first:,} {noun} instead of {second:,}"
    larger = first > second
    ratio = first / second if larger else second / first
    if ratio < 1.995:
        return f"{percent(abs(first / second - 1), 0)} {'more' if larger else 'fewer'} {noun}"
    times = f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}"
    return f"{times} times {'more' if larger else 'fewer'} {noun}"


def _depths(first: ModelSummary, second: ModelSummary, a: str, b: str) -> str:
    """How many layers have weights, and how many layers stand in both in the same order."""
    lines_a, lines_b = _lines(first), _lines(second)
    matcher = difflib.SequenceMatcher(None, lines_a, lines_b, autojunk=False)
    same = sum(block.size for block in matcher.get_matching_blocks())
    weighted = [sum(row.parameters > 0 for row in summary.innermost) for summary in (first, second)]
    counts = f"It has {_layers(weighted[0])} with weights and {b} has {weighted[1]}"
    if same == len(lines_a) == len(lines_b):
        return f"{counts}; all their layers are the same."
    return (
        f"{counts}; {same} of the {len(lines_a)} layers of {a} are also in {b}, in the same order."
    )


def _layers(count: int) -> str:
    return f"{count:,} layer{'s' * (count != 1)}"


def _lines(summary: ModelSummary) -> list[tuple[int, str, str, tuple[int, ...]]]:
    """Each layer as it is compared; what it reads is told by how far before it that stands."""
    places = {row.key: index for index, row in enumerate(summary.rows)}
    reads = reads_in_words(summary.rows)
    return [
        (
            row.depth,
            row.label,
            "" if row.label == REUSE else row.arguments,  # which is the name of a layer
            tuple(index - places.get(key, -1) for key in row.sources) if words else (),
        )
        for index, (row, words) in enumerate(zip(summary.rows, reads, strict=True))
    ]
