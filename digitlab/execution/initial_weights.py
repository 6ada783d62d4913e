"""Starting a run from the weights of another one."""

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
    """RunError unless a run of the architecture `spec` can start from that run's weights."""
    from digitlab.runs.run import open_run

    start = open_run(run_id)
    if classical_kind(spec) is not None:
        raise RunError(
            f"{spec.name} is fitted by scikit-learn and cannot start from the weights of run "
            f"{run_id}: choose a network.",
            run_id=run_id,
        )
    if start.record.members or start.spec.to_dict()["layers"] != spec.to_dict()["layers"]:
        raise RunError(
            f"Run {run_id} has another architecture than {spec.name}: a run can only start from "
            "weights of the same architecture.",
            run_id=run_id,
        )
    if not checkpoints.has_weights(run_id):
        raise RunError(f"Run {run_id} has no weights to start from.", run_id=run_id)


def inherited_abstention(run_id: str, classes: Sequence[str]) -> dict[str, Any]:
    """The abstention settings that a run takes over from the run whose weights it starts from.

    How the network says "no digit", and the thresholds for its answers: both belong to the weights
    and stay valid in fine-tuning. With other classes they do not apply.
    """
    from digitlab.runs.run import open_run

    start = open_run(run_id)
    if start.classes != tuple(classes):
        return {}
    data = start.record.data
    settings = {"no_digit": data.no_digit, "trust": data.trust}
    return {key: value for key, value in settings.items() if value}


def inherited_normalization(run_id: str) -> dict[str, Any]:
    """The normalisation that weights from outside need, where a run starts from such weights.

    No recipe says it, so it is handed on to whatever is trained from them.
    """
    from digitlab.runs.run import open_run

    record = open_run(run_id).record
    foreign = record.trained_elsewhere or record.data.normalization
    return {"normalization": record.normalization} if foreign else {}


def load_initial_weights(model: torch.nn.Module, record: RunRecord) -> None:
    """Load the weights that the run starts from, if it starts from another run.

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
            f"Run {record.id} cannot start from the weights of run {start}: they do not fit.",
            run_id=record.id,
        ) from e
