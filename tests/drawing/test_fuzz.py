"""Whatever image is read ends in an answer or one clear sentence."""

from __future__ import annotations

import numpy as np
import pytest

import digitlab as dl
from digitlab.errors import DigitlabError
from tests.drawing import fuzzed


@pytest.mark.filterwarnings("ignore")
def test_images_of_every_kind_end_in_an_answer_or_one_sentence():
    sentences = []
    for number in range(40):
        source = fuzzed.image(np.random.default_rng([1, number]), huge=False)
        try:
            dl.recognize(source)
        except DigitlabError as error:
            sentences.append(str(error))
    assert all(text.endswith(".") and "\n" not in text for text in sentences)
