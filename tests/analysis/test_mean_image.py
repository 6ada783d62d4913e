"""What an autoencoder learnt is measured from the mean image to the least possible error."""

from __future__ import annotations

import pytest
import torch

import digitlab as dl
from digitlab.analysis.mean_image import share_learnt
from digitlab.evaluation.reconstruction import evaluate_errors
from digitlab.training.loss import answer_errors


@pytest.mark.parametrize("pixel_loss", ["binary", "mse"])
def test_the_mean_image_is_nothing_and_the_image_itself_everything(pixel_loss):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (20, 1, 4, 4), generator=generator, dtype=torch.uint8)
    config = dl.TrainConfig(loss="reconstruction", pixel_loss=pixel_loss)
    mean = (images.float() / 255).mean(0).expand(images.shape)
    for answers, share in ((mean, 0.0), (images.float() / 255, 1.0)):
        errors = answer_errors(answers, images, config)
        result = evaluate_errors(errors.numpy(), torch.zeros(20).long().numpy(), ["0", "1"])
        assert share_learnt(result, images, images, config) == pytest.approx(share, abs=1e-5)
