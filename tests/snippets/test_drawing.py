"""The lines under the Draw page's cells: every snippet runs as it stands and says the truth."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

import digitlab as dl
from digitlab.analysis.activations import list_outputs
from digitlab.data.collections import NewDrawing, keep_drawings
from digitlab.snippets import drawing as snippets
from tests.drawing.photographed import boxed_page, filled_sheet
from tests.snippets.snippet_runner import execute, untested


@pytest.fixture(autouse=True)
def _one(tmp_path, monkeypatch):
    """A photograph of a 1, where the snippets look for it."""
    monkeypatch.chdir(tmp_path)
    drawn = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(drawn).line([(100, 30), (100, 170)], fill="black", width=16)
    drawn.save("drawing.png")


def test_steps():
    names, printed = execute(snippets.steps("reader"))
    assert len(printed.splitlines()) == 4
    assert printed.startswith("1 Framing(")
    assert names["figure"].data


def test_arena(run_id):
    names, printed = execute(snippets.arena(["reader", run_id]))
    assert "reads 1" in printed
    assert len(names["arena"].answers) == 2


def test_why():
    names, _ = execute(snippets.why("reader"))
    assert names["drops"].shape == (28, 28)
    assert names["figure"].data


def test_runner_up():
    names, printed = execute(snippets.runner_up("reader"))
    assert names["second"] != 1
    assert "hide" in printed


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_neighbours(run_id, metric):
    _, printed = execute(snippets.neighbours(run_id, metric))
    assert len(printed.splitlines()) == 5


def test_layers(run_id):
    run = dl.open_run(run_id)
    layer = list_outputs(run.model, run.spec.input)[0].name
    assert execute(snippets.layers(run_id, layer))[0]["figure"].data


def test_form():
    boxed_page(["470", "1 2"], gap=20).save("form.png")
    names, printed = execute(snippets.form("reader", "forms"))
    assert "['4', '7', '0']" in printed
    assert len(names["form"].filled) == 5


def test_sheets():
    filled_sheet().reduce(2).save("sheet-1.png")
    _, printed = execute(snippets.sheets("reader", "forms"))
    assert printed.startswith("sheet-1.png 100 digits")


@pytest.fixture
def mine(optdigits):
    images = optdigits.train.images[:30, 0].numpy()
    labels = optdigits.train.labels[:30].tolist()
    drawn = [NewDrawing(np.array(i), n) for i, n in zip(images, labels, strict=True)]
    keep_drawings("mine", drawn)
    return "mine"


def test_collection(run_id, mine):
    names, _ = execute(snippets.collection(mine, run_id))
    assert len(names["data"].test) >= 3


def test_finetuning(run_id, mine):
    names, printed = execute(snippets.finetuning(mine, run_id))
    assert names["tuned"].after.record.parent == run_id
    assert "drawings" in printed


def test_every_snippet_is_run_here():
    assert not untested(snippets, globals())
