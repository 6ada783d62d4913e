"""Deleting takes a run that has ended, whole, and no other."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab.errors import RunError, RunNotFoundError
from digitlab.runs import store


def test_a_deleted_run_is_gone_with_its_files_and_history(tiny, train_tiny):
    other = train_tiny()
    dl.delete_run(tiny.id)
    with pytest.raises(RunNotFoundError):
        dl.open_run(tiny.id)
    assert not tiny.folder.exists()
    assert store.read_history(tiny.id) == ([], [])
    assert dl.open_run(other.id).evaluate("test").n == 359


@pytest.mark.parametrize("status", ["queued", "running"])
def test_an_active_run_must_be_stopped_first(add_record, status):
    run_id = add_record(status=status).id
    with pytest.raises(RunError, match=f"is {status}: stop it first") as caught:
        dl.delete_run(run_id)
    assert caught.value.run_id == run_id
    assert dl.open_run(run_id).record.status == status


@pytest.mark.parametrize("status", ["finished", "stopped", "failed", "interrupted"])
def test_a_run_that_has_ended_can_be_deleted_even_without_a_folder(add_record, status):
    run_id = add_record(status=status).id
    dl.delete_run(run_id)
    assert store.list_records() == []


def test_an_unknown_run_is_named(home):
    with pytest.raises(RunNotFoundError, match="nobody"):
        dl.delete_run("nobody")


def test_a_bundled_run_stays():
    bundled = [run for run in dl.list_runs() if run.record.bundled]
    if not bundled:
        pytest.skip("no run is bundled")
    with pytest.raises(RunError, match="comes with digitlab and cannot be deleted"):
        dl.delete_run(bundled[0].id)
    assert bundled[0].folder.exists()


def test_a_run_can_be_named_and_noted(add_record):
    run_id = add_record().id
    run = dl.label_run(run_id, name=" Lesson 3 ", note="dropout on", tags=["class", "class", " b "])
    assert run.record.name == "Lesson 3"
    assert (run.record.note, run.record.tags) == ("dropout on", ["class", "b"])
    for wrong in ({"name": " "}, {"name": "x" * 121}, {"note": "x" * 5001}, {"tags": ["x" * 41]}):
        with pytest.raises(RunError):
            dl.label_run(run_id, **wrong)
    assert store.get_record(run_id).name == "Lesson 3"
