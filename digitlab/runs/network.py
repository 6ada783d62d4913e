"""The network of a run: built from its spec with the weights it ended with, or joined of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.errors import RunError
from digitlab.runs import checkpoints
from digitlab.runs.record import RunRecord

if TYPE_CHECKING:
    import torch

    from digitlab.models.spec import ModelSpec


def load_network(record: RunRecord, spec: ModelSpec) -> torch.nn.Module:
    """The trained network in evaluation mode, on the CPU.

    Raises RunError where there are no weights (yet) or they do not fit the architecture, and, for
    an ensemble, where a member is gone.
    """
    if record.members:
        from digitlab.execution.ensemble import join_networks

        return join_networks(record)
    if record.active and not checkpoints.has_weights(record.id):
        raise RunError(
            f"Run {record.id} is {record.status} and has no weights yet: wait a moment.",
            run_id=record.id,
        )
    from digitlab.models.build import build

    weights = checkpoints.read_weights(record.id)
    model = build(spec)
    try:
        model.load_state_dict(weights)
    except RuntimeError as e:
        raise RunError(
            f"Run {record.id} cannot be opened: its weights do not fit its architecture. "
            "Train it again.",
            run_id=record.id,
        ) from e
    return model.eval()
