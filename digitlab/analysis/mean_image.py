"""The mean of the training images as an answer: what an autoencoder must clearly improve on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from digitlab.evaluation.reconstruction import Reconstruction
    from digitlab.training.config import TrainConfig

LITTLE = 0.1  # a share under which an autoencoder has learnt hardly more than the mean image


def share_learnt(
    result: Reconstruction, images: torch.Tensor, train_images: torch.Tensor, config: TrainConfig
) -> float:
    """How far an autoencoder is from the mean image's error (0) to the least possible one (1).

    `images` uint8 [N, C, H, W] are those of `result`; `train_images` those whose mean image is
    taken. Below 0 where the answers are worse than the mean image.
    """
    from digitlab.training.loss import answer_errors

    mean_image = (train_images.float() / 255).mean(0, keepdim=True)
    worst = float(answer_errors(mean_image.expand(images.shape), images, config).mean())
    least = float(answer_errors(images.float() / 255, images, config).mean())
    return (worst - result.error) / max(worst - least, 1e-12)
