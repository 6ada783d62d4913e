"""The figures of reading drawings come with what they were measured on."""

from __future__ import annotations

import pytest

from digitlab.bench.drawing import measure_drawing
from digitlab.data.pendigits import divide_writers
from digitlab.data.registry import is_available
from digitlab.errors import DatasetMissingError


def test_every_figure_says_its_n_seed_and_writers():
    if not is_available("pendigits"):
        pytest.skip("There are no pen strokes: set DIGITLAB_DATA to a folder that holds them")
    said = []
    figures = {one["name"]: one for one in measure_drawing(said.append, count=12)}
    assert len(said) == len(figures)
    for one in figures.values():
        assert one["n"] > 0
        assert one["seed"] == 0
        assert one["writers"] == list(divide_writers()["test"])
        assert one["value"] >= 0
    squeezed = figures["single digits, canvas squeezed to 28 × 28"]["value"]
    assert figures["single digits"]["value"] > squeezed + 0.1


def test_without_pen_strokes_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))
    with pytest.raises(DatasetMissingError):
        measure_drawing()
