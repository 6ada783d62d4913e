"""The sentence about a difference: right about who, how much, and what a p-value means."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.evaluation import evaluate_logits
from digitlab.evaluation.comparison import compare_pair, compare_seeds, summarize_seeds
from digitlab.ui.compare.verdict import chance, seeds_verdict, verdict


def judge(only_a: int, only_b: int, both: int = 900, neither: int = 10) -> str:
    """The verdict on A and B that read so many images alone, both and neither."""
    right_a = np.repeat([True, False, True, False], [only_a, only_b, both, neither])
    right_b = np.repeat([False, True, True, False], [only_a, only_b, both, neither])
    labels = np.zeros(len(right_a), np.int64)
    a, b = (
        evaluate_logits(np.stack([right, ~right], 1).astype(np.float32), labels, ["x", "y"])
        for right in (right_a, right_b)
    )
    return verdict(compare_pair(a, b), a, b, "Anna", "Ben")


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (1.0, "nearly always"),
        (0.5, "about five times in ten"),
        (0.4, "about four times in ten"),
        (0.25, "about one time in four"),
        (0.167, "about one time in six"),
        (0.05, "about one time in 20"),
        (0.027, "about one time in 37"),
        (0.0061, "about one time in 160"),
        (0.001, "about one time in 1,000"),
        (0.0004, "less than one time in 1,000"),
        (1e-9, "less than one time in a million"),
    ],
)
def test_a_p_value_is_described_in_plain_words(p, words):
    assert chance(p) == words


def test_every_p_value_has_a_description():
    assert all(chance(p) for p in np.geomspace(1e-12, 1, 2_000))


def test_the_better_one_is_named_with_the_distance_and_both_counts():
    text = judge(only_a=7, only_b=15)
    assert "**Ben is better by 0.86 points** (98.18 % against 97.32 %)" in text
    assert (
        "Of 932 test images, it reads 15 correctly that Anna misreads, "
        "and misreads 7 that Anna reads correctly"
    ) in text
    assert "about one time in 7" not in text
    assert "about one time in seven" in text  # p = 0.134
    assert "**Anna is better by 0.86 points**" in judge(only_a=15, only_b=7)


def test_a_large_p_is_not_called_equality():
    said = judge(7, 15)
    assert "show neither which one is better nor that they are equally good" in said


def test_a_small_p_speaks_of_chance_in_the_images_only():
    said = judge(3, 22)
    assert "less than one time in 1,000" in said
    assert said.endswith("So the choice of test images alone is an unlikely explanation.")


def test_equal_accuracy_is_not_equal_answers():
    assert "equally accurate" in judge(5, 5)
    assert "not on the same images" in judge(5, 5)
    assert "exactly the same images" in judge(0, 0)


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (
            [0.90, 0.91, 0.92],
            [0.97, 0.98, 0.975],
            ["**Ben is on average 6.50", "unlikely explanation"],
        ),
        ([0.97, 0.98, 0.975], [0.90, 0.91, 0.92], ["**Anna is on average 6.50", "4.42 to 8.58"]),
        ([0.90, 0.91], [0.91, 0.90], ["**Anna and Ben are on average equally accurate**"]),
        ([0.90, 0.99], [0.91, 0.99], ["Over 2 and 2 seeds", "too often to tell", "−"]),
    ],
)
def test_configurations_are_told_apart_only_beyond_the_luck_of_seeds(a, b, said):
    found = compare_seeds(a, b)
    text = seeds_verdict(found, summarize_seeds(a), summarize_seeds(b), "Anna", "Ben")
    for words in said:
        assert words in text
