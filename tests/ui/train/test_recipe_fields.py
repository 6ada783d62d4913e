"""The recipe's fields: every one can be set on the page, and says in a sentence what to try."""

from __future__ import annotations

import pytest

from digitlab.training.config import TrainConfig
from digitlab.ui.train.recipe import COMPUTE, DATA, FITTED, MAIN, STOPPING
from digitlab.ui.train.recipe_fields import FIELDS, PARAMS

ELSEWHERE = {"augmentation", "restarts", "channels_last"}  # own fields, continuing, the machine's


def test_every_field_of_a_recipe_can_be_set():
    assert set(FIELDS) == set(TrainConfig.model_fields) - ELSEWHERE
    assert set(FIELDS) >= {*MAIN, *DATA, *FITTED, *STOPPING, *COMPUTE}


def test_no_two_share_a_place_in_the_url():
    assert len(set(PARAMS.values())) == len(FIELDS)


@pytest.mark.parametrize("name", list(FIELDS))
def test_each_says_in_one_sentence_what_it_does(name):
    told = FIELDS[name].help
    assert told.endswith(".")
    assert ". " not in told
    assert 40 < len(told) < 190
