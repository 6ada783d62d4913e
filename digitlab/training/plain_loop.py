"""The training loop at its plainest: no events, no checkpoints. Exported scripts contain it.

`engine.Training` takes the same steps, by the same functions; a test holds both to equal weights.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn

from digitlab.training.augment import augment_twice
from digitlab.training.config import TrainConfig
from digitlab.training.ema import EMA
from digitlab.training.loss import compute_loss, take_divergence
from digitlab.training.optim import make_optimizer, make_schedule
from digitlab.training.step import batch_loss, clip_gradient, make_batches


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
            batch = clean = images[rows]
            if config.augmentation.active:
                clean, batch = augment_twice(batch.float(), config.augmentation, generator)
            targets = labels[rows]
            if config.loss == "reconstruction":
                targets = clean.float() / 255
            for group in optimizer.param_groups:
                group["lr"] = rate(step)
            optimizer.zero_grad()
            batch_loss(network, network(normalize(batch)), targets, config).backward()
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
        tell(f"epoch {epoch}: validation", accuracy, loss, config)
        if (accuracy, -loss) > best_score:
            best_epoch, best_score, best = epoch, (accuracy, -loss), trained
        if config.early_stopping and epoch - best_epoch >= config.early_stopping:
            break
    return best if config.keep == "best" else trained


def tell(what: str, accuracy: float, loss: float, config: TrainConfig) -> None:
    """Print how good a network is."""
    if config.loss != "reconstruction":
        print(f"{what} accuracy {accuracy:.4f}")
    if config.loss == "reconstruction":
        print(f"{what} loss {loss:.4f}")


def evaluate(
    network: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    config: TrainConfig,
    normalize: Callable[[torch.Tensor], torch.Tensor],
) -> tuple[float, float]:
    """Accuracy and mean loss of a network on a split; not a number where it has no images.

    The accuracy of an autoencoder is 0.
    """
    network.eval()
    if not len(labels):
        return float("nan"), float("nan")
    correct = loss = 0.0
    with torch.inference_mode():
        for rows in torch.arange(len(labels), device=labels.device).split(500):
            outputs, targets = network(normalize(images[rows])), labels[rows]
            if config.loss != "reconstruction":
                correct += (outputs.argmax(1) == targets).sum().item()
            if config.loss == "reconstruction":
                targets = images[rows].float() / 255
                loss += config.kl_weight * take_divergence(network, targets) * len(rows)
            loss += compute_loss(outputs, targets, config).item() * len(rows)
    return correct / len(labels), float(loss) / len(labels)
