"""What a page calls a status, and how it tells of the balance of classes."""

from __future__ import annotations

import pytest

from digitlab.runs.record import RunRecord
from digitlab.ui import labels


def test_the_balance_of_classes_names_those_with_most_and_fewest_images():
    sentence = labels.describe_balance([100, 105], "ab")
    assert sentence.startswith("Well balanced")
    assert "class b has the most images, 105" in sentence
    assert "class a the fewest, 100" in sentence
    assert "1.05" in sentence


@pytest.mark.parametrize(
    ("counts", "word"),
    [([100, 150], "Slightly unbalanced"), ([100, 300], "Unbalanced"), ([0, 5], "no im")],
)
def test_an_imbalance_is_named_by_its_degree(counts, word):
    assert word in labels.describe_balance(counts, "ab")


def test_every_status_of_a_run_has_a_word_and_an_icon():
    statuses = set(RunRecord.model_fields["status"].annotation.__args__)
    assert set(labels.STATUS_WORDS) == set(labels.STATUS_ICONS) == statuses
