"""Numbers and names as a person would spell them."""

from __future__ import annotations

import time

import pytest

from digitlab import words


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


def test_classes_get_the_article_that_is_spoken():
    assert [words.with_article(name) for name in ("7", "8", "odd", "shoe")] == [
        "a 7", "an 8", "an odd", "a shoe",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "short"), [("7", "7"), ("nine", "nine"), ("seven", "sev…"), ("", "")]
)
def test_a_text_that_is_cut_ends_with_an_ellipsis(text, short):
    assert words.shorten(text, 4) == short


@pytest.mark.parametrize(
    ("share", "text", "short", "shortest"),
    [
        (0.9936, "99.4 %", "99.4 %", "99"),
        (0.9973, "99.7 %", "99.7 %", ">99"),
        (0.99999, "more than 99.9 %", "> 99.9 %", ">99"),
        (0.0, "less than 0.1 %", "< 0.1 %", "<1"),
    ],
)
def test_a_probability_is_nowhere_rounded_to_certainty(share, text, short, shortest):
    assert (words.probability(share), words.probability(share, short=True)) == (text, short)
    assert words.whole_percent(share) == shortest
