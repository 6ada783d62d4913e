"""The training loop at its plainest: no events, no checkpoints. Exported scripts contain it.

`engine.Training` takes the same steps, by the same functions; a test holds both to equal weights.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn

from digitlab.training.augment import augment
from digitlab.training.config import TrainConfig
from digitlab.training.ema import EMA
from digitlab.training.loss import compute_loss
from digitlab.training.optim import make_optimizer, make_schedule
from digitlab.training.step import clip_gradient, compute_gradients, make_batches


def fit(
    network: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    config: TrainConfig,
    normalize: Callable[[torch.Tensor], torch.Tensor],
    val_images: torch.Tensor,
    val_labels: torch.Tensor,
) -> nn.Module:
    """Train `network` by a recipe, with a line for each epoch; the network with the kept weights.

    Images uint8 [N, C, H, W] and labels int64 [N] are on the network's device.
    """
    torch.manual_seed(config.seed)  # for dropout
    shuffle = torch.Generator().manual_seed(config.seed)
    optimizer = make_optimizer(network, config)
    rate = make_schedule(config, len(make_batches(labels, config.batch_size)))
    if config.augmentation.active:
        generator = torch.Generator(labels.device).manual_seed(config.seed + 1)
    if config.average:
        ema = EMA(network, config.average)
    step, best_epoch, best_score = 0, 0, (-1.0, 0.0)
    for epoch in range(1, config.epochs + 1):
        network.train()
        order = torch.randperm(len(labels), generator=shuffle).to(labels.device)
        for rows in make_batches(order, config.batch_size):
            batch = images[rows]
            if config.augmentation.active:
                batch = augment(batch.float(), config.augmentation, generator)
            for group in optimizer.param_groups:
                group["lr"] = rate(step)
            optimizer.zero_grad()
            compute_gradients(network, normalize(batch), labels[rows], config)
            if config.gradient_clip:
                clip_gradient(network, config)
            optimizer.step()
            if config.average:
                ema.update()
            step += 1
        trained = copy.deepcopy(network)
        if config.average:
            trained.load_state_dict(ema.values, strict=False)
        accuracy, loss = evaluate(trained, val_images, val_labels, config, normalize)
        print(f"epoch {epoch}: validation accuracy {accuracy:.4f}")
        if (accuracy, -loss) > best_score:
            best_epoch, best_score, best = epoch, (accuracy, -loss), trained
        if config.early_stopping and epoch - best_epoch >= config.early_stopping:
            break
    return best if config.keep == "best" else trained


def evaluate(
    network: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    config: TrainConfig,
    normalize: Callable[[torch.Tensor], torch.Tensor],
) -> tuple[float, float]:
    """Accuracy and mean loss of a network on a split; not a number where it has no images."""
    network.eval()
    if not len(labels):
        return float("nan"), float("nan")
    with torch.inference_mode():
        outputs = torch.cat([network(normalize(part)) for part in images.split(500)])
    accuracy = (outputs.argmax(1) == labels).double().mean().item()
    return accuracy, compute_loss(outputs, labels, config).item()
