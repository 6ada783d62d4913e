"""A file is there whole or not at all; JSON is JSON, and tensors come back as they were."""

from __future__ import annotations

import json
import math
import resource

import pytest
import torch

from digitlab import files
from digitlab.errors import StoreError
from digitlab.runs import run_folder
from tests.conftest import wait_for


def test_a_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "new" / "folder" / "file.txt"
    files.write_atomically(path, "first")
    files.write_atomically(path, b"second, in bytes")
    assert path.read_bytes() == b"second, in bytes"
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.bin"
    files.write_atomically(path, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))  # the disk is full after 1 MiB
    try:
        with pytest.raises(StoreError, match=r"file\.bin could not be written .*DIGITLAB_HOME"):
            files.write_atomically(path, bytes(2**21))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="could not be written"):
        files.write_atomically(tmp_path / "file" / "below", "x")


def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path, start_python):
    path = tmp_path / "file.bin"
    writer = start_python(
        "import sys, pathlib, itertools\n"
        "from digitlab.files import write_atomically\n"
        "for letter in itertools.cycle([b'a', b'b', b'c']):\n"
        "    write_atomically(pathlib.Path(sys.argv[1]), letter * 3_000_000)\n",
        path,
    )
    wait_for(path.exists)
    for _ in range(50):  # and a reader never sees half of one
        content = path.read_bytes()
        assert len(content) == 3_000_000
        assert len(set(content[::997])) == 1
    writer.kill()
    writer.wait()
    content = path.read_bytes()
    assert len(content) == 3_000_000
    assert len(set(content)) == 1


def test_json_has_null_where_numbers_are_not_finite(tmp_path):
    path = tmp_path / "x.json"
    files.write_json(path, {"a": [math.nan, {"b": -math.inf}], "c": (1, 2.5), "d": "ä"})
    assert json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail) == {
        "a": [None, {"b": None}],
        "c": [1, 2.5],
        "d": "ä",
    }


def test_tensors_come_back_to_the_bit(tmp_path):
    path = tmp_path / "x.safetensors"
    tensors = {
        "a.weight": torch.randn(3, 4).T,  # not contiguous
        "counter": torch.tensor(7),
        "nothing": torch.zeros(0, 10),
    }
    files.write_tensors(path, tensors)
    read = run_folder.read_tensors(path, "some-run")
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[name], value) for name, value in tensors.items())
    assert read["counter"].dtype == torch.int64


def test_a_file_that_will_be_replaced_does_not_wait_for_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _handle: pytest.fail("waits"))
    files.write_atomically(tmp_path / "progress.json", "{}", durable=False)
    assert (tmp_path / "progress.json").read_text() == "{}"
    assert len(list(tmp_path.iterdir())) == 1
