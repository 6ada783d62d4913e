import torch
import torch.nn as nn
import math


class DropPath(nn.Module):
    def __init__(self, drop_prob=0.):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x):
        if self.drop_prob == 0. or not self.training:
            return x
        keep = 1 - self.drop_prob
        mask = torch.rand(x.shape[0], 1, 1, 1, device=x.device).add_(keep).floor_()
        return x.div(keep) * mask


class Ghost(nn.Module):
    def __init__(self, inp, oup, ratio=2, relu=True):
        super().__init__()
        self.oup = oup
        init_channels = math.ceil(oup / ratio)
        new_channels = init_channels * (ratio - 1)
        self.primary = nn.Sequential(nn.Conv2d(inp, init_channels, 1, bias=False), nn.BatchNorm2d(init_channels),
                                     nn.ReLU(inplace=True) if relu else nn.Sequential())
        self.cheap = nn.Sequential(nn.Conv2d(init_channels, new_channels, 3, 1, 1, groups=init_channels, bias=False),
                                   nn.BatchNorm2d(new_channels),
                                   nn.ReLU(inplace=True) if relu else nn.Sequential())

    def forward(self, x):
        x1 = self.primary(x)
        x2 = self.cheap(x1)
        out = torch.cat([x1, x2], dim=1)
        return out[:, :self.oup, :, :]


class GhostNet(nn.Module):
    def __init__(self, rates=None):
        super().__init__()
        rates = rates or [0.0, 0.1]
        self.g1 = Ghost(1, 7)
        self.pool = nn.MaxPool2d(2)
        self.blocks = nn.ModuleList([Ghost(7, 7, relu=False) for _ in rates])
        self.paths = nn.ModuleList([DropPath(r) for r in rates])
        self.out = nn.Conv2d(7, 10, 3)

    def forward(self, x):
        x = self.pool(self.g1(x))
        for g, d in zip(self.blocks, self.paths):
            x = x + d(g(x))
        return torch.mean(self.out(x), dim=(2, 3))
