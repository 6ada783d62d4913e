"""Prediction: uint8 images → logits, in batches, in evaluation mode."""

from __future__ import annotations

import torch

from digitlab.training.normalize import Normalization

BATCH = 500  # large enough to be fast, small enough to stay in the processor's cache


@torch.inference_mode()
def predict_logits(
    model: torch.nn.Module,
    images: torch.Tensor,
    normalization: Normalization,
    batch_size: int = BATCH,
) -> torch.Tensor:
    """Logits float32 [N, C] on the CPU for images uint8 [N, 1, H, W].

    The model stays on its device; its training mode is restored.
    """
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    was_training = model.training
    model.eval()
    try:
        parts = [
            model(normalization(part.to(device, non_blocking=True))).float()
            for part in images.split(batch_size)
        ]
    finally:
        model.train(was_training)
    return torch.cat(parts).cpu()
