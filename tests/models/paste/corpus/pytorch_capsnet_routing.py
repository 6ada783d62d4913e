"""Capsules with dynamic routing, small enough for a laptop."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def squash(s, dim=-1):
    n2 = (s ** 2).sum(dim=dim, keepdim=True)
    return n2 / (1 + n2) * s / torch.sqrt(n2 + 1e-8)


class PrimaryCaps(nn.Module):
    def __init__(self, cin=32, caps=4, dim=8):
        super().__init__()
        self.dim = dim
        self.conv = nn.Conv2d(cin, caps * dim, kernel_size=9, stride=2)

    def forward(self, x):
        u = self.conv(x)                       # B, caps*dim, 6, 6
        u = u.view(u.size(0), -1, self.dim)    # B, caps*36, dim
        return squash(u)


class DigitCaps(nn.Module):
    def __init__(self, n_in=144, d_in=8, n_out=10, d_out=16, rounds=3):
        super().__init__()
        self.rounds = rounds
        self.n_in, self.n_out = n_in, n_out
        self.W = nn.Parameter(0.01 * torch.randn(1, n_out, n_in, d_out, d_in))

    def forward(self, u):
        u = u[:, None, :, :, None]             # B, 1, n_in, d_in, 1
        u_hat = torch.matmul(self.W, u).squeeze(-1)   # B, n_out, n_in, d_out
        b = torch.zeros(u.size(0), self.n_out, self.n_in, 1)
        for r in range(self.rounds):
            c = F.softmax(b, dim=1)
            s = (c * u_hat).sum(dim=2)
            v = squash(s)
            if r < self.rounds - 1:
                b = b + torch.matmul(u_hat, v.unsqueeze(-1))
        return v


class CapsNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 9)
        self.primary = PrimaryCaps()
        self.digits = DigitCaps()

    def forward(self, x):
        x = F.relu(self.conv1(x), inplace=True)
        return torch.norm(self.digits(self.primary(x)), dim=-1)


model = CapsNet()
