"""Architectures saved under a name come back as they were; a name never leads elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import digitlab as dl
from digitlab.errors import SpecError, StoreError
from digitlab.models import library
from digitlab.models.library import (
    delete_saved,
    is_saved,
    list_saved,
    load_saved,
    save_model,
    suggest_name,
)
from digitlab.models.load import load_model

SPEC = load_model("resnet-mini")


def test_a_saved_architecture_is_loaded_by_its_name(home):
    saved = save_model(SPEC, "My-net_2")
    assert (home / "architectures" / "My-net_2.yaml").is_file()
    assert list_saved() == ("My-net_2",)
    assert load_saved("My-net_2") == saved == SPEC.renamed("My-net_2")
    assert dl.load_model("My-net_2") == saved
    delete_saved("My-net_2")
    assert list_saved() == ()
    with pytest.raises(SpecError, match="no preset"):
        dl.load_model("My-net_2")


WRONG = ["", " ", ".", "..", "../x", "a/b", "a\\b", "/etc/passwd", "a.yaml", "-a", "_a", "a b"]
WRONG += ["é", "a" * 61, "a\n", "a\0", "~", None, 3, ["a"]]


@pytest.mark.parametrize("name", WRONG)
def test_a_name_is_letters_digits_and_dashes(name, home):
    with pytest.raises(SpecError, match="A name has 1 to 60 letters"):
        save_model(SPEC, name)
    for act in (load_saved, delete_saved):
        with pytest.raises(SpecError, match="no saved architecture"):
            act(name)
    assert not is_saved(name)
    assert not home.exists()


@pytest.mark.parametrize("name", ["lenet-5", "LeNet-5", "own", "NUL"])
def test_names_that_mean_something_else_are_refused(name):
    with pytest.raises(SpecError, match="something else already"):
        save_model(SPEC, name)


def test_nothing_is_overwritten_unasked():
    save_model(SPEC, "net")
    with pytest.raises(SpecError, match="overwrite it"):
        save_model(load_model("lenet-5"), "net")
    with pytest.raises(SpecError, match="differs from Net only in capital letters"):
        save_model(SPEC, "Net", overwrite=True)
    assert load_saved("net").layers == SPEC.layers
    save_model(load_model("lenet-5"), "net", overwrite=True)
    assert load_saved("net").layers == load_model("lenet-5").layers


def test_there_is_an_end_to_saving(monkeypatch):
    monkeypatch.setattr(library, "MAX_SAVED", 2)
    save_model(SPEC, "a")
    save_model(SPEC, "b")
    with pytest.raises(SpecError, match="delete one"):
        save_model(SPEC, "c")
    save_model(SPEC, "b", overwrite=True)


def test_what_failed_to_be_written_leaves_the_old_one_and_no_rubbish(home, monkeypatch):
    save_model(SPEC, "net")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        save_model(load_model("lenet-5"), "net", overwrite=True)
    assert load_saved("net").layers == SPEC.layers
    assert [path.name for path in (home / "architectures").iterdir()] == ["net.yaml"]


def test_files_of_others_are_no_architectures(home):
    folder = home / "architectures"
    folder.mkdir(parents=True)
    (folder / "a b.yaml").write_text("name: x")
    (folder / "notes.txt").write_text("x")
    (folder / "broken.yaml").write_text("layers: [")
    assert list_saved() == ("broken",)
    with pytest.raises(SpecError, match="line 1"):
        load_saved("broken")


@given(st.text(max_size=80))
def test_any_text_suggests_a_name_that_may_be_used(text):
    assert library._NAME.fullmatch(suggest_name(text))
