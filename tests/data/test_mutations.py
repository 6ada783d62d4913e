"""Mutated files of every form end in a dataset or in one clear sentence, soon."""

from __future__ import annotations

import random
import time

import pytest

import digitlab as dl
from digitlab.data.reading.read import read_file
from digitlab.errors import DigitlabError
from tests.data.mutate_files import mutated
from tests.data.test_forms import FORMS

APART = ("Parquet", "MAT", "HDF5")  # read in a process of its own, which takes a moment to start


@pytest.fixture(scope="module")
def files():
    test = dl.load_dataset("optdigits").test
    digits = test.images[:40, 0].numpy(), test.labels[:40].numpy()
    return [(family, name, write(*digits)) for family, _, name, write in FORMS]


@pytest.mark.parametrize("seed", range(5))
def test_a_mutated_file_is_a_dataset_or_refused(files, seed):
    rng = random.Random(seed)
    for family, name, content in files:
        if family in APART and rng.random() < 0.8:
            continue
        content = mutated(content, rng)
        start = time.process_time()
        end = read_or_refuse(content, name)
        if isinstance(end, str):
            assert 10 < len(end) < 900
            assert end.isprintable()
        else:
            assert end.images.shape == (len(end), 1, 28, 28)
            assert 0 <= end.labels.min() <= end.labels.max() < len(end.classes)
        assert time.process_time() - start < 5


def read_or_refuse(content, name):
    """The images, or why they cannot be read."""
    try:
        return read_file(content, name)
    except DigitlabError as e:
        return str(e)
