"""`Snapshots`: what a network predicts while it trains, on images that it does not train on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from digitlab.data.dataset import Split
from digitlab.training.events import Snapshot

IMAGES = 500  # in a snapshot: enough for a meaningful confusion matrix, and quick
SHOWN = 12  # of these, shown with their probabilities
FILTERS = 32
PAUSE_SECONDS = 3.0  # between two snapshots within an epoch
FIRST_SECONDS = 0.5  # until the first snapshot
EPOCH_SECONDS = 1.0  # between two snapshots at the ends of epochs
_RELUS = (torch.nn.ReLU, torch.nn.ReLU6)


class Snapshots:
    """Takes snapshots of a network, on a few images that are evenly spread over a split."""

    def __init__(self, split: Split, *, reconstructs: bool = False) -> None:
        self.reconstructs = reconstructs
        rows = torch.linspace(0, len(split) - 1, min(IMAGES, len(split))).round().long()
        self.split = split.name
        self.images = split.images[rows.to(split.images.device)]
        self.labels = split.labels.cpu()[rows]
        self.rows = rows
        self._shown = _choose_shown(self.labels)
        self._last = time.monotonic() - PAUSE_SECONDS + FIRST_SECONDS

    def is_due(self, *, epoch_end: bool) -> bool:
        """Whether enough time has passed since the last snapshot."""
        pause = EPOCH_SECONDS if epoch_end else PAUSE_SECONDS
        return time.monotonic() - self._last >= pause

    def take(
        self,
        model: torch.nn.Module,
        predict: Callable[[torch.Tensor], torch.Tensor],
        step: int,
        epoch: float,
    ) -> Snapshot:
        """A snapshot of `model`; `predict` gives its answers for images uint8 [N, 1, H, W]."""
        with _silent_channels(model) as silent:
            answers = predict(self.images)
        self._last = time.monotonic()
        return Snapshot(
            step=step,
            epoch=epoch,
            split=self.split,
            rows=tuple(self.rows[self._shown].tolist()),
            filters=first_filters(model, tuple(self.images.shape[1:])),
            silent=silent,
            **(self._reconstructions(answers) if self.reconstructs else self._classes(answers)),
        )

    def _classes(self, logits: torch.Tensor) -> dict[str, torch.Tensor]:
        classes = logits.shape[1]
        cells = self.labels * classes + logits.argmax(1)
        return {
            "confusion": torch.bincount(cells, minlength=classes**2).view(classes, classes),
            "probabilities": logits[self._shown].softmax(1),
        }

    def _reconstructions(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        shown = pixels[self._shown].view(-1, *self.images.shape[1:])
        return {
            "confusion": torch.zeros(0, 0, dtype=torch.int64),
            "probabilities": torch.zeros(len(shown), 0),
            "reconstructions": shown.mul(255).round().to(torch.uint8),
        }


def _choose_shown(labels: torch.Tensor) -> torch.Tensor:
    """Indices of the first image of each class, and of the next images up to SHOWN."""
    first = {int(label): row for row, label in reversed(list(enumerate(labels.tolist())))}
    chosen = [first[label] for label in sorted(first)][:SHOWN]
    others = [row for row in range(len(labels)) if row not in chosen]
    return torch.tensor((chosen + others)[:SHOWN])


@contextmanager
def _silent_channels(model: torch.nn.Module) -> Iterator[dict[str, float]]:
    """The share of each ReLU's channels that no image makes positive; filled when it is left."""
    active: dict[str, torch.Tensor] = {}

    def make_hook(name: str) -> Callable[[object, object, torch.Tensor], None]:
        def hook(_module: object, _inputs: object, out: torch.Tensor) -> None:
            others = [axis for axis in range(out.ndim) if axis != 1]
            positive = (out > 0).sum(others) > 0
            active[name] = active[name] | positive if name in active else positive

        return hook

    hooks = [
        module.register_forward_hook(make_hook(name))
        for name, module in model.named_modules()
        if isinstance(module, _RELUS)
    ]
    shares: dict[str, float] = {}
    try:
        yield shares
    finally:
        for hook in hooks:
            hook.remove()
        shares |= {name: 1 - float(channels.float().mean()) for name, channels in active.items()}


def first_filters(model: torch.nn.Module, shape: tuple[int, ...]) -> torch.Tensor | None:
    """The first layer's weights as images float32 [n, h, w], n at most FILTERS; or None.

    A convolution's kernels (their mean over input channels), or the weights of a linear layer whose
    inputs are the pixels of images of `shape` [C, H, W].
    """
    for module in model.modules():
        weight = getattr(module, "weight", None)
        if not isinstance(weight, torch.Tensor) or weight.ndim < 2:
            continue
        weight = weight.detach()[:FILTERS].float().cpu()
        if isinstance(module, torch.nn.Conv2d):
            return weight.mean(1).clone()
        if isinstance(module, torch.nn.Linear) and weight.shape[1] == shape[-2] * shape[-1]:
            return weight.view(-1, *shape[-2:]).clone()
        return None
    return None
