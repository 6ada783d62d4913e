"""What all tests share: a home of their own, and real MNIST where it is on this machine."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # figures must not depend on a GPU being there


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A fresh DIGITLAB_HOME for each test; nothing of the person running them is touched."""
    folder = tmp_path / "home"
    monkeypatch.setenv("DIGITLAB_HOME", str(folder))
    for variable in ("DATABASE_URL", "MAX_JOBS", "MAX_PARAMETERS", "MAX_PIXELS", "THREADS"):
        monkeypatch.delenv(f"DIGITLAB_{variable}", raising=False)
    return folder


@pytest.fixture
def mnist():
    """Real MNIST, loaded; the test is skipped where its files are not on this machine."""
    import digitlab as dl
    from digitlab.data.catalog import is_available

    if not is_available("mnist"):
        pytest.skip("MNIST is not on disk: set DIGITLAB_DATA to a folder that holds it")
    return dl.load_dataset("mnist")


@pytest.fixture
def optdigits():
    """The embedded dataset, loaded."""
    import digitlab as dl

    return dl.load_dataset("optdigits")
