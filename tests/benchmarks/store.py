"""How fast the run store answers with 10,000 runs: `python tests/benchmarks/store.py [--json]`.

Runs of 50 epochs and 150 windows of steps each; prints medians in milliseconds of listing the
newest, filtering, searching and opening one with its curves, as the pages and the commands do.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

RUNS, EPOCHS, WINDOWS = 10_000, 50, 150
ROUNDS = 9


def main() -> None:
    """Fill a store, measure, and print."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DIGITLAB_HOME"] = folder
        ids = _fill()
        figures = {name: _median(ask) for name, ask in _questions(ids).items()}
    if "--json" in sys.argv:
        print(json.dumps({"runs": RUNS, "milliseconds": figures}))
        return
    for name, milliseconds in figures.items():
        print(f"{name:32}{milliseconds:8.1f} ms")


def _fill() -> list[str]:
    from sqlalchemy import insert

    import digitlab as dl
    from digitlab.runs.database import connect
    from digitlab.runs.record import RunRecord
    from digitlab.runs.schema import EpochRow, RunRow, StepRow

    spec = dl.load_model("lenet-5").to_dict()
    config = dl.TrainConfig(epochs=EPOCHS).model_dump()
    data = {"classes": list("0123456789"), "val_fraction": 0.1, "split_seed": 0}
    columns = {column.name for column in RunRow.__table__.columns}
    with connect().begin() as connection:
        for start in range(0, RUNS, 500):
            runs, epochs, steps = [], [], []
            for number in range(start, start + 500):
                run_id = f"run-{number:08x}"
                runs.append(
                    RunRecord(
                        id=run_id,
                        name=f"run {number}",
                        model=("lenet-5", "cnn-small")[number % 2],
                        dataset=("mnist", "usps")[number % 3 == 0],
                        status=("finished", "stopped")[number % 10 == 0],
                        spec=spec,
                        config=config,
                        data=data,
                        created=float(number),
                        test_accuracy=0.9 + number / RUNS / 10,
                    ).model_dump(include=columns)
                )
                epochs += [_epoch(run_id, epoch) for epoch in range(1, EPOCHS + 1)]
                steps += [_step(run_id, step) for step in range(1, WINDOWS + 1)]
            connection.execute(insert(RunRow), runs)
            connection.execute(insert(EpochRow), epochs)
            connection.execute(insert(StepRow), steps)
    return [f"run-{number:08x}" for number in range(RUNS)]


def _epoch(run_id: str, epoch: int) -> dict[str, object]:
    figures = dict.fromkeys(("train_loss", "train_accuracy", "val_loss", "val_accuracy"), 0.5)
    return {
        "run_id": run_id,
        "epoch": epoch,
        "step": 3 * epoch,
        **figures,
        "learning_rate": 0.001,
        "seconds": 1.0,
        "best": epoch == 1,
    }


def _step(run_id: str, step: int) -> dict[str, object]:
    figures = dict.fromkeys(("epoch", "loss", "loss_min", "loss_max", "learning_rate"), 0.5)
    return {"run_id": run_id, "step": step, **figures, "images_per_second": 1e4}


def _questions(ids: list[str]) -> dict[str, Callable[[], object]]:
    import digitlab as dl
    from digitlab.jobs import queue
    from digitlab.runs import store

    return {
        "list the newest 200": lambda: dl.list_runs(limit=200),
        "list the stopped": lambda: store.list_records(("stopped",), limit=200),
        "search by name": lambda: dl.list_runs(search="run 4321", limit=200),
        "open one with its curves": lambda: dl.open_run(ids[1234]).history,
        "open by the beginning of its id": lambda: dl.open_run(ids[4321][:-1] + ids[4321][-1]),
        "what is under way": queue.active_runs,
    }


def _median(ask: Callable[[], object]) -> float:
    ask()
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds)


if __name__ == "__main__":
    main()
