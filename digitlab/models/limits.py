"""Limits: how large a network may be, held before memory is taken; DIGITLAB_MAX_… set them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.errors import SpecError
from digitlab.models.placement import Row
from digitlab.settings import read_settings
from digitlab.words import percent, size

if TYPE_CHECKING:
    from digitlab.models.summary import ModelSummary

BYTES_PER_PARAMETER = 16  # in training, as float32: weight, gradient and the two means of Adam


def training_bytes(summary: ModelSummary, batch_size: int = 1) -> int:
    """Memory that a training step takes, in bytes: weights, gradients and the optimizer's means,
    and what the layers give for a batch, kept for the way back.

    An estimate: it counts no workspace of torch's and no copy of the best weights.
    """
    return BYTES_PER_PARAMETER * summary.parameters + batch_size * summary.activation_bytes


def check_limits(summary: ModelSummary, batch_size: int | None = None) -> None:
    """Raise SpecError, naming the layer to begin with, for a network that is over a limit.

    DIGITLAB_MAX_PARAMETERS and DIGITLAB_MAX_MULTIPLY_ADDS (for one image, forward) always hold;
    DIGITLAB_MAX_MEMORY (`training_bytes`) where `batch_size` images are to be learnt from at once.
    """
    limits = read_settings()
    if summary.parameters > limits.max_parameters:
        raise _over(
            summary,
            "parameters",
            f"The network would have {summary.parameters:,} parameters",
            f"{limits.max_parameters:,} are allowed (DIGITLAB_MAX_PARAMETERS). Use fewer channels "
            f"or features.",
        )
    if summary.operations > limits.max_multiply_adds:
        raise _over(
            summary,
            "operations",
            f"The network would take {summary.operations:,} multiply-adds for one image",
            f"{limits.max_multiply_adds:,} are allowed (DIGITLAB_MAX_MULTIPLY_ADDS). Use fewer "
            f"channels, or shrink the image before it.",
        )
    needed = training_bytes(summary, batch_size) if batch_size else 0
    if needed > limits.max_memory:
        raise _over_memory(summary, batch_size or 1, needed, limits.max_memory)


def _over(summary: ModelSummary, measure: str, total: str, limit: str) -> SpecError:
    """The error for a sum over all rows of one `measure`, with the row of the largest share."""
    largest = max(summary.innermost, key=lambda row: getattr(row, measure))
    share = getattr(largest, measure) / getattr(summary, measure)
    return _about(
        f"{total}, {percent(share, 0)} of them in {_named(largest)}; at most {limit}", largest
    )


def _over_memory(summary: ModelSummary, batch_size: int, needed: int, limit: int) -> SpecError:
    largest = max(summary.innermost, key=lambda row: row.values)
    problem = (
        f"A training step on {batch_size:,} image{'s' * (batch_size > 1)} would take about "
        f"{size(needed, 2)} of memory, but at most {size(limit, 2)} are allowed "
        f"(DIGITLAB_MAX_MEMORY)."
    )
    room = limit - BYTES_PER_PARAMETER * summary.parameters
    fitting = room // max(summary.activation_bytes, 1)
    if 0 < fitting < batch_size:
        fix = f"Set the batch size to at most {fitting:,}, or shrink the image before"
    else:
        fix = "Use fewer channels or features, in particular in"
    return _about(f"{problem} {fix} {_named(largest)}.", largest)


def _about(message: str, row: Row) -> SpecError:
    layer = f"layer {row.path[0] + 1}, {row.label}" + (f" ({row.name})" if row.name else "")
    return SpecError(message, layer=layer, path=row.path, shape=row.input_shape)


def _named(row: Row) -> str:
    name = f"{row.name}: {row.label}" if row.name else row.label
    return f"{name} ({row.arguments})" if row.arguments else name
