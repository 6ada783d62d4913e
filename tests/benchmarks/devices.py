"""What two processes on a CPU gain for one run, against one process with as many threads.

python tests/benchmarks/devices.py [NETWORK]

Seconds of an epoch over 6,000 images of MNIST in batches of 512, after a first one; the two take
turns, and the best of three counts. Needs MNIST, two idle cores and about two minutes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

CORES = 2
os.environ["OMP_NUM_THREADS"] = str(CORES)
sys.path.insert(0, str(Path(__file__).parents[2]))

import digitlab as dl  # noqa: E402 - the threads are set before torch is loaded
from digitlab.settings import another_home  # noqa: E402
from digitlab.training.events import EpochDone  # noqa: E402

ROUNDS = 3


def epoch_seconds(network: str, data: object, devices: int) -> float:
    """Seconds of the second epoch."""
    seconds = []
    config = dl.TrainConfig(
        epochs=2,
        batch_size=512,
        device="cpu",
        devices=devices,
        threads=CORES // devices,
        precision="float32",
    )

    def note(event: object) -> None:
        if isinstance(event, EpochDone):
            seconds.append(event.seconds)

    with tempfile.TemporaryDirectory() as folder, another_home(Path(folder)):
        dl.train(network, data, config, progress=False, on_event=note)
    return seconds[-1]


def main() -> None:
    network = sys.argv[1] if len(sys.argv) > 1 else "cnn"
    data = dl.load_dataset("mnist").subset(6_000)
    best = {1: float("inf"), 2: float("inf")}
    for number in range(ROUNDS):
        for devices in best:
            best[devices] = min(best[devices], epoch_seconds(network, data, devices))
            print(f"round {number + 1}: {devices} × {CORES // devices} threads", file=sys.stderr)
    for devices, seconds in best.items():
        print(f"{network}, {devices} process(es) of {CORES // devices} threads: {seconds:.2f} s")
    print(f"two take {best[2] / best[1]:.2f} times as long as one")


if __name__ == "__main__":
    main()
