"""Every measurement of reading drawings says what it was made on."""

from __future__ import annotations

import pytest

from digitlab.bench.drawing import measure_drawing
from digitlab.data.pendigits import divide_writers
from digitlab.data.registry import is_available
from digitlab.errors import DatasetMissingError


@pytest.mark.slow
def test_every_measurement_says_its_n_seed_and_writers():
    if not is_available("pendigits"):
        pytest.skip("There are no pen strokes: set DIGITLAB_DATA to a folder that holds them")
    lines = []
    figures = {row["name"]: row for row in measure_drawing(lines.append, count=14)}
    assert len(lines) == len(figures)
    for row in figures.values():
        assert row["n"] > 0
        assert row["seed"] == 0
        assert row["writers"] == list(divide_writers()["test"])
        assert row["value"] >= 0
    resized = figures["single digits, canvas resized to 28 × 28"]["value"]
    assert figures["single digits"]["value"] > resized + 0.1


def test_without_pen_strokes_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))
    with pytest.raises(DatasetMissingError):
        measure_drawing()
