"""`Resources`: the processors, GPUs and memory that a training takes, estimated before it begins.

- CPUs: as many as the recipe's threads, for each of its `devices`, which is a process of its own.
  Where it names none, one for each; or 4, as `training.compute` takes several threads from 250
  million multiply-adds on in one step's forward pass.
- GPUs: the recipe's `devices` for the device "cuda", and for "auto" where a machine has a GPU, or
  where the run began on one; a classical model none.
- Memory: for each device 0.9 GB for a process with PyTorch and MNIST (0.86 GB was measured with
  LeNet-5), and the bytes of a step with its part of a batch (`models.limits.training_bytes`); 2 GB
  for classical models. Rounded up to 1, 2, 4, 8 … GB, so that runs that are alike need the same.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import NamedTuple

from digitlab.errors import DigitlabError
from digitlab.jobs.compute import call, requests
from digitlab.models.classical.catalog import classical_kind
from digitlab.models.limits import training_bytes
from digitlab.models.spec import ModelSpec
from digitlab.models.summary import ModelSummary
from digitlab.runs.record import RunRecord
from digitlab.words import counted

THREADED, THREADS = 250e6, 4
PROCESS_BYTES, CLASSICAL_BYTES = 900_000_000, 2_000_000_000


class Resources(NamedTuple):
    """What a training takes, or what a machine has; memory in gigabytes."""

    cpus: int
    gpus: int
    memory: int

    def fits(self, machine: Resources) -> bool:
        """Whether a machine has as much."""
        return all(mine <= its for mine, its in zip(self, machine, strict=True))

    def __str__(self) -> str:
        gpus = f"{counted(self.gpus, 'GPU')}, " if self.gpus else ""
        return f"{counted(self.cpus, 'CPU')}, {gpus}{self.memory} GB of memory"


SMALLEST = Resources(1, 0, 1)


def resources_of(record: RunRecord, most: Resources) -> Resources:
    """What a run needs where no machine has more CPUs than `most`, and GPUs if `most` has any."""
    try:
        experiment = record.experiment
        spec, config = experiment.spec, experiment.config
        if classical_kind(spec):
            return Resources(min(THREADS, most.cpus), 0, _gigabytes(CLASSICAL_BYTES))
        summary = _summarize(json.dumps(record.spec))
    except DigitlabError:  # its worker says why it cannot be carried out
        return SMALLEST
    gpus = config.devices if _is_on_gpu(record, config.device, most) else 0
    work = 0 if gpus else summary.operations * config.batch_size
    each = PROCESS_BYTES + training_bytes(summary, math.ceil(config.batch_size / config.devices))
    cpus = config.devices * (config.threads or 1)
    if not config.threads and work >= THREADED:
        cpus = max(cpus, THREADS)
    cpus = max(config.devices, min(cpus, most.cpus))
    return Resources(cpus, gpus, _gigabytes(config.devices * each))


def _is_on_gpu(record: RunRecord, device: str, most: Resources) -> bool:
    """Whether a run trains on GPUs; one that has begun is resumed on the same kind of device."""
    if device == "auto" and record.step and record.environment.get("device"):
        device = str(record.environment["device"])
    return device.startswith("cuda") or (device == "auto" and most.gpus > 0)


@lru_cache(maxsize=256)
def _summarize(spec: str) -> ModelSummary:
    return call(requests.summarize, ModelSpec.from_dict(json.loads(spec)))


def _gigabytes(count: float) -> int:
    """So many bytes in gigabytes, rounded up to a power of two."""
    memory = 1
    while memory * 1e9 < count:
        memory *= 2
    return memory
