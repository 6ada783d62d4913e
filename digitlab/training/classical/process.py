"""`FitProcess`: starts the process that fits, listens to it, and ends it."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digitlab.errors import ConfigError, RunError

MOST_THREADS = 4  # that a fit takes by itself; OMP_NUM_THREADS says otherwise
_END = object()


@dataclass(frozen=True)
class Job:
    """An estimator's name and arguments, a seed, and images uint8 [N, F] with labels int64 [N].

    The estimator sees `images · scale − offset`, float32.
    """

    name: str
    args: Mapping[str, Any]
    seed: int
    images: np.ndarray
    labels: np.ndarray
    scale: float
    offset: float


class FitProcess:
    """A fit in a process of its own; leaving the context ends it, done or not."""

    def __init__(self, job: Job) -> None:
        self.name = job.name
        self.done = False
        self.converged = True
        self._said: queue.Queue[Any] = queue.Queue()
        self._temporary = tempfile.TemporaryDirectory(prefix="digitlab-fit-")
        self._folder = Path(self._temporary.name)
        self._write(job)

    def _write(self, job: Job) -> None:
        np.save(self._folder / "images.npy", job.images, allow_pickle=False)
        np.save(self._folder / "labels.npy", job.labels, allow_pickle=False)
        words = {key: getattr(job, key) for key in ("name", "args", "seed", "scale", "offset")}
        words["threads"] = _threads()
        (self._folder / "job.json").write_text(json.dumps(words), encoding="utf-8")

    def __enter__(self) -> FitProcess:
        package_parent = str(Path(__file__).parents[3])
        paths = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
        threads = str(_threads())
        # A session of its own: Ctrl-C is for the process that started it, which then ends this one.
        own = {"start_new_session": True} if os.name != "nt" else {}
        with (self._folder / "errors.txt").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "digitlab.training.classical.worker", str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(paths),
                    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads),
                },
                **own,
            )
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def _read(self) -> None:
        for line in self._process.stdout:
            self._said.put(line)
        self._said.put(_END)

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._temporary.cleanup()

    def listen(self, seconds: float) -> dict[str, Any] | None:
        """The next thing that it says, or None where it says nothing for so long.

        Raises ConfigError where scikit-learn refused, RunError where the process died.
        """
        try:
            line = self._said.get(timeout=seconds)
        except queue.Empty:
            return None
        if line is _END:
            raise RunError(
                f"The process that fitted {self.name} ended before it was done"
                f"{self._last_words()}. Most often memory ran out: use fewer images (subset)."
            )
        said = json.loads(line)
        if "error" in said:
            raise ConfigError(f"scikit-learn cannot fit {self.name}: {_mended(said['error'])}")
        if "done" in said:
            self.done = True
            self._hear_the_rest()
        return said

    def _hear_the_rest(self) -> None:
        while (line := self._said.get(timeout=60)) is not _END:
            self.converged = self.converged and not json.loads(line).get("unconverged")

    def _last_words(self) -> str:
        lines = (self._folder / "errors.txt").read_text(encoding="utf-8", errors="replace")
        last = lines.strip().splitlines()[-1:]
        return f" ({last[0][:200]})" if last else ""

    def read_stage(self, stage: int) -> dict[str, np.ndarray]:
        """The arrays of a stage; its file is deleted."""
        path = self._folder / f"stage-{stage}.npz"
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        path.unlink()
        return found


def _threads() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    return (
        int(given) if given.isdecimal() and int(given) else min(os.cpu_count() or 1, MOST_THREADS)
    )


def _mended(error: str) -> str:
    """scikit-learn's sentence, with what to do where it is known."""
    said = error.rstrip(".") + "."
    if "egative values" in error:
        return said + " Set normalization to 'none', which keeps pixels between 0 and 1."
    return said
