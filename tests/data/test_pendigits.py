"""Pendigits: whole writers held out, drawn through the drawing's own stages, kept and checked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import digitlab as dl
from digitlab.data import catalog, pendigits, registry
from digitlab.data.download import start_download
from digitlab.drawing.strokes import PenDigit
from digitlab.errors import DatasetDamagedError, DatasetMissingError, DownloadError
from digitlab.settings import read_settings

SEGMENT = """.SEGMENT DIGIT {n} ? "{label}"
.COMMENT {label} {writer} {n}
.PEN_DOWN
 {x} 400
 {x} 300
 {end} 200
.PEN_UP
"""


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A file of sixty digits, two of each of 30 writers, in a data folder of its own."""
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))
    path = tmp_path / pendigits.FILE
    path.parent.mkdir()
    path.write_text(
        "".join(
            SEGMENT.format(n=n, label=n % 10, writer=1 + n % 30, x=200 + n, end=210 + 2 * n)
            for n in range(60)
        )
    )
    info = registry.find_dataset("pendigits")
    fake = replace(info, train_size=48, test_size=12)
    monkeypatch.setattr(catalog, "CATALOG", {**catalog.CATALOG, "pendigits": fake})
    return path


def test_writers_are_in_one_part_only():
    parts = pendigits.divide_writers()
    assert {name: len(who) for name, who in parts.items()} == {"train": 20, "tuning": 4, "test": 6}
    assert sorted(sum(parts.values(), ())) == list(range(1, 31))
    assert parts["test"] == (3, 5, 11, 12, 22, 27)  # of published figures: they must stay


def test_it_loads_like_the_others_with_whole_writers_as_its_test(small):
    data = dl.load_dataset("pendigits")
    assert (len(data.train), len(data.val), len(data.test)) == (43, 5, 12)
    assert data.input_shape == (1, 28, 28)
    assert data.test.images.dtype == torch.uint8
    assert data.test.labels.dtype == torch.int64
    held_out = [n % 10 for n in range(60) if 1 + n % 30 in pendigits.divide_writers()["test"]]
    assert data.test.labels.tolist() == held_out


def test_what_was_drawn_once_is_kept_in_the_home_and_read_again(small, home, monkeypatch):
    first = dl.load_dataset("pendigits")
    (kept,) = (home / "cache").iterdir()
    monkeypatch.setattr(pendigits, "_frame", lambda digit: pytest.fail("drawn again"))
    assert dl.load_dataset("pendigits").fingerprint == first.fingerprint
    assert list(small.parent.iterdir()) == [small]  # nothing is written beside the data
    content = bytearray(kept.read_bytes())
    content[-400:] = bytes(400)
    kept.write_bytes(content)
    monkeypatch.undo()
    assert pendigits._read_cached(kept) is None  # a damaged one is not believed


def test_another_file_is_another_cache(small, home):
    dl.load_dataset("pendigits")
    small.write_text(small.read_text().replace(" 400", " 410"))
    dl.load_dataset("pendigits")
    assert len(list((home / "cache").iterdir())) == 2


def test_a_home_that_cannot_be_written_costs_only_time(small, home):
    home.write_text("in the way")
    assert len(dl.load_dataset("pendigits").test) == 12


def test_without_its_file_it_says_where_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))
    assert not registry.is_available("pendigits")
    with pytest.raises(DatasetMissingError, match=r"archive\.ics\.uci\.edu/dataset/81"):
        dl.load_dataset("pendigits")
    with pytest.raises(DownloadError, match="not downloaded from here"):
        start_download("pendigits")


def test_a_damaged_file_is_one_clear_error(small):
    small.write_bytes(b"\x1f\x8bnothing")
    with pytest.raises(DatasetDamagedError, match="damaged"):
        dl.load_dataset("pendigits")
    small.write_text(SEGMENT.format(n=0, label=3, writer=99, x=1, end=2))
    with pytest.raises(DatasetDamagedError, match="writers outside 1 to 30"):
        dl.load_dataset("pendigits")


def test_a_digit_is_framed_as_mnists_are():
    line = np.array([(0, 0), (5, 400)], np.float32)
    image = pendigits._frame(PenDigit(label=1, writer=1, strokes=(line,)))
    rows, columns = np.nonzero(image)
    assert np.ptp(rows) + 1 == 20
    assert np.average(rows, weights=image[rows, columns]) == pytest.approx(14, abs=0.6)


def test_the_real_file_is_read_whole(home):
    if not registry.is_available("pendigits"):
        pytest.skip("There are no pen strokes: set DIGITLAB_DATA to a folder that holds them")
    digits = pendigits.digits_of(read_settings().data / pendigits.FILE, "test")
    assert len(digits) == registry.find_dataset("pendigits").test_size
    assert {digit.writer for digit in digits} == set(pendigits.divide_writers()["test"])
