"""The exported `augment` changes images as that of training does: as far, as often, as smooth."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from digitlab.exports.augmentation_code import AUGMENTED, augmentation_code
from digitlab.training.augment import augment
from digitlab.training.config import Augmentation

ALL = {
    **{"rotation": 12.0, "shift": 0.05, "scale": 0.1, "shear": 8.0, "elastic": 0.8},
    **{"thickness": 0.5, "noise": 0.1, "erasing": 0.4},
}


def exported(**fields):
    """The function `augment` of the exported code."""
    space = {"torch": torch, "F": F, "math": math}
    exec(compile(augmentation_code(Augmentation(**fields).model_dump()), "code", "exec"), space)
    return space["augment"]


def both(images, **fields):
    """Images as the exported code and as training changes them."""
    torch.manual_seed(0)
    ours = augment(images, Augmentation(**fields), torch.Generator().manual_seed(0))
    return exported(**fields)(images), ours


def test_every_field_is_carried_over():
    assert set(Augmentation.model_fields) == AUGMENTED == set(ALL)
    assert augmentation_code(Augmentation().model_dump()) == ""


def test_elastic_changes_move_points_as_far():
    ramps = torch.arange(28.0).expand(500, 1, 28, 28) * 9
    for moved in both(ramps, elastic=0.8):
        inner = (moved / 9 - ramps / 9)[:, 0, 4:-4, 4:-4]
        assert float(inner.std()) == pytest.approx(0.8, rel=0.05)
        together = (inner[:, :, 4:] * inner[:, :, :-4]).mean() / inner.var()
        assert float(together) == pytest.approx(math.exp(-1 / 4), abs=0.06)


def test_noise_is_as_strong_and_as_many_images_are_erased():
    grey = torch.full((600, 1, 28, 28), 128.0)
    for seen in both(grey, noise=0.1):
        assert float(seen.std()) == pytest.approx(25.5, rel=0.02)
    for seen in both(grey, erasing=0.4):
        erased = (seen != grey).flatten(1)
        assert float(erased.any(1).float().mean()) == pytest.approx(0.4, abs=0.07)
        assert float(erased.float().mean()) == pytest.approx(0.4 * 0.17, abs=0.02)


@pytest.mark.parametrize("field", ALL)
def test_on_digits_each_change_is_as_large_on_average(optdigits, field):
    images = optdigits.train.images[:600].float()
    theirs, ours = both(images, **{field: ALL[field]})
    changes = [float((seen - images).abs().mean()) for seen in (theirs, ours)]
    assert changes[0] == pytest.approx(changes[1], rel=0.12)
    assert changes[0] > 0.5


def test_all_together_stay_within_paper_and_ink(optdigits):
    for seen in both(optdigits.train.images[:100].float(), **ALL):
        assert seen.shape == (100, 1, 28, 28)
        assert float(seen.min()) >= 0
        assert float(seen.max()) <= 255.001
