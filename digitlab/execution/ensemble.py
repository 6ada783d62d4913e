"""Ensembles: runs that predict together, stored as a run without weights of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from digitlab import files, owners
from digitlab.errors import RunError, SpecError
from digitlab.evaluation.metrics import evaluate_logits
from digitlab.models.classical.catalog import classical_kind
from digitlab.models.spec import ModelSpec
from digitlab.runs import run_folder, store
from digitlab.runs.disk import check_disk
from digitlab.runs.record import RunRecord, new_run_id
from digitlab.runs.run import Run, open_run

if TYPE_CHECKING:
    import torch

How = Literal["mean", "vote"]
HOWS: tuple[How, ...] = get_args(How)
MOST = 20  # members: each answers every image
_SHARED = ("fingerprint", "classes", "val_fraction", "split_seed")


def ensemble(members: Sequence[str | Run], how: How = "mean", *, name: str = "") -> Run:
    """A new run whose answers are those of 2 to 20 others together; it is stored and returned.

    With "mean" its probabilities are the mean of the members' (a network's softmax). With "vote"
    each member has a vote for the class it finds most likely, and the mean of the probabilities
    counts as one vote more, so that ties fall to whom the members are surer of. Its logits on the
    validation and test split are computed from those that the members saved, and saved with it.
    What it reads afterwards is read by its members: they must stay. Raises RunError for members
    that cannot be joined: other data, another image size, no saved results.
    """
    if how not in HOWS:
        raise RunError(f"An ensemble answers by mean or vote; not {str(how)[:40]!r}.")
    runs = [member if isinstance(member, Run) else open_run(member) for member in members]
    _check(runs)
    check_disk()
    tensors = _joined_predictions(runs, how)
    record = _record(runs, how, name, tensors)
    folder = run_folder.run_folder(record.id)
    files.write_tensors(folder / run_folder.PREDICTIONS, tensors)
    files.write_json(folder / run_folder.HISTORY, {"steps": [], "epochs": []})
    run_folder.write_record(record)
    store.add_run(record)
    return Run(record)


def _check(runs: Sequence[Run]) -> None:
    if not 2 <= len(runs) <= MOST:
        raise RunError(f"An ensemble has 2 to {MOST} members; {len(runs)} were given.")
    if len({run.id for run in runs}) < len(runs):
        raise RunError("Each run can be in an ensemble once: name every member once.")
    for run in runs:
        run.check_task("classify")
    first = runs[0]
    for run in runs[1:]:
        same = run.record.split.same_images(first.record.split, "test")
        if not same or run.spec.input != first.spec.input:
            raise RunError(
                f"{first.id} was made with {first.record.dataset} and {run.id} with "
                f"{run.record.dataset}: members of an ensemble need the same data. Choose runs of "
                "one dataset.",
                run_id=run.id,
            )


def _joined_predictions(runs: Sequence[Run], how: str) -> dict[str, torch.Tensor]:
    """Logits and labels of the splits that all members saved for the same images."""
    import torch

    from digitlab.training.ensemble import combine_logits

    predictions = [
        run_folder.read_tensors(run.folder / run_folder.PREDICTIONS, run.id) for run in runs
    ]
    tensors: dict[str, torch.Tensor] = {}
    for split in ("val", "test"):
        labels = [member.get(f"{split}_labels") for member in predictions]
        same_labels = all(
            values is not None and torch.equal(values, labels[0]) for values in labels
        )
        first = runs[0].record.split
        if same_labels and all(run.record.split.same_images(first, split) for run in runs):
            logits = torch.stack([member[f"{split}_logits"].float() for member in predictions])
            tensors[f"{split}_logits"] = combine_logits(logits, how)
            tensors[f"{split}_labels"] = labels[0]
    if "test_logits" not in tensors:
        raise RunError(
            "These runs did not save answers to the same test images, so they cannot be joined."
        )
    return tensors


def _record(
    runs: Sequence[Run], how: str, name: str, tensors: dict[str, torch.Tensor]
) -> RunRecord:
    first, now = runs[0].record, time.time()
    kind = f"ensemble of {len(runs)} ({how})"
    stored = first.data.model_dump()
    shared = {key: stored[key] for key in _SHARED if key in stored}
    return RunRecord(
        id=new_run_id(f"ensemble-{how}-{len(runs)}"),
        name=name.strip()[:120] or kind.capitalize(),
        model=kind,
        dataset=first.dataset,
        status="finished",
        executor="foreground",
        spec=_side_by_side(runs, kind).to_dict(),
        config=first.config,
        data={
            **shared,
            "members": [run.id for run in runs],
            "how": how,
            "claimed": any(run.record.claimed for run in runs),
        },
        environment=first.environment,
        normalization={"mean": 0.0, "std": 1.0},  # each member has its own
        parameters=sum(run.record.parameters for run in runs),
        seed=first.seed,
        created=now,
        started=now,
        ended=now,
        owner=owners.new_owner(),
        train_seconds=_sum([run.record.train_seconds for run in runs]),
        message=f"Answers by {'the mean' if how == 'mean' else 'a vote'} of {len(runs)} runs.",
        **_metrics(tensors, runs[0].classes),
    )


def _metrics(tensors: dict[str, torch.Tensor], classes: Sequence[str]) -> dict[str, Any]:
    columns = {}
    for split in ("val", "test"):
        if f"{split}_logits" in tensors:
            logits, labels = tensors[f"{split}_logits"], tensors[f"{split}_labels"]
            result = evaluate_logits(logits.numpy(), labels.numpy(), classes)
            columns |= {f"{split}_loss": result.loss, f"{split}_accuracy": result.accuracy}
    return columns


def _side_by_side(runs: Sequence[Run], kind: str) -> ModelSpec:
    """The members side by side as a spec, to be looked at; the first where that is none.

    A classical model cannot stand beside others in a spec. Nothing is built from it: the members
    answer.
    """
    first = runs[0].spec
    if not any(classical_kind(run.spec) or run.record.members for run in runs):
        branches = [[*run.spec.to_dict()["layers"], {"Softmax": {"dim": 1}}] for run in runs]
        try:
            return ModelSpec(
                name=kind,
                input=first.input,
                layers=[{"Parallel": {"branches": branches, "join": "mean"}}],
            )
        except SpecError:  # too large to be drawn
            pass
    return first.model_copy(update={"name": kind})


def _sum(values: Sequence[float | None]) -> float | None:
    return None if None in values else sum(values)
