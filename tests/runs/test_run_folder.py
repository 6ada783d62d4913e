"""A run's files are there whole or not at all, and are told to be damaged where they are."""

from __future__ import annotations

import pytest

from digitlab.errors import RunError, RunNotFoundError, StoreError
from digitlab.runs import run_folder


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickled", b"\xff" * 100, b"{}"])
def test_a_damaged_tensor_file_is_one_clear_error(tmp_path, content):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"some-run cannot be opened: .*damaged") as caught:
        run_folder.read_tensors(path, "some-run")
    assert caught.value.run_id == "some-run"


def test_a_missing_tensor_file_says_what_to_do(tmp_path):
    with pytest.raises(RunError, match=r"some-run has no weights\.safetensors.*Train it again"):
        run_folder.read_tensors(tmp_path / "weights.safetensors", "some-run")


def test_the_files_of_a_run_are_text_and_safetensors(tiny):
    names = {path.name for path in tiny.folder.iterdir() if not path.name.startswith(".")}
    assert names - {"lock"} == {
        "checkpoints",
        "live.safetensors",
        "spec.yaml",
        "config.json",
        "environment.json",
        "weights.safetensors",
        "predictions.safetensors",
        "record.json",
        "history.json",
    }
    for path in tiny.folder.rglob("[!.]*"):
        if path.is_file() and path.suffix != ".safetensors":
            path.read_text(encoding="utf-8")


HOLD = """
import sys
from digitlab.runs.run_folder import run_lock
with run_lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_tells_of_its_process_even_after_a_kill(start_python):
    assert not run_folder.is_alive("some-run")
    holder = start_python(HOLD, "some-run")
    assert holder.stdout.readline() == "held\n"
    assert run_folder.is_alive("some-run")
    assert run_folder.is_alive("some-run")  # looking does not take it away
    holder.kill()
    holder.wait()
    assert not run_folder.is_alive("some-run")


def test_asking_whether_a_run_lives_makes_no_folder(home):
    assert not run_folder.is_alive("some-run")
    assert not (home / "runs").exists()


def test_a_wish_to_stop_is_there_even_before_the_runs_folder(home):
    run_folder.request_stop("just-claimed")
    assert run_folder.stop_file("just-claimed").exists()


def test_a_home_that_cannot_hold_runs_is_one_clear_error(home):
    home.mkdir()
    (home / "runs").write_text("in the way")
    with pytest.raises(StoreError, match="could not be written"):
        run_folder.run_lock("some-run")


def test_removing_takes_the_whole_folder_and_no_other(tiny, train_tiny):
    other = train_tiny()
    run_folder.remove_folder(tiny.id)
    assert not tiny.folder.exists()
    assert other.folder.exists()
    with pytest.raises(RunNotFoundError):
        run_folder.remove_folder("..")
