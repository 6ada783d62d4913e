"""digitlab: a lab for handwritten digits.

    import digitlab as dl
    data = dl.load_dataset("mnist")
    run = dl.train("two-hidden-64-relu", data, dl.TrainConfig(epochs=5))
    print(run.evaluate("test").accuracy)
    print(dl.recognize("drawing.png").text)

Names are looked up when they are first used, so that importing digitlab costs nothing.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from digitlab.settings import VERSION

if TYPE_CHECKING:
    from digitlab.analysis.recognize import recognize
    from digitlab.analysis.robustness import measure_robustness
    from digitlab.data.dataset import Dataset, Split
    from digitlab.data.info import SPLITS, DatasetInfo
    from digitlab.data.load import load_dataset
    from digitlab.data.registry import list_datasets
    from digitlab.drawing.recognition import Recognition
    from digitlab.errors import DigitlabError
    from digitlab.evaluation.metrics import Evaluation
    from digitlab.execution.ensemble import ensemble
    from digitlab.execution.finetune import finetune
    from digitlab.execution.reproduce import reproduce
    from digitlab.execution.train import train
    from digitlab.exports.archive import import_run
    from digitlab.exports.export import export
    from digitlab.jobs.queue import stop, submit
    from digitlab.jobs.resume import pause, repeat, resume, train_longer
    from digitlab.jobs.seeds import run_seeds
    from digitlab.models.build import build, summarize
    from digitlab.models.load import load_model
    from digitlab.models.presets import Preset, list_presets, load_preset
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.edit import delete_run, label_run
    from digitlab.runs.run import Run, list_runs, open_run
    from digitlab.training.config import Augmentation, TrainConfig

__version__ = VERSION

# OpenMP threads that wait by spinning starve each other as soon as another process computes too:
# training beside a busy app took 20 times as long. Sleeping threads cost nothing measurable.
# torch reads this when it is loaded; whoever set it, or loaded torch before, keeps their choice.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_HOMES = {
    "label_run": "runs.edit",
    "pause": "jobs.resume",
    "repeat": "jobs.resume",
    "resume": "jobs.resume",
    "stop": "jobs.queue",
    "submit": "jobs.queue",
    "train_longer": "jobs.resume",
    "Augmentation": "training.config",
    "Dataset": "data.dataset",
    "DatasetInfo": "data.info",
    "DigitlabError": "errors",
    "Evaluation": "evaluation.metrics",
    "ModelSpec": "models.spec",
    "Preset": "models.presets",
    "Recognition": "drawing.recognition",
    "Run": "runs.run",
    "SPLITS": "data.info",
    "Split": "data.dataset",
    "TrainConfig": "training.config",
    "build": "models.build",
    "delete_run": "runs.edit",
    "ensemble": "execution.ensemble",
    "export": "exports.export",
    "finetune": "execution.finetune",
    "import_run": "exports.archive",
    "run_seeds": "jobs.seeds",
    "list_datasets": "data.registry",
    "list_presets": "models.presets",
    "list_runs": "runs.run",
    "load_dataset": "data.load",
    "load_model": "models.load",
    "load_preset": "models.presets",
    "measure_robustness": "analysis.robustness",
    "open_run": "runs.run",
    "recognize": "analysis.recognize",
    "reproduce": "execution.reproduce",
    "summarize": "models.build",
    "train": "execution.train",
}

__all__ = [  # noqa: RUF022 - in the order of a first session
    "load_dataset",
    "list_datasets",
    "Dataset",
    "DatasetInfo",
    "Split",
    "SPLITS",
    "load_model",
    "load_preset",
    "list_presets",
    "Preset",
    "ModelSpec",
    "build",
    "summarize",
    "train",
    "TrainConfig",
    "Augmentation",
    "Run",
    "open_run",
    "list_runs",
    "submit",
    "stop",
    "pause",
    "resume",
    "train_longer",
    "repeat",
    "finetune",
    "run_seeds",
    "ensemble",
    "label_run",
    "delete_run",
    "export",
    "import_run",
    "reproduce",
    "Evaluation",
    "measure_robustness",
    "recognize",
    "Recognition",
    "DigitlabError",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'digitlab' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"digitlab.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
