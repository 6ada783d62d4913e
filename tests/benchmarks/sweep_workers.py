"""How much sooner several workers end a sweep: `python tests/benchmarks/sweep_workers.py [--json]`.

    python tests/benchmarks/sweep_workers.py --trials 40 --workers 1 2 4

A sweep of small trainings (a network of 64 units on Optdigits, one thread each), whose values are
drawn at random, is carried out by one worker, by two and by four, each `python -m digitlab work`
in a process of its own with PyTorch loaded. All sweeps draw the same values. The time counts from
the start of the first trial to the end of the last; `cores` are processor seconds of all workers in
a second of it. Every trial must have been begun once, and have each of its epochs once. It takes
some four minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

MODEL, DATASET, EPOCHS = "two-hidden-64-relu", "optdigits", 100
SPACE = {"learning_rate": "0.001 to 0.1 log", "weight_decay": "0.00001 to 0.01 log"}
PATIENCE = 480.0  # seconds for one sweep


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = [_measure(count, asked.trials, asked.epochs) for count in asked.workers]
    for row in rows:
        row["times the first"] = row["trainings a minute"] / rows[0]["trainings a minute"]
    if asked.json:
        print(json.dumps(rows))
        return
    print(f"{asked.trials} trainings of {asked.epochs} epochs on {os.cpu_count()} cores; ", end="")
    print(f"load at the end {os.getloadavg()[0]:.1f}\n")
    print(f"| {' | '.join(rows[0])} |\n|{' --- |' * len(rows[0])}")
    for row in rows:
        print(f"| {' | '.join(f'{value:.3g}' for value in row.values())} |")


def _measure(count: int, trials: int, epochs: int) -> dict[str, float]:
    """Carry the sweep out with so many workers, in a home of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ |= {"DIGITLAB_HOME": home, "DIGITLAB_EXECUTOR": "work"}
        os.environ |= {"DIGITLAB_MAX_JOBS": str(count), "DIGITLAB_COMPUTE_PROCESSES": "0"}
        os.environ.pop("DIGITLAB_DATABASE_URL", None)
        log = Path(home) / "log"
        workers = [_start_worker(log) for _ in range(count)]
        try:
            _sweep(2 * count, 1)  # every worker loads PyTorch
            before = sum(map(_processor_seconds, workers))
            records = _sweep(trials, epochs)
            used = sum(map(_processor_seconds, workers)) - before
        finally:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.wait(60)
        _check_once(records, log.read_text(), epochs)
    seconds = max(r.ended for r in records) - min(r.started for r in records)
    return {
        "workers": count,
        "seconds": seconds,
        "trainings a minute": 60 * trials / seconds,
        "seconds of a training": sum(r.train_seconds for r in records) / trials,
        "cores": used / seconds,
    }


def _start_worker(log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        command = [sys.executable, "-m", "digitlab", "work"]
        return subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)


def _sweep(trials: int, epochs: int) -> list:
    """The records of a sweep's trials, once it has ended."""
    import digitlab as dl

    config = dl.TrainConfig(epochs=epochs, threads=1, device="cpu")
    made = dl.make_search(MODEL, DATASET, SPACE, config, method="random", trials=trials, seeds=0)
    sweep_id, began = dl.start_sweep(made), time.monotonic()
    while (result := dl.open_sweep(sweep_id)).phase == "searching":
        assert time.monotonic() - began < PATIENCE, result.summary()
        time.sleep(1.0)
    assert result.phase == "finished", result.message
    assert [trial.number for trial in result.trials] == list(range(1, trials + 1))
    return [trial.record for trial in result.trials]


def _processor_seconds(worker: subprocess.Popen[bytes]) -> float:
    """Seconds for which a process has computed until now (Linux)."""
    fields = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def _check_once(records: list, log: str, epochs: int) -> None:
    """Every training was begun once and has each epoch once."""
    import digitlab as dl

    begun = Counter(re.findall(r"(\S+) starts$", log, re.MULTILINE))
    for record in records:
        assert record.status == "finished", record
        assert begun[record.id] == 1, f"{record.id} was begun {begun[record.id]} times"
        done = [row["epoch"] for row in dl.open_run(record.id).history.epochs]
        assert done == list(range(1, epochs + 1)), f"{record.id} has the epochs {done}"


if __name__ == "__main__":
    main()
