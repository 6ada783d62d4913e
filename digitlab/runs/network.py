"""The network of a run: from its spec and weights, or, of an ensemble, from its members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab import owners
from digitlab.errors import RunError, RunNotFoundError
from digitlab.runs import checkpoints
from digitlab.runs.find import find_record
from digitlab.runs.record import RunRecord

if TYPE_CHECKING:
    import torch


def load_network(record: RunRecord) -> torch.nn.Module:
    """The trained network in evaluation mode, on the CPU; its outputs are logits [N, C].

    Raises RunError where there are no weights (yet) or they do not fit the architecture, and, for
    an ensemble, where a member is gone.
    """
    if record.members:
        return join_networks(record)
    if record.active and not checkpoints.has_weights(record.id):
        raise RunError(
            f"Run {record.id} is {record.status} and has no weights yet: wait a moment.",
            run_id=record.id,
        )
    from digitlab.models.build import build
    from digitlab.training.loss import give_answers, scoring_spec

    weights = checkpoints.read_weights(record.id)
    experiment = record.experiment
    model = build(scoring_spec(experiment.spec, experiment.config))
    try:
        model.load_state_dict(weights)
    except RuntimeError as e:
        raise RunError(
            f"Run {record.id} cannot be opened: its weights do not fit its architecture. "
            "Train it again.",
            run_id=record.id,
        ) from e
    return give_answers(model, experiment.config).eval()


def join_networks(record: RunRecord) -> torch.nn.Module:
    """One network of all members: pixels as 0…1, float32 [N, 1, H, W] → logits [N, C].

    RunError where a member was deleted or has no weights.
    """
    from digitlab.training.ensemble import Ensemble
    from digitlab.training.normalize import Normalization

    networks = []
    for member in record.members:
        try:
            with owners.acting_for(None):  # who may look at it, also looks at what it is made of
                part = find_record(member)
        except RunNotFoundError as e:
            raise RunError(
                f"{record.name} answers through its members, and the run {member} was deleted: its "
                "saved results still hold, but it can read no new image. Make the ensemble again.",
                run_id=record.id,
            ) from e
        networks.append((load_network(part), Normalization(**part.normalization)))
    return Ensemble(networks, record.data.how).eval()
