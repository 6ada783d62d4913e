"""The speed that a page shows is a steady mean over about five seconds, by time."""

from __future__ import annotations

import pytest

from digitlab.execution.progress import Speed
from digitlab.training.events import StepsDone


def note(speed, paces, seconds):
    """Windows of `seconds` each at these images per second, 100 images a step."""
    step = speed._last_step
    for pace in paces:
        step += round(pace * seconds / 100)
        speed.note(StepsDone(step, 0.0, 1.0, 1.0, 1.0, 0.1, None, pace), batch_size=100)


def test_the_first_window_is_the_first_word():
    speed = Speed()
    assert speed.images_per_second is None
    note(speed, [5000], 1)
    assert speed.images_per_second == pytest.approx(5000)


def test_a_burst_counts_little_and_a_lasting_change_wins():
    speed = Speed()
    note(speed, [5000] * 10, 1)
    note(speed, [100_000], 0.05)
    assert speed.images_per_second == pytest.approx(5000, rel=0.05)
    note(speed, [1000] * 30, 1)
    assert speed.images_per_second == pytest.approx(1000, rel=0.05)
