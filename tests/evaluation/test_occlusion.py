"""Occlusion: hiding what an answer hangs on changes it, hiding anything else does not."""

from __future__ import annotations

import numpy as np

from digitlab.evaluation.occlusion import find_flip, hide, occlusion_map


def seven_or_one(images):
    """Class 1 by the ink in the top left quarter, which a one lacks; else class 0."""
    bar = images[:, 0, 4:8, 4:12].mean((1, 2)) / 255
    return np.stack([1 - bar, bar], 1).astype(np.float32)


def seven():
    image = np.zeros((28, 28), np.uint8)
    image[4:8, 4:12] = 255
    image[4:24, 16:20] = 255
    return image


def test_the_map_is_high_where_the_answer_hangs_and_nil_elsewhere():
    found = occlusion_map(seven_or_one, seven(), 1)
    assert found.dtype == np.float32
    assert found[5, 7] > 0.3
    assert np.abs(found[16:]).max() == 0
    assert np.unravel_index(found.argmax(), found.shape)[0] < 10


def test_the_smallest_square_that_changes_the_answer_is_found_and_does():
    flip = find_flip(seven_or_one, seven(), 0)
    assert flip.wins
    assert flip.place().startswith("top")
    hidden = hide(seven(), flip.left, flip.top, flip.side)
    answer = seven_or_one(hidden[None, None])[0]
    assert answer.argmax() == 0
    assert np.isclose(answer[0], flip.probability)
    assert flip.side == 4  # half of the bar of 8 by 4 is enough: one square of 4 hides it


def test_what_no_square_changes_is_said_so():
    def sure(images):
        return np.tile(np.float32([0.1, 0.9]), (len(images), 1))

    assert not find_flip(sure, seven(), 0).wins
    assert not find_flip(sure, np.zeros((28, 28), np.uint8), 0).wins


def test_hiding_leaves_the_image_as_it_was():
    image = seven()
    hide(image, 0, 0, 28)
    assert image.any()
