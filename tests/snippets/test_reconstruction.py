"""The lines under the cells of an autoencoder's results: they run."""

from __future__ import annotations

import pytest

from digitlab.snippets import reconstruction as snippets
from tests.snippets.snippet_runner import execute, untested


@pytest.fixture
def autoencoder(train_tiny):
    return train_tiny("vae", loss="reconstruction", epochs=1)


@pytest.fixture(params=["own", "dataset"])
def named(request, autoencoder) -> tuple:
    """A run measured on its own data, and on a dataset by name."""
    return (autoencoder.id, "test", "optdigits" if request.param == "dataset" else None)


def test_errors(named, autoencoder):
    names, printed = execute(snippets.errors(*named))
    assert names["result"].error == pytest.approx(autoencoder.record.test_loss)
    assert printed.count("\n") == 11


def test_pairs(named):
    names, _ = execute(snippets.pairs(*named))
    assert names["outputs"].shape == (16, 1, 28, 28)
    assert names["figure"].data


def test_latent_map(named):
    names, printed = execute(snippets.latent_map(*named))
    assert names["points"].shape == (359, 2)
    assert printed == "latent 20\n"


def test_interpolation(named):
    names, _ = execute(snippets.interpolation(*named, first=3, second=4))
    assert names["images"].shape == (11, 1, 28, 28)


def test_novelty(named):
    _, printed = execute(snippets.novelty(*named))
    assert printed.startswith("letters ")
    assert printed.count("\n") == 5


def test_every_snippet_has_a_test():
    assert not untested(snippets, globals())
