"""What the weights in a run's ZIP answer, where the data that they are measured on is here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from digitlab.data.load import load_dataset
from digitlab.errors import DatasetError
from digitlab.runs.record import RunRecord
from digitlab.runs.run import Run

if TYPE_CHECKING:
    import torch

MOST_WORK = 2e12  # multiply-adds: about a minute on one core
_NEAR = 0.05  # logits differ by less between machines and precisions


def measured_here(
    record: RunRecord, weights: Mapping[str, torch.Tensor] | None, saved: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor] | None:
    """Logits (or reconstruction errors) and labels of the held-out splits, by the weights.

    They are the `saved` ones where those are near, as what was measured where the run was made
    stays comparable. None where nothing can be measured: there are no weights, the dataset is not
    on this machine or is another, or the network takes more than MOST_WORK for its images.
    """
    from digitlab.models.build import build, summarize
    from digitlab.training.loss import scoring_spec
    from digitlab.training.normalize import Normalization
    from digitlab.training.predict import predict_splits

    if weights is None or not record.normalization:
        return None
    run, split = Run(record), record.split
    try:
        data = load_dataset(split.name, val_fraction=split.val_fraction, seed=split.split_seed)
        run.check_data(data)
    except DatasetError:
        return None
    fits = data.classes == run.classes and data.input_shape == tuple(run.spec.input)
    work = summarize(run.spec).operations * (len(data.val) + len(data.test))
    if not fits or work > MOST_WORK:
        return None
    model = build(scoring_spec(run.spec, run.config))
    model.load_state_dict(weights)
    answers, _ = predict_splits(model, data, Normalization(**record.normalization), run.config)
    return saved if _agree(saved, answers) else answers


def _agree(saved: Mapping[str, torch.Tensor], answers: Mapping[str, torch.Tensor]) -> bool:
    """Whether the saved answers are those of the weights, but for rounding."""
    return saved.keys() == answers.keys() and all(
        saved[name].shape == here.shape and _near(saved[name].to(here), here)
        for name, here in answers.items()
    )


def _near(saved: torch.Tensor, here: torch.Tensor) -> bool:
    if not here.is_floating_point():
        return saved.equal(here)
    close = bool(((saved - here).abs() <= _NEAR * (1 + here.abs())).all())
    same = saved.dim() < 2 or bool((saved.argmax(1) == here.argmax(1)).all())
    return close and same
