"""`Observer`: looks at a network while it learns, on images that it does not learn from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from digitlab.data.dataset import Split
from digitlab.training.events import Snapshot

IMAGES = 500  # looked at: enough for a confusion matrix to mean something, and quick
SHOWN = 12  # of which so many are shown with their probabilities
FILTERS = 32
PAUSE_SECONDS = 3.0  # between two looks within an epoch
FIRST_SECONDS = 0.5  # until the first look
EPOCH_SECONDS = 1.0  # between two looks at epochs' ends
_MENDING = (torch.nn.ReLU, torch.nn.ReLU6)


class Observer:
    """Looks at a few images, evenly spread over a split, once in a while."""

    def __init__(self, split: Split) -> None:
        places = torch.linspace(0, len(split) - 1, min(IMAGES, len(split))).round().long()
        self.split = split.name
        self.images = split.images[places.to(split.images.device)]
        self.labels = split.labels.cpu()[places]
        self.places = places
        self._shown = _one_of_each(self.labels)
        self._last = time.monotonic() - PAUSE_SECONDS + FIRST_SECONDS

    def is_due(self, *, at_an_end: bool) -> bool:
        """Whether the last look is long enough ago."""
        pause = EPOCH_SECONDS if at_an_end else PAUSE_SECONDS
        return time.monotonic() - self._last >= pause

    def look(
        self,
        model: torch.nn.Module,
        answer: Callable[[torch.Tensor], torch.Tensor],
        step: int,
        epoch: float,
    ) -> Snapshot:
        """What the network makes of the images now; `answer` gives logits [N, C] for images."""
        with _listening(model) as silent:
            logits = answer(self.images)
        self._last = time.monotonic()
        classes = logits.shape[1]
        cells = self.labels * classes + logits.argmax(1)
        return Snapshot(
            step=step,
            epoch=epoch,
            split=self.split,
            confusion=torch.bincount(cells, minlength=classes**2).view(classes, classes),
            rows=tuple(self.places[self._shown].tolist()),
            probabilities=logits[self._shown].softmax(1),
            filters=first_filters(model, tuple(self.images.shape[1:])),
            silent=silent,
        )


def _one_of_each(labels: torch.Tensor) -> torch.Tensor:
    """Places of the first image of each class, and of further ones until enough are shown."""
    first = {int(label): place for place, label in reversed(list(enumerate(labels.tolist())))}
    chosen = [first[label] for label in sorted(first)][:SHOWN]
    others = [place for place in range(len(labels)) if place not in chosen]
    return torch.tensor((chosen + others)[:SHOWN])


@contextmanager
def _listening(model: torch.nn.Module) -> Iterator[dict[str, float]]:
    """While this lasts, each ReLU's share of channels that no image makes positive is noted."""
    heard: dict[str, torch.Tensor] = {}

    def listen(name: str) -> Callable[[object, object, torch.Tensor], None]:
        def note(_module: object, _given: object, out: torch.Tensor) -> None:
            others = [axis for axis in range(out.ndim) if axis != 1]
            speaks = (out > 0).sum(others) > 0
            heard[name] = heard[name] | speaks if name in heard else speaks

        return note

    hooks = [
        module.register_forward_hook(listen(name))
        for name, module in model.named_modules()
        if isinstance(module, _MENDING)
    ]
    shares: dict[str, float] = {}
    try:
        yield shares
    finally:
        for hook in hooks:
            hook.remove()
        shares |= {name: 1 - float(speaks.float().mean()) for name, speaks in heard.items()}


def first_filters(model: torch.nn.Module, shape: tuple[int, ...]) -> torch.Tensor | None:
    """The first layer's weights as images float32 [n, h, w], where it looks at the pixels.

    A convolution's kernels, or a linear layer's weights where its inputs are the image's pixels.
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
