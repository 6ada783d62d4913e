"""A preview of augmentation: some training images before and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from digitlab.data.statistics import pick_indices
from digitlab.training.augment import augment
from digitlab.training.config import Augmentation

if TYPE_CHECKING:
    import numpy as np

    from digitlab.data.dataset import Split


def preview(
    split: Split, recipe: Augmentation, seed: int, count: int = 16
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Images before and after augmentation, each uint8 [count, C, H, W], and their labels.

    They are changed by `augment`, as in training. The seed determines the images and the random
    numbers of each, so that previews of two recipes differ only by what differs in the recipes.
    """
    positions = pick_indices(split, None, seed)[:count]
    before = split.images[positions]
    changed = augment(before.float(), recipe, torch.Generator().manual_seed(seed))
    after = changed.round().clamp(0, 255).to(torch.uint8)
    return before.numpy(), after.numpy(), split.labels[positions].tolist()
