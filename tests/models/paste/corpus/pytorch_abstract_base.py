from abc import ABC, abstractmethod
from functools import partial
from typing import Callable, Sequence

import torch
from torch import nn


class BaseClassifier(nn.Module, ABC):
    num_classes: int = 10
    act: Callable = partial(nn.LeakyReLU, 0.02)

    def __init__(self):
        super().__init__()
        self.body = self.build_body()
        self.head = nn.Linear(self.feature_size, self.num_classes)
        self.apply(self._init)

    @property
    @abstractmethod
    def feature_size(self) -> int:
        ...

    @abstractmethod
    def build_body(self) -> nn.Module:
        raise NotImplementedError

    @staticmethod
    def _init(m):
        if isinstance(m, (nn.Linear, nn.Conv2d)):
            nn.init.orthogonal_(m.weight)
            nn.init.zeros_(m.bias)

    def forward(self, x):
        return self.head(self.body(x))

    def count(self):
        return sum(p.numel() for p in self.parameters())


class SmallMLP(BaseClassifier):
    widths: Sequence[int] = (100, 50)

    @property
    def feature_size(self):
        return self.widths[-1]

    def build_body(self):
        layers = [nn.Flatten()]
        previous = 784
        for w in self.widths:
            layers += [nn.Linear(previous, w), self.act()]
            previous = w
        return nn.Sequential(*layers)


class NarrowMLP(SmallMLP):
    widths = (30, 20)


def main():
    model = NarrowMLP()
    print(model.count())


if __name__ == '__main__':
    main()
