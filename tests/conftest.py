"""What all tests share: a home of their own, and real MNIST where it is on this machine."""

from __future__ import annotations

import os
import shutil

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before anything imports torch
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # figures must not depend on a GPU being there


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A fresh DIGITLAB_HOME for each test; nothing of the person running them is touched."""
    folder = tmp_path / "home"
    monkeypatch.setenv("DIGITLAB_HOME", str(folder))
    limits = ("MAX_PARAMETERS", "MAX_MULTIPLY_ADDS", "MAX_MEMORY")
    for variable in ("DATABASE_URL", "MAX_JOBS", *limits, "MAX_PIXELS", "THREADS"):
        monkeypatch.delenv(f"DIGITLAB_{variable}", raising=False)
    return folder


@pytest.fixture
def mnist():
    """Real MNIST, loaded; the test is skipped where its files are not on this machine."""
    import digitlab as dl
    from digitlab.data.registry import is_available

    if not is_available("mnist"):
        pytest.skip("MNIST is not on disk: set DIGITLAB_DATA to a folder that holds it")
    return dl.load_dataset("mnist")


@pytest.fixture
def optdigits():
    """The embedded dataset, loaded."""
    import digitlab as dl

    return dl.load_dataset("optdigits")


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory):
    """A home with one finished run, (folder, run id): use it through `run_id`."""
    import digitlab as dl

    folder = tmp_path_factory.mktemp("trained") / "home"
    config = dl.TrainConfig(epochs=2, batch_size=128, learning_rate=0.01)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITLAB_HOME", str(folder))
        run = dl.train("logistic-regression", "optdigits", config, progress=False)
    return folder, run.id


@pytest.fixture
def run_id(trained_home, home):
    """The id of a finished run on optdigits (2 epochs) in this test's own home."""
    folder, run_id = trained_home
    shutil.copytree(folder, home)
    return run_id
