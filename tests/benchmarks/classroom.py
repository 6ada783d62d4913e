"""Thirty learners who train: `python tests/benchmarks/classroom.py [LEARNERS [SECONDS]]`.

In a room, so many learners (30 by default) press Train within a minute, each for a network whose
training takes so many seconds (10) while nobody else trains; with `--at-once` all of them press it
in the same second. Processes of the queue train, two at a time unless DIGITLAB_MAX_JOBS says
otherwise; every two seconds each learner who waits asks for their place, as the page Train does.
Prints how long they waited: until their network's first step, between two turns, the longer of
both, which is how long they saw no progress, and in all until it was trained, less its own seconds.
No pages and no browsers: see `crowd` for those. Takes five minutes on two cores, eight at most, and
wants a quiet machine; `classroom.py 4 2` tries it in a minute.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from serving import ROOT, percentile

sys.path.insert(0, str(ROOT))

MODEL, DATASET = "two-hidden-64-relu", "optdigits"
SPREAD = 60.0  # seconds within which the learners press Train
LOOK, ASK = 0.25, 2.0  # seconds
TRIAL = 100  # epochs that tell how many take the seconds that are asked for
MOST_SECONDS = 420.0  # after which those who still train are stopped


@dataclass
class Press:
    """A learner's training: when it was asked for, moved on and ended, on the process's clock."""

    owner: str
    at: float
    run_id: str = ""
    asked: float = 0.0  # for its place, last
    step: int = 0
    moved: float = 0.0
    begun: float | None = None
    gap: float = 0.0
    ended: float | None = None
    places: list[float] = field(default_factory=list)  # seconds that telling it took


def main() -> None:
    """Measure and print."""
    numbers = [int(text) for text in sys.argv[1:] if text.isdecimal()]
    learners, seconds = (numbers + [30, 10][len(numbers) :])[:2]
    spread = 0.0 if "--at-once" in sys.argv else SPREAD
    os.environ.setdefault("DIGITLAB_MAX_JOBS", "2")
    os.environ |= {"DIGITLAB_HOSTED": "class", "DIGITLAB_WARM_WORKERS": "0"}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ["DIGITLAB_HOME"] = home
        epochs, alone = _calibrate(seconds)
        print(
            f"{learners} learners, {epochs:,} epochs each, which take {alone:.1f} s alone; "
            f"{os.environ['DIGITLAB_MAX_JOBS']} train at a time on {os.cpu_count()} cores\n"
            f"{'':22}{'median':>9}{'95 %':>9}{'longest':>9}"
        )
        _report(_hold_class(learners, epochs, spread), spread, alone)
        turns = (Path(home) / "logs" / "workers.log").read_text(encoding="utf-8").count("gave way")
        print(f"{turns} times a run gave way to others")


def _calibrate(seconds: float) -> tuple[int, float]:
    """How many epochs take about so many seconds alone, and how many those took.

    Each as the queue's own processes train.
    """
    _train_alone(1)  # what the first one loads, the others find in the system's memory
    epochs = max(1, round(TRIAL * seconds / _train_alone(TRIAL)))
    return epochs, _train_alone(epochs)


def _train_alone(epochs: int) -> float:
    press = Press(_owner(-epochs), 0.0)
    _press(press, epochs)
    while press.ended is None:
        time.sleep(LOOK)
        _look([press])
    from digitlab.runs import store

    return store.get_record(press.run_id).train_seconds


def _owner(number: int) -> str:
    from digitlab import owners

    return owners.owner_of(f"learner {number}")


def _hold_class(learners: int, epochs: int, spread: float) -> list[Press]:
    """The trainings of a class, after all of them have ended, or most seconds have passed."""
    import digitlab as dl
    from digitlab import owners

    rng, code = random.Random(0), dl.open_room("Class")[0].invitation
    for number in range(learners):
        with owners.acting_for(_owner(number)):
            dl.join_room(code, f"Learner {number}")
    begins = time.monotonic()
    presses = [Press(_owner(n), begins + rng.uniform(0, spread)) for n in range(learners)]
    ends = begins + MOST_SECONDS
    while any(press.ended is None for press in presses) and time.monotonic() < ends:
        for press in presses:
            if not press.run_id and time.monotonic() >= press.at:
                _press(press, epochs)
        _look(presses)
        time.sleep(LOOK)
    dl.end_room(code[:4])
    _stop_all()
    return presses


def _stop_all() -> None:
    """Stop what still trains or waits, and wait for its processes to end."""
    from digitlab.jobs import queue

    for record in queue.active_runs():
        queue.stop(record.id)
    while queue.active_runs():
        time.sleep(LOOK)


def _press(press: Press, epochs: int) -> None:
    import digitlab as dl
    from digitlab import owners

    press.at = press.moved = time.monotonic()
    recipe = dl.TrainConfig(epochs=epochs, batch_size=32, device="cpu")
    with owners.acting_for(press.owner):
        press.run_id = dl.submit(MODEL, DATASET, recipe)


def _look(presses: list[Press]) -> None:
    """Note how far each training is; who waits asks for their place."""
    from digitlab.jobs import queue
    from digitlab.runs import store

    queue.reconcile()
    records = {record.id: record for record in store.list_records()}
    now = time.monotonic()
    for press in presses:
        record = records.get(press.run_id)
        if record is None or press.ended is not None:
            continue
        if record.step > press.step:
            press.begun = press.begun or now
            press.gap = max(press.gap, now - press.moved if press.step else 0.0)
            press.step, press.moved = record.step, now
        if not record.active:
            press.ended = now
        elif record.status == "queued" and now - press.asked > ASK:
            press.asked, began = now, time.perf_counter()
            queue.find_place(record.id)
            press.places.append(time.perf_counter() - began)


def _report(presses: list[Press], spread: float, alone: float) -> None:
    when = f"within {spread:.0f} s" if spread else "in the same second"
    began = [press for press in presses if press.begun]
    ended = [press for press in presses if press.ended]
    print(f"They press Train {when}; {len(began)} began and {len(ended)} ended:")
    _line("until the first step", [press.begun - press.at for press in began])
    _line("between two turns", [press.gap for press in began])
    _line("without progress", [max(press.begun - press.at, press.gap) for press in began])
    _line("in all, beside its own", [press.ended - press.at - alone for press in ended])
    _line("telling the place", [seconds for press in presses for seconds in press.places])


def _line(what: str, seconds: list[float]) -> None:
    if not seconds:
        return
    numbers = (percentile(seconds, 50), percentile(seconds, 95), max(seconds))
    print(f"  {what:22}" + "".join(f"{number:7.2f} s" for number in numbers))


if __name__ == "__main__":
    main()
