"""Whatever happens while a run is carried out is written down, and a stop keeps what was learnt."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab import files
from digitlab.errors import ConfigError, DatasetError, RunError, StoreError
from digitlab.execution.execute import execute
from digitlab.execution.prepare import new_record, plan
from digitlab.runs import run_folder, store
from digitlab.training.events import EpochDone, StepsDone


def at(step, act):
    """An `on_event` that calls `act` once, when that step is done."""

    def on_event(event):
        if isinstance(event, StepsDone) and event.step == step:
            act()

    return on_event


def fail(error):
    def act():
        raise error

    return act


def only_run():
    (record,) = store.list_records()
    return dl.open_run(record.id)


def test_a_failure_is_written_down_and_raised_again(train_tiny):
    with pytest.raises(ZeroDivisionError, match="by zero"):
        train_tiny(on_event=at(5, lambda: 1 / 0))
    run = only_run()
    assert run.record.status == "failed"
    assert run.record.message == "ZeroDivisionError: division by zero"
    assert run.record.ended
    trace = (run.folder / run_folder.ERROR).read_text()
    assert "Traceback" in trace
    assert "1 / 0" in trace
    assert not run_folder.is_alive(run.id)


def test_an_error_of_ours_keeps_its_own_words(train_tiny):
    with pytest.raises(RunError, match="so it is"):
        train_tiny(on_event=at(5, fail(RunError("so it is"))))
    assert only_run().record.message == "so it is"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
        MemoryError(),
    ],
)
def test_too_little_memory_is_a_persons_matter(train_tiny, error):
    with pytest.raises(RunError, match=r"ran out of memory .*smaller batch"):
        train_tiny(on_event=at(5, fail(error)))
    assert "smaller batch" in only_run().record.message


def test_batch_norm_on_single_images_fails_with_its_reason(train_tiny, optdigits):
    layers = ["Flatten", {"Linear": {"out_features": 10}}, "BatchNorm1d"]
    spec = dl.ModelSpec.from_dict({"name": "bn", "input": [1, 28, 28], "layers": layers})
    with pytest.raises(ConfigError, match="batch_size"):
        train_tiny(spec, batch_size=1)
    assert "batch normalisation" in only_run().record.message


def test_keep_best_saves_the_weights_of_the_best_epoch(train_tiny):
    run = train_tiny(
        "two-hidden-16-relu",
        epochs=12,
        batch_size=32,
        learning_rate=0.2,
        schedule="one-cycle",  # whose rate rises until the network forgets
        keep="best",
    )
    best = max(run.history.epochs, key=lambda epoch: (epoch["val_accuracy"], -epoch["val_loss"]))
    assert run.record.kept_epoch == run.record.best_epoch == best["epoch"] < 12
    assert run.evaluate("val").accuracy == best["val_accuracy"]
    assert run.record.val_accuracy == best["val_accuracy"]
    assert run.evaluate("val", run.load_data()).accuracy == best["val_accuracy"]


def test_an_early_stop_is_finished_and_says_why(train_tiny):
    run = train_tiny(optimizer="sgd", learning_rate=1e-15, epochs=50, early_stopping=2)
    assert run.record.status == "finished"
    assert run.record.epochs_done == 3
    assert run.record.message == "Stopped early: no better validation accuracy since epoch 1."


def test_a_full_disk_fails_the_run_and_says_so(train_tiny, monkeypatch):

    def cannot(*_):
        raise StoreError("weights.safetensors could not be written (No space left on device).")

    monkeypatch.setattr(files, "write_tensors", cannot)
    with pytest.raises(StoreError, match="No space left"):
        train_tiny()
    record = only_run().record
    assert record.status == "failed"
    assert "No space left" in record.message


def test_events_that_only_look_do_not_change_what_is_learnt(train_tiny):
    def look(event):
        if isinstance(event, EpochDone):
            assert event.train_loss > 0

    plain, watched = train_tiny(), train_tiny(on_event=look)
    weights = [(run.folder / run_folder.WEIGHTS).read_bytes() for run in (plain, watched)]
    assert weights[0] == weights[1]


def test_a_late_error_keeps_what_was_learnt(train_tiny):
    def fail():
        raise ZeroDivisionError("in somebody's callback")

    with pytest.raises(ZeroDivisionError):
        train_tiny(epochs=100, on_event=at(40, fail))
    run = only_run()
    assert run.record.status == "failed"
    assert run.evaluate("test").accuracy > 0.8


def test_diverging_does_not_cost_the_best_weights(train_tiny):
    run = train_tiny(
        "two-hidden-16-relu",
        epochs=10,
        batch_size=32,
        keep="best",
        optimizer="adamw",
        learning_rate=100.0,
        weight_decay=0.05,  # whose pull overshoots zero as the rate of one cycle rises
        schedule="one-cycle",
    )
    assert run.record.status == "failed"
    assert run.record.kept_epoch == run.record.best_epoch
    assert run.evaluate("val").accuracy == run.record.val_accuracy


def test_a_run_stopped_before_it_began_is_stopped(optdigits):
    record = new_record(
        plan("logistic-regression", "optdigits"), status="running", executor="foreground"
    )
    run_folder.request_stop(record.id)
    with run_folder.run_lock(record.id):
        run = execute(record)
    assert run.record.status == "stopped"
    assert not run.record.step


def test_data_that_is_not_what_the_run_was_made_with_is_refused(optdigits):
    run = dl.train(
        "logistic-regression", optdigits.subset(300), dl.TrainConfig(epochs=1), progress=False
    )
    with pytest.raises(DatasetError, match="not the data"):
        run.load_data()
    assert run.evaluate("test").n == len(optdigits.test)
