"""Prediction: uint8 images → logits, in batches, in evaluation mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from digitlab.evaluation.metrics import evaluate_logits
from digitlab.training.loss import answer_errors, to_answers
from digitlab.training.normalize import Normalization

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset
    from digitlab.training.config import TrainConfig

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


def predict_splits(
    model: torch.nn.Module, data: Dataset, normalization: Normalization, config: TrainConfig
) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
    """Logits and labels of the held-out splits, and their losses and accuracies.

    Of an autoencoder the reconstruction errors take the place of logits; it has no accuracies.
    """
    tensors, columns = {}, {}
    for name in ("val", "test"):
        split = data.split(name)
        if len(split):
            answers = to_answers(predict_logits(model, split.images, normalization), config)
            tensors[f"{name}_labels"] = split.labels
            if config.task == "reconstruct":
                errors = answer_errors(answers, split.images, config)
                tensors[f"{name}_errors"] = errors
                columns[f"{name}_loss"] = float(errors.double().mean())
                continue
            logits = tensors[f"{name}_logits"] = answers
            result = evaluate_logits(logits.numpy(), split.labels.numpy(), data.classes)
            columns |= {f"{name}_loss": result.loss, f"{name}_accuracy": result.accuracy}
    return tensors, columns
