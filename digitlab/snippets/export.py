"""The few lines of digitlab under the cells that export, import and join runs, and rank them.

Each function returns a text that runs as it stands (a test runs them all).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from digitlab.snippets.evaluation import _measured

_IMPORT = "import digitlab as dl\n"


def tables(
    run_id: str,
    split: str,
    dataset: str | None = None,
    upload: str | None = None,
    *,
    formats: Sequence[str],
) -> str:
    """What was measured, as files of these formats."""
    names = "from digitlab.exports.export import exported, file_name, subject_of"
    return f"""{_measured(run_id, split, dataset, upload, "from pathlib import Path", names)}
subject = subject_of(run, measured=result)
for format in {tuple(formats)!r}:
    Path(file_name(subject, format)).write_bytes(exported(subject, format))
"""


def import_run(file: str = "run.zip") -> str:
    """A run from its ZIP."""
    return f"""{_IMPORT}
run = dl.import_run({file!r})  # all of it is checked first; nothing in it is executed
print(run, run.record.tags)
"""


def import_network(file: str = "network.onnx", dataset: str = "mnist") -> str:
    """A network that was trained elsewhere, as a run."""
    model = "" if file.lower().endswith((".onnx", ".keras", ".h5")) else ", 'model.yaml'"
    return f"""{_IMPORT}
# a state dict (.pt, .pth, .safetensors) needs the architecture that it is of
run = dl.import_network({file!r}{model}, data={dataset!r})
print(run, run.record.message)
print(run.evaluate("test").accuracy)
"""


def ensemble(run_ids: Sequence[str], how: str) -> str:
    """An ensemble of runs, and its accuracy next to theirs."""
    return f"""{_IMPORT}
members = {list(run_ids)!r}
for member in members:
    print(member, dl.open_run(member).evaluate("test").accuracy)
together = dl.ensemble(members, {how!r})
print(together, together.evaluate("test").accuracy)
"""


def more_seeds(run_id: str, k: int) -> str:
    """The same configuration with other seeds, in the background."""
    return f"""{_IMPORT}
for run_id in dl.run_seeds({run_id!r}, {k}):
    print(run_id)  # queued; dl.open_run(run_id) shows its progress
"""


def leaderboard(dataset: str) -> str:
    """All runs on a dataset in order, with the published figures of the presets."""
    return f"""{_IMPORT}from digitlab.analysis.leaderboard import rank_runs
from digitlab.figures.leaderboard import leaderboard
from digitlab.models.presets import published

ranked = rank_runs({dataset!r})
for place, row in enumerate(ranked, start=1):
    print(place, row.record.id, row.record.test_accuracy, row.interval)
names = [row.record.name for row in ranked]
figure = leaderboard(
    names,
    [row.record.test_accuracy for row in ranked],
    [row.interval for row in ranked],
    published({dataset!r}),
)
"""


def classic(recipes: Mapping[str, Mapping[str, Any]], dataset: str) -> str:
    """Networks, each with its recipe: train, validation and test accuracy in one figure."""
    listed = "".join(f"    {model!r}: {dict(recipe)!r},\n" for model, recipe in recipes.items())
    return f"""{_IMPORT}from digitlab.figures.comparison import train_and_validation

recipes = {{
{listed}}}
models = [(name, dl.TrainConfig(**recipe)) for name, recipe in recipes.items()]
runs = dl.train_sweep(dl.plan_sweep(models, {dataset!r}, {{}}), progress=False)
figure = train_and_validation([run.history.epochs for run in runs], list(recipes))
best = max(runs, key=lambda run: run.record.val_accuracy)  # not chosen by test
print(best.evaluate("test").confusion)
"""
