"""Several devices: the processes that train a run together with the one that carries it out.

That one is rank 0. The others are started here, are sent what they need, and end with it; they know
nothing of the run's store. They are not forked or spawned by Python, which would import the script
again that trains.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from safetensors.torch import save

from digitlab.errors import RankLostError
from digitlab.models.classical.catalog import classical_kind
from digitlab.training.devices import pick_device
from digitlab.training.loss import scoring_spec
from digitlab.training.ranks import ALONE, Ranks, joined

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset
    from digitlab.runs.record import RunRecord
    from digitlab.training.state import TrainState

READY = b"ready\n"  # what a rank says before it joins the others
_END_SECONDS = 5.0  # for processes to end by themselves
_UNANSWERED = re.compile("gloo|Operation timed out", re.IGNORECASE)  # in what waiting raises
_OF_LEADER = ("best.", "average.", "window.")  # parts of a state that only rank 0 uses


@contextlib.contextmanager
def all_ranks(record: RunRecord, data: Dataset, state: TrainState | None) -> Iterator[Ranks]:
    """The ranks that train a run's network, on as many devices as its recipe says.

    Raises RankLostError where one of their processes ends early.
    """
    experiment = record.experiment
    size = experiment.config.devices
    if size == 1 or classical_kind(experiment.spec) is not None:
        yield ALONE
        return
    device = pick_device(experiment.config.device, 0, size)
    with tempfile.TemporaryDirectory(prefix="digitlab-") as folder, _started(size - 1) as others:
        try:
            _send(others, *_describe(record, data, state, folder))
            with joined(Path(folder), 0, size, device) as ranks, _let_go(others):
                yield ranks
        except (RuntimeError, OSError) as e:  # what Gloo and a closed pipe raise
            if (reason := _why_lost(others, e)) is None:
                raise
            raise RankLostError(
                f"One of the {size} processes that trained this run together {reason}. Resume the "
                "run to continue from its last checkpoint.",
                run_id=record.id,
            ) from e


@contextlib.contextmanager
def _started(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many processes, which have ended when this is left."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.extend(_start() for _ in range(count))
        with _let_go(processes):
            yield processes
    finally:
        for process in processes:
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


@contextlib.contextmanager
def _let_go(processes: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """At the end of this context the processes' input is closed, at which they end."""
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(OSError):
                process.stdin.close()


def _start() -> subprocess.Popen[bytes]:
    parent = str(Path(__file__).parents[2])
    paths = [parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-m", "digitlab.execution.follow"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )


def _describe(
    record: RunRecord, data: Dataset, state: TrainState | None, folder: str
) -> tuple[dict[str, object], bytes]:
    """What every rank is sent: plain values, and the training images and the state as tensors."""
    spec, config = record.experiment.spec, record.experiment.config
    train = config.take_subset(data).train
    tensors = {"images": train.images.contiguous(), "labels": train.labels.contiguous()}
    if state:
        state_tensors = {k: v for k, v in state.tensors.items() if not k.startswith(_OF_LEADER)}
        tensors |= {f"state.{name}": value for name, value in state_tensors.items()}
    # Without what is the leader's: it validates, and chooses the weights that are kept.
    alike = config.changed(
        subset=None, average=0.0, keep="last", early_stopping=None, test_curve=False
    )
    content = save(tensors)
    about = {
        "folder": folder,
        "size": config.devices,
        "spec": scoring_spec(spec, config).to_dict(),
        "config": alike.model_dump(),
        "normalization": record.data.normalization,
        "state": state.values if state else None,
        "threads": torch.get_num_threads(),
        "bytes": len(content),
    }
    return about, content


def _send(processes: list[subprocess.Popen[bytes]], about: dict, content: bytes) -> None:
    """Send the processes what they need; OSError where one ends before it is ready to join."""
    for rank, process in enumerate(processes, 1):
        process.stdin.write(json.dumps(about | {"rank": rank}).encode() + b"\n")
        process.stdin.write(content)
        process.stdin.flush()
    for process in processes:
        if not process.stdout.peek().startswith(READY):
            raise OSError("a rank ended before it joined")
        process.stdout.readline()


def _why_lost(processes: list[subprocess.Popen[bytes]], error: Exception) -> str | None:
    """What became of a process that ended early, or no longer does what it is told: to end.

    Others may have ended for want of it, and may take a moment; one that was killed is the cause.
    One that still runs is it only where the error is that of waiting for it.
    """
    deadline = time.monotonic() + _END_SECONDS
    while None in [process.poll() for process in processes] and time.monotonic() < deadline:
        time.sleep(0.01)
    failed = [process for process in processes if process.returncode]
    if failed:
        return f"ended: {_last_words(min(failed, key=lambda process: process.returncode))}"
    hangs = any(process.returncode is None for process in processes)
    waited = isinstance(error, dist.DistError) or _UNANSWERED.search(str(error))
    return "no longer answered" if hangs and waited else None


def _last_words(process: subprocess.Popen[bytes]) -> str:
    """Why a process ended, as it says itself, or by its exit code."""
    words = process.stdout.read().decode(errors="replace").strip()
    if words:
        return words.splitlines()[-1][:300].rstrip(".")
    code = process.returncode
    return f"it was ended by signal {-code}" if code < 0 else f"exit code {code}"
