"""Beginning a run with the weights of another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from digitlab.errors import RunError
from digitlab.models.classical.catalog import classical_kind
from digitlab.runs import checkpoints

if TYPE_CHECKING:
    import torch

    from digitlab.models.spec import ModelSpec
    from digitlab.runs.record import RunRecord


def check_initial_weights(run_id: str, spec: ModelSpec) -> None:
    """RunError unless a run of the architecture `spec` can begin with that run's weights."""
    from digitlab.runs.run import open_run

    start = open_run(run_id)
    if classical_kind(spec) is not None:
        raise RunError(
            f"{spec.name} is fitted at once and cannot begin with the weights of run {run_id}: "
            "choose a network.",
            run_id=run_id,
        )
    if start.record.members or start.spec.to_dict()["layers"] != spec.to_dict()["layers"]:
        raise RunError(
            f"Run {run_id} has another architecture than {spec.name}: a run can only begin with "
            "the weights of the same one.",
            run_id=run_id,
        )
    if not checkpoints.has_weights(run_id):
        raise RunError(f"Run {run_id} has no weights to begin with.", run_id=run_id)


def inherited_abstention(run_id: str, classes: Sequence[str]) -> dict[str, Any]:
    """What a run of these classes that begins with that run's weights takes over of its record.

    How the network says "no digit", and what its answers must reach: both hold for the weights,
    and stay so under the gentle training that follows. With other classes neither means anything.
    """
    from digitlab.runs.run import open_run

    start = open_run(run_id)
    if start.classes != tuple(classes):
        return {}
    data = start.record.data
    kept = {"no_digit": data.no_digit, "trust": data.trust}
    return {key: value for key, value in kept.items() if value}


def load_initial_weights(model: torch.nn.Module, record: RunRecord) -> None:
    """Give the network the weights that its run begins with, where it does not begin anew.

    Raises RunError where the other run was deleted or does not fit.
    """
    start = record.data.start_from
    if not start:
        return
    weights = checkpoints.read_weights(start)
    try:
        model.load_state_dict(weights)
    except RuntimeError as e:
        raise RunError(
            f"Run {record.id} cannot begin with the weights of run {start}: they do not fit.",
            run_id=record.id,
        ) from e
