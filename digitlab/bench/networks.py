"""The networks and the data that trainings are timed with, and the loops they are held against."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F

from digitlab.models.spec import ModelSpec

IMAGES = 20_000
BATCH = 64
MLP = ModelSpec.from_dict(
    {
        "name": "784-128-10",
        "layers": [
            "Flatten",
            {"Linear": {"out_features": 128}},
            "ReLU",
            {"Linear": {"out_features": 10}},
        ],
    }
)
# PyTorch's MNIST example, without its dropout's share in the timing being any different.
CNN = ModelSpec.from_dict(
    {
        "name": "PyTorch's MNIST example",
        "layers": [
            {"Conv2d": {"out_channels": 32, "kernel_size": 3}},
            "ReLU",
            {"Conv2d": {"out_channels": 64, "kernel_size": 3}},
            "ReLU",
            {"MaxPool2d": {"kernel_size": 2}},
            {"Dropout": {"p": 0.25}},
            "Flatten",
            {"Linear": {"out_features": 128}},
            "ReLU",
            {"Dropout": {"p": 0.5}},
            {"Linear": {"out_features": 10}},
        ],
    }
)


def module(spec: ModelSpec) -> torch.nn.Module:
    """The network with fresh weights, the same each time."""
    from digitlab.models.build import build

    return build(spec, seed=0)


def steps(model: torch.nn.Module, batches: Iterator[tuple[torch.Tensor, torch.Tensor]]) -> float:
    """Seconds of the loop that everybody writes: zero, forward, loss, backward, step."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    model.train()
    began = time.perf_counter()
    for images, labels in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
    return time.perf_counter() - began


def loader_epoch(spec: ModelSpec, root: str) -> Callable[[], float]:
    """An epoch of `DataLoader` over torchvision's MNIST with ToTensor and Normalize."""
    from torch.utils.data import DataLoader, Subset
    from torchvision import transforms
    from torchvision.datasets import MNIST

    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    data = Subset(MNIST(root, train=True, transform=transform), range(IMAGES))
    return lambda: steps(module(spec), iter(DataLoader(data, batch_size=BATCH, shuffle=True)))


def fixed_batch_epoch(spec: ModelSpec, config: object) -> Callable[[], float]:
    """As many steps on one batch that never changes, with PyTorch's fused optimizer and as precise.

    Nothing is loaded, normalised, recorded or saved: what is left is the network itself.
    """
    from digitlab.training.compute import choose_compute
    from digitlab.training.optim import make_optimizer

    def epoch() -> float:
        model = module(spec)
        compute = choose_compute(model, (1, 28, 28), config)
        model = compute.to_device(model).train()
        optimizer = make_optimizer(model, config)
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(BATCH, 1, 28, 28, generator=generator)
        labels = torch.randint(0, 10, (BATCH,), generator=generator)
        with compute.applied(model):
            began = time.perf_counter()
            for _ in range(IMAGES // BATCH):
                optimizer.zero_grad(set_to_none=True)
                with compute.autocast():
                    logits = model(images)
                F.cross_entropy(logits.float(), labels).backward()
                optimizer.step()
            return time.perf_counter() - began

    return epoch
