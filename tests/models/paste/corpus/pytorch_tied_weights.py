import torch
import torch.nn as nn
import torch.nn.functional as F


class TiedAutoencoder(nn.Module):
    """The decoder is the transposed encoder; one layer is applied by its own weight and bias."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(784, 24)
        self.inner = nn.Linear(24, 24)
        self.shift = nn.Parameter(torch.zeros(784))

    def forward(self, x):
        x = x.view(x.size(0), -1)
        h = self.encoder(x)
        h = torch.where(h > 0, h, 0.2 * h)
        h = F.linear(h, self.inner.weight, self.inner.bias)
        h = (h > 0).float() * h
        return F.linear(h, self.encoder.weight.t(), self.shift)


model = TiedAutoencoder()
