"""The networks and the data of the training benchmarks, and the loops to compare with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from digitlab.models.build import build
from digitlab.models.spec import ModelSpec
from digitlab.settings import read_settings
from digitlab.training.compute import choose_compute
from digitlab.training.devices import pick_device, synchronize
from digitlab.training.optim import make_optimizer

if TYPE_CHECKING:
    from torchvision.datasets import MNIST

    from digitlab.training.config import TrainConfig

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
# https://github.com/pytorch/examples/blob/main/mnist/main.py
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
    """The network with new weights, the same each time."""
    return build(spec, seed=0)


def train_epoch(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
) -> float:
    """Seconds of an epoch by PyTorch's usual loop: zero_grad, forward, loss, backward, step."""
    device = next(model.parameters()).device
    model.train()
    start = time.perf_counter()
    for images, labels in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(images.to(device)), labels.to(device)).backward()
        optimizer.step()
    synchronize()
    return time.perf_counter() - start


def torchvision_mnist(*, train: bool) -> MNIST:
    """torchvision's MNIST with ToTensor and Normalize, from the folder of datasets."""
    from torchvision import transforms
    from torchvision.datasets import MNIST

    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    return MNIST(str(read_settings().data), train=train, transform=transform)


def loader_epoch(spec: ModelSpec) -> Callable[[], float]:
    """A function that trains an epoch with a `DataLoader` and returns its seconds."""
    from torch.utils.data import DataLoader, Subset

    data = Subset(torchvision_mnist(train=True), range(IMAGES))

    def epoch() -> float:
        model = module(spec).to(pick_device("auto"))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        return train_epoch(model, optimizer, DataLoader(data, batch_size=BATCH, shuffle=True))

    return epoch


def fixed_batch_epoch(spec: ModelSpec, config: TrainConfig) -> Callable[[], float]:
    """As many steps on one fixed batch, with PyTorch's fused optimizer and the same precision.

    Nothing is loaded, normalised, recorded or saved: only the network itself is timed.
    """

    def epoch() -> float:
        model = module(spec)
        compute = choose_compute(model, (1, 28, 28), config)
        model = compute.to_device(model).train()
        optimizer = make_optimizer(model, config)
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(BATCH, 1, 28, 28, generator=generator).to(compute.device)
        labels = torch.randint(0, 10, (BATCH,), generator=generator).to(compute.device)
        with compute.applied(model):
            start = time.perf_counter()
            for _ in range(IMAGES // BATCH):
                optimizer.zero_grad(set_to_none=True)
                with compute.autocast():
                    logits = model(images)
                F.cross_entropy(logits.float(), labels).backward()
                optimizer.step()
            synchronize()
            return time.perf_counter() - start

    return epoch
