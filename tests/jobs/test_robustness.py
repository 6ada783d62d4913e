"""Measuring robustness in the background: it goes on by itself, tells, and can stop."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab.analysis.robustness_card import read_card
from digitlab.jobs import measurement, robustness


@pytest.fixture(autouse=True)
def _little_data(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))


def test_a_process_measures_and_leaves_a_card(run_id, wait_for):
    run = dl.open_run(run_id)
    robustness.start_robustness(run, 40)
    robustness.start_robustness(run, 40)  # harmless
    wait_for(lambda: robustness.read_progress(run) is None)
    assert read_card(run).n == 40


def test_a_wish_to_stop_ends_it_without_a_card(run_id):
    run = dl.open_run(run_id)
    robustness.stop_robustness(run)
    robustness.work(run_id, 40)
    assert read_card(run) is None
    assert robustness.read_progress(run) is None
    robustness.work(run_id, 40)  # the wish is forgotten
    assert read_card(run).n == 40


def test_why_it_failed_is_told_and_can_be_forgotten(run_id):
    run = dl.open_run(run_id)
    robustness.work(run_id, 0)
    assert "at least 1 image" in robustness.read_progress(run).failed
    robustness.forget_failure(run)
    assert robustness.read_progress(run) is None


def test_a_process_that_died_is_not_taken_for_alive(run_id, monkeypatch):
    run = dl.open_run(run_id)
    monkeypatch.setattr(robustness, "launch", lambda *_: None)  # a process that never comes
    robustness.start_robustness(run, 40)
    assert robustness.read_progress(run)[2:] == ("Starting", "")
    monkeypatch.setattr(measurement, "STARTING_SECONDS", 0.0)
    assert "ended unexpectedly" in robustness.read_progress(run).failed
