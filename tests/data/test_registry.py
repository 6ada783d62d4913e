"""The catalog answers by name and knows what is on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from digitlab.data import registry
from digitlab.data.catalog import CATALOG
from digitlab.errors import DatasetError
from digitlab.words import size

README = Path(__file__).parents[2] / "README.md"


def test_all_promised_datasets_are_listed():
    names = [info.name for info in registry.list_datasets()]
    assert names == [
        "mnist",
        "fashion-mnist",
        "kmnist",
        "qmnist",
        "emnist-digits",
        "usps",
        "optdigits",
        "pendigits",
        "emnist-balanced",
        "emnist-letters",
        "emnist-byclass",
        "kuzushiji-49",
        "mnist-c",
        "affine-mnist",
        "svhn",
        "svhn-grey",
        "cifar-10",
        "cifar-10-grey",
        "pathmnist",
        "dermamnist",
        "octmnist",
        "pneumoniamnist",
        "retinamnist",
        "breastmnist",
        "bloodmnist",
        "tissuemnist",
    ]


@pytest.mark.parametrize("name", ["mnst", "MNIST2", "", None, "../mnist"])
def test_an_unknown_name_is_answered_with_the_known_ones(name):
    with pytest.raises(DatasetError, match="Known are mnist"):
        registry.find_dataset(name)


def test_a_near_name_is_suggested():
    with pytest.raises(DatasetError, match="Did you mean"):
        registry.find_dataset("fashion_mnist")


def test_without_files_the_embedded_dataset_is_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))
    assert registry.default_dataset() == "optdigits"
    assert registry.is_available("optdigits")
    assert not registry.is_available("usps")


def test_an_empty_file_does_not_count_as_there(monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))
    for name in registry.find_dataset("usps").files:
        (tmp_path / name).touch()
    assert not registry.is_available("usps")


def test_the_catalog_is_read_without_importing_torch():
    code = "import sys, digitlab.data.catalog; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_readme_lists_the_catalog():
    """One row an entry: name, images, classes, shape, and where its files come from."""
    rows = [
        f"| `{info.name}` | {info.title} | {info.train_size + info.test_size:,} | "
        f"{len(info.classes)} | {'×'.join(map(str, info.shape[1:]))}"
        f"{', colour' if info.shape[0] == 3 else ''} | {origin(info)} |"
        for info in CATALOG.values()
    ]
    assert "\n".join(rows) in README.read_text(encoding="utf-8"), "\n".join(rows)


def origin(info) -> str:
    if info.embedded:
        return "comes along"
    if info.reader == "affine":
        return "made of MNIST"
    return f"`{info.files[0]}` …" if info.by_hand else f"download, {size(info.download_bytes)}"
