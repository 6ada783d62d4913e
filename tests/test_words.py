"""Numbers and names as a person would spell them."""

from __future__ import annotations

import time

import pytest

from digitlab import words
from digitlab.runs.record import RunRecord
from digitlab.ui import labels


@pytest.mark.parametrize(
    ("share", "text"), [(0.98765, "98.77 %"), (1.0, "100.00 %"), (0.0, "0.00 %"), (None, "–")]
)
def test_a_share_is_a_percentage_and_the_unknown_a_dash(share, text):
    assert words.percent(share) == text


def test_an_interval_has_both_its_ends_in_percent():
    assert words.interval((0.98123, 0.98765)) == "98.12 to 98.77 %"
    assert words.interval(None) == "–"


def test_a_percentage_has_as_many_digits_as_asked_for():
    assert words.percent(0.98765, 0) == "99 %"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (11_594_722, "11.6 MB"),
        (2.5e9, "2.5 GB"),
    ],
)
def test_bytes_have_a_unit_that_keeps_them_short(count, text):
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (42.4, "42 s"),
        (61, "1 min 1 s"),
        (3_660, "1 h 1 min"),
        (90_000, "25 h 0 min"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (-5, "just now"),
        (30, "just now"),
        (60, "1 min ago"),
        (7_250, "2 h ago"),
        (90_000, "1 d ago"),
    ],
)
def test_a_moment_is_told_by_its_age(monkeypatch, passed, text):
    monkeypatch.setattr(time, "time", lambda: 1_000_000.0)
    assert words.ago(1_000_000.0 - passed) == text


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


def test_classes_get_the_article_that_is_spoken():
    assert [words.with_article(name) for name in ("7", "8", "odd", "shoe")] == [
        "a 7", "an 8", "an odd", "a shoe",
    ]  # fmt: skip
