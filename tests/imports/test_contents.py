"""Files from outside are opened within bounds, or refused with a sentence; nothing in them runs."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile

import pytest
import torch
from torch import nn

from digitlab.errors import NetworkFileError
from digitlab.imports.contents import kind_of, read_contents


class Bomb:
    """What runs code when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def saved(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def zipped(entries, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def repacked(content, changes):
    """A ZIP with some entries, told by their names' ends, replaced."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    for end, value in changes.items():
        (name,) = [name for name in entries if name.endswith(end)]
        entries[name] = value
    return zipped(entries, zipfile.ZIP_STORED)


def refusal(content):
    with pytest.raises(NetworkFileError) as caught:
        read_contents(content)
    return str(caught.value)


def test_a_whole_pickled_model_is_refused_with_what_to_save():
    message = refusal(saved(nn.Sequential(nn.Linear(4, 2))))
    assert "whole pickled model" in message
    assert "torch.save(model.state_dict(), 'weights.pt')" in message


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    assert "ave" in refusal(saved(Bomb(str(tmp_path / "a"))))  # what to save instead
    weights = nn.Linear(4, 2).state_dict()
    beside = read_contents(saved({"state_dict": weights, "args": Bomb(str(tmp_path / "b"))}))
    among = read_contents(saved({**weights, "more": Bomb(str(tmp_path / "c"))}))
    assert list(beside.tensors) == list(among.tensors) == ["weight", "bias"]
    assert not list(tmp_path.iterdir())


def test_hyperparameters_of_other_classes_are_passed_over():
    import argparse

    weights = nn.Linear(4, 2).state_dict()
    contents = read_contents(saved({"hyper": argparse.Namespace(lr=1), "state_dict": weights}))
    assert list(contents.tensors) == ["weight", "bias"]


def test_pickles_and_programs_are_refused(tmp_path):
    assert "pickle" in refusal(pickle.dumps(Bomb(str(tmp_path / "a"))))
    program = io.BytesIO()
    torch.jit.save(torch.jit.trace(nn.Linear(4, 2), torch.zeros(1, 4)), program)
    assert "TorchScript" in refusal(program.getvalue())
    assert "no trained network" in refusal(zipped({"readme.txt": "hello"}))
    assert "no file of a trained network" in refusal(b"hello, I am a text")
    assert not list(tmp_path.iterdir())


def test_truncated_files_are_refused():
    whole = saved(nn.Linear(40, 20).state_dict())
    for length in (len(whole) // 2, len(whole) - 30):
        assert refusal(whole[:length])
    from safetensors.torch import save

    assert "damaged" in refusal(save({"a": torch.zeros(100)})[:-50])
    assert refusal(struct.pack("<Q", 2**31) + b"{" + b" " * 100)


def test_a_tensor_that_claims_to_be_huge_is_refused():
    view = torch.zeros(1).expand(10**6, 10**6)
    assert "1 GB" in refusal(saved({"weight": view}))


def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    bomb = zipped({"archive/data.pkl": b"\0" * 200_000_000})
    assert "would grow" in refusal(bomb)
    assert len(bomb) < 1_000_000


def test_a_pickle_that_makes_no_sense_is_refused():
    whole = saved({"weight": torch.zeros(2)})
    itself = b"\x80\x02]q\x00(" + b"h\x00" * 10 + b"e."  # a list that holds itself
    long = b"\x80\x02X\xff\xff\xff\x7fa."  # a text of 2 GB, which is not there
    for program in (itself, long, b"\x80\x02.", b""):
        assert refusal(repacked(whole, {"data.pkl": program}))


def test_not_a_number_is_refused():
    assert "no finite numbers" in refusal(saved({"weight": torch.tensor([float("nan")])}))


@pytest.mark.parametrize("kind", ["float8_e4m3fn", "float8_e5m2", "complex64"])
def test_numbers_of_a_rare_type_are_refused_by_its_name(kind):
    from safetensors.torch import save

    assert kind in refusal(save({"weight": torch.zeros(2, 2).to(getattr(torch, kind))}))


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64", "int64", "bool"])
def test_numbers_of_usual_types_are_read(kind):
    from safetensors.torch import save

    tensors = {"weight": torch.ones(2, 2).to(getattr(torch, kind))}
    assert read_contents(save(tensors)).tensors["weight"].dtype == getattr(torch, kind)


def test_more_numbers_than_allowed_are_refused(monkeypatch):
    monkeypatch.setenv("DIGITLAB_MAX_PARAMETERS", "100")
    assert "at most" in refusal(saved({"weight": torch.zeros(300)}))


def test_the_kind_is_told_by_the_content():
    assert kind_of(saved({"weight": torch.zeros(2)})) == "torch"
    assert kind_of(b"\x89HDF\r\n\x1a\n") == "hdf5"


def test_a_file_larger_than_the_allowed_weights_is_not_opened(monkeypatch):
    monkeypatch.setenv("DIGITLAB_MAX_PARAMETERS", "100")
    assert "larger than the 50 MB" in refusal(b"\x08" * 50_001_000)
