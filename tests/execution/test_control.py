"""Control: what a person wishes of a run while it trains, by a file or by a signal."""

from __future__ import annotations

import os
import signal

import pytest

from digitlab.execution import control
from digitlab.runs import run_folder, store
from tests.execution.test_execute import at, only_run


def test_a_stop_file_ends_the_run_and_keeps_what_was_learnt(train_tiny, monkeypatch, optdigits):
    monkeypatch.setattr(control, "LOOK_SECONDS", 0.0)

    def stop():
        run_folder.request_stop(store.list_records()[0].id)

    run = train_tiny(epochs=100, on_event=at(40, stop))
    assert run.record.status == "stopped"
    assert run.record.step == 41
    assert run.record.kept_epoch == pytest.approx(41 / 11)
    assert run.record.epochs_done == 3
    assert run.record.test_accuracy > 0.9
    assert run.evaluate("test").accuracy == run.record.test_accuracy
    assert run.predict(optdigits.test.images[:2]).shape == (2, 10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_cleanly_and_the_handlers_come_back(train_tiny, number):
    before = signal.getsignal(number)
    run = train_tiny(epochs=100, on_event=at(40, lambda: os.kill(os.getpid(), number)))
    assert run.record.status == "stopped"
    assert run.record.step in (40, 41)
    assert run.record.test_accuracy > 0.9
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_interrupts_at_once(train_tiny):
    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train_tiny(epochs=100, on_event=at(40, twice))
    assert only_run().record.status == "interrupted"
    assert signal.getsignal(signal.SIGINT) is before


def test_saving_is_a_small_share_of_the_time(home):
    switch = control.Control("some-run")
    assert switch() is None
    assert switch.may_save()
    switch.saved(1.0)
    assert not switch.may_save()
    assert switch() is None
