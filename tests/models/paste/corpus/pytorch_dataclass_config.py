from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Optional, Tuple

import torch
from torch import Tensor, nn


@dataclass
class Config:
    channels: List[int] = field(default_factory=lambda: [8, 16, 32])
    kernel: int = 3
    dropout: float = 0.2
    num_classes: int = 10
    activation: str = "gelu"
    lr: float = 3e-4


ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}


class Net(nn.Module):
    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.cfg = cfg
        act = ACTIVATIONS[cfg.activation]
        stages: list[nn.Module] = []
        previous: int = 1
        for width in cfg.channels:
            stages.append(
                nn.Sequential(
                    nn.Conv2d(previous, width, cfg.kernel, padding=cfg.kernel // 2),
                    nn.BatchNorm2d(width),
                    act(),
                    nn.MaxPool2d(2),
                )
            )
            previous = width
        self.stages = nn.Sequential(*stages)
        self.drop: Optional[nn.Module] = nn.Dropout(cfg.dropout) if cfg.dropout > 0 else None
        self.head = nn.Linear(previous * 3 * 3, cfg.num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages(x).flatten(1)
        if self.drop is not None:
            x = self.drop(x)
        return self.head(x)


config = Config(dropout=0.0)
net = Net(config)
