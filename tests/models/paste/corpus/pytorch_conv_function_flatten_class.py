import torch
from torch import nn


class Flatten(nn.Module):
    def forward(self, x): return x.view(x.size(0), -1)

class Lambda(nn.Module):
    def __init__(self, func):
        super().__init__()
        self.func = func

    def forward(self, x):
        return self.func(x)

def preprocess(x):
    return x.view(-1, 1, 28, 28)

def conv(ni, nf, ks=3, stride=2): return nn.Conv2d(ni, nf, kernel_size=ks, stride=stride, padding=ks//2)

def conv2(ni, nf): return [conv(ni, nf), nn.BatchNorm2d(nf), nn.ReLU()]

model = nn.Sequential(
    Lambda(preprocess),
    *conv2(1, 8),
    *conv2(8, 16),
    *conv2(16, 32),
    *conv2(32, 16),
    conv(16, 10),
    nn.AdaptiveAvgPool2d(1),
    Lambda(lambda x: x.view(x.size(0), -1)),
)
opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
