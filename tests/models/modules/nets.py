"""Small modules of many kinds, written here as people write theirs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(8 * 14 * 14, 10)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        identity = x
        x = self.conv2(x)
        x += identity
        x = F.max_pool2d(self.relu(x), 2)
        x = F.dropout(x, 0.25, training=self.training)
        return F.log_softmax(self.fc(x.view(x.size(0), -1)), dim=1)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.branches = nn.ModuleList(
            [
                nn.Conv2d(8, 4, 1),
                nn.Sequential(nn.Conv2d(8, 4, 1), nn.ReLU(), nn.Conv2d(4, 8, 3, padding=1)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(8, 4, 1)),
            ]
        )
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = torch.cat([branch(x) for branch in self.branches], 1)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class UShape(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1 = nn.Conv2d(1, 4, 3, padding=1)
        self.down2 = nn.Conv2d(4, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.out = nn.Conv2d(8, 4, 3, padding=1)
        self.fc = nn.LazyLinear(10)

    def forward(self, x):
        a = torch.relu(self.down1(x))
        b = torch.relu(self.down2(F.avg_pool2d(a, 2)))
        c = torch.cat((self.up(b), a), dim=1)
        d = F.interpolate(self.out(c), scale_factor=0.5, mode="bilinear", align_corners=False)
        return self.fc(torch.flatten(d, 1))


class LastState(nn.Module):
    def __init__(self, kind=nn.LSTM, batch_first=True, layers=1, both=False):
        super().__init__()
        self.rnn = kind(28, 16, layers, batch_first=batch_first, bidirectional=both)
        self.fc = nn.Linear(16 * (1 + both), 10)
        self.layers, self.both = layers, both

    def forward(self, x):
        x = x.squeeze(1)
        h0 = torch.zeros(self.layers * (1 + self.both), x.size(0), 16, device=x.device)
        c0 = torch.zeros_like(h0)
        out, _ = self.rnn(x, (h0, c0))
        return self.fc(out[:, -1, :])


class TimeMajor(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(28, 12)
        self.fc = nn.Linear(12, 10)

    def forward(self, x):
        out, _ = self.gru(x.view(-1, 28, 28).permute(1, 0, 2))
        return self.fc(out[-1])


class Hidden(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(28, 12, num_layers=2, batch_first=True, nonlinearity="relu")
        self.fc = nn.Linear(12, 10)

    def forward(self, x):
        _, h = self.rnn(x.reshape(x.shape[0], 28, 28))
        return self.fc(h[-1])


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(28, 12, batch_first=True)
        self.fc = nn.Linear(24, 10)

    def forward(self, x):
        out, (h, _) = self.rnn(x[:, 0])
        return self.fc(torch.cat((h[0], out.mean(1)), dim=-1))


class Transformer(nn.Module):
    """Patches, a class token, learnt positions, torch's encoder."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(1, 32, 7, stride=7)
        self.cls_token = nn.Parameter(torch.randn(1, 1, 32) * 0.02)
        self.pos_embed = nn.Parameter(torch.randn(1, 17, 32) * 0.02)
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.norm = nn.LayerNorm(32)
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        b = x.shape[0]
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(b, -1, -1), x], dim=1) + self.pos_embed
        return self.head(self.norm(self.encoder(x)[:, 0]))


class HandAttention(nn.Module):
    """Heads split by reshape, scores by @, as in the usual tutorials."""

    def __init__(self):
        super().__init__()
        self.heads, self.scale = 4, 8**-0.5
        self.qkv = nn.Linear(28, 96)
        self.proj = nn.Linear(32, 32)
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        b, _, n, _ = x.shape
        qkv = self.qkv(x.squeeze(1)).reshape(b, n, 3, self.heads, 8).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        scores = (q @ k.transpose(-2, -1)) * self.scale
        x = (scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(b, n, 32)
        return self.fc(self.proj(x).mean(dim=1))


class FoldedHeads(nn.Module):
    """Heads merged into the batch for torch.bmm."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(28, 16), nn.Linear(28, 16), nn.Linear(28, 16)
        self.fc = nn.Linear(28 * 16, 10)

    def split(self, x):
        b, n, _ = x.shape
        return x.view(b, n, 2, 8).transpose(1, 2).contiguous().view(b * 2, n, 8)

    def forward(self, x):
        x = x[:, 0]
        q, k, v = self.split(self.q(x)), self.split(self.k(x)), self.split(self.v(x))
        weights = F.softmax(torch.bmm(q, k.transpose(1, 2)) / 8**0.5, dim=-1)
        y = torch.bmm(weights, v).view(x.size(0), 2, 28, 8).transpose(1, 2)
        return self.fc(y.reshape(x.size(0), -1))


class Multihead(nn.Module):
    def __init__(self, batch_first=True):
        super().__init__()
        self.embed = nn.Linear(28, 16)
        self.attn = nn.MultiheadAttention(16, 4, batch_first=batch_first)
        self.norm = nn.LayerNorm(16)
        self.fc = nn.Linear(16, 10)
        self.batch_first = batch_first

    def forward(self, x):
        x = self.embed(x.squeeze(1))
        if not self.batch_first:
            x = x.transpose(0, 1)
        y, _ = self.attn(x, x, x)
        x = self.norm(x + y)
        return self.fc(x.mean(1 if self.batch_first else 0))


class Fused(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.kv = nn.Linear(28, 16), nn.Linear(28, 32)
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = x.squeeze(1)
        k, v = self.kv(x).chunk(2, dim=-1)
        return self.fc(F.scaled_dot_product_attention(self.q(x), k, v, is_causal=True)[:, -1])


class Positions(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(28, 16)
        self.pos = nn.Embedding(30, 16)
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = self.embed(x[:, 0])
        x = x + self.pos(torch.arange(x.size(1), device=x.device))
        return self.fc(torch.amax(F.gelu(x), dim=1))


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 6, 3, padding=1)
        self.again = nn.Conv2d(6, 6, 3, padding=1)
        self.fc = nn.Linear(6, 10)

    def forward(self, x):
        x = F.relu(self.first(x))
        for _ in range(3):
            x = F.relu(self.again(x)) + x
        return self.fc(x.mean([2, 3]))


class Functional(nn.Module):
    """Weights as parameters of its own."""

    def __init__(self):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(784, 32) * 0.03)
        self.b1 = nn.Parameter(torch.zeros(32))
        self.w2 = nn.Parameter(torch.randn(10, 32) * 0.1)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        x = x.flatten(1) @ self.w1 + self.b1
        return F.linear(torch.tanh(x * self.scale), self.w2)


class Highway(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(784, 24)
        self.plain, self.gate = nn.Linear(24, 24), nn.Linear(24, 24)
        self.out = nn.Linear(24, 10)

    def forward(self, x):
        x = self.inp(x.reshape(x.size(0), -1))
        t = torch.sigmoid(self.gate(x))
        x = F.relu(self.plain(x)) * t + x * (1 - t)
        return self.out(x) / 2.0


class SqueezeExcite(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 5, padding=2)
        self.down, self.up = nn.Linear(8, 4), nn.Linear(4, 8)
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        x = self.conv(x)
        b, c, _, _ = x.size()
        s = torch.sigmoid(self.up(F.relu(self.down(x.mean((2, 3)))))).view(b, c, 1, 1)
        return self.fc((x * s.expand_as(x)).amax((-2, -1)))


class Stacked(nn.Module):
    """stack, permute, einsum, split."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(28, 12), nn.Linear(28, 12)
        self.fc = nn.Linear(12 * 12, 10)

    def forward(self, x):
        top, bottom = torch.split(x[:, 0], 14, dim=1)
        both = torch.stack([self.a(top), self.b(bottom)], dim=1)
        mixed = torch.einsum("bntd,bnte->bde", both, both)
        return self.fc(mixed.permute(0, 2, 1).flatten(1))


class OptionA(nn.Module):
    """A shortcut without weights: every second pixel, channels of zeros."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.conv = nn.Conv2d(4, 8, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        x = F.relu(self.stem(x))
        short = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2), "constant", 0)
        x = F.relu(self.bn(self.conv(x)) + short)
        return self.fc(F.avg_pool2d(x, x.size()[3]).view(x.size(0), -1))


class OwnNorm(nn.Module):
    """Statistics by hand, over channels, with parameters [C, 1, 1]."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 4, stride=4)
        self.weight = nn.Parameter(torch.ones(8) * 1.5)
        self.bias = nn.Parameter(torch.zeros(8) + 0.1)
        self.fc = nn.Linear(8 * 49, 10)

    def forward(self, x):
        x = self.conv((x - 0.1307) / 0.3081)
        u = x.mean(1, keepdim=True)
        s = (x - u).pow(2).mean(1, keepdim=True)
        x = (x - u) / torch.sqrt(s + 1e-6)
        x = self.weight[:, None, None] * x + self.bias[:, None, None]
        return self.fc(x.flatten(1))


class Shuffle(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.group = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.norm = nn.GroupNorm(2, 8)
        self.act = nn.PReLU(8)
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        x = self.conv(x)
        b, c, h, w = x.shape
        x = x.view(b, 2, c // 2, h, w).transpose(1, 2).reshape(b, c, h, w)
        return self.fc(torch.mean(self.act(self.norm(self.group(x))), dim=(2, 3)))


class Maxout(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(784, 20), nn.Linear(784, 20)
        self.fc = nn.Linear(20, 10)

    def forward(self, x):
        x = nn.Flatten()(x)
        y = torch.max(self.a(x), self.b(x))
        return self.fc(F.normalize(y.clamp(min=0), dim=1) ** 2 - torch.abs(y) * 0.01)


class Conditional(nn.Module):
    """Python decides by shapes and settings."""

    def __init__(self, deep=True):
        super().__init__()
        self.deep = deep
        self.layers = nn.ModuleDict({"a": nn.Linear(784, 30), "b": nn.Linear(30, 30)})
        self.out = nn.Linear(30, 10)

    def forward(self, x):
        if x.dim() == 4:
            x = x.reshape(len(x), -1)
        assert x.shape[-1] == 784
        x = self.layers["a"](x).relu()
        if self.deep:
            x = F.elu(self.layers["b"](x))
        return self.out(x)


class Rows(nn.Module):
    """Convolutions along the rows, channels last and back."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(28, 16, 3, padding=1)
        self.norm = nn.LayerNorm(16)
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = self.conv(x.squeeze(1).transpose(1, 2)).permute(0, 2, 1)
        return self.fc(F.silu(self.norm(x)).sum(1) / x.shape[1])


class Unused(nn.Module):
    """A layer that forward never calls, and a value that nobody reads."""

    def __init__(self):
        super().__init__()
        self.fc, self.spare = nn.Linear(784, 10), nn.Linear(3, 3)

    def forward(self, x):
        x = x.flatten(start_dim=1)
        _ = torch.softmax(x, 1)
        return self.fc(x)


NETS = {
    **{
        cls.__name__: cls
        for cls in (
            *(Residual, Inception, UShape, LastState, TimeMajor, Hidden, Cell, Transformer),
            *(HandAttention, FoldedHeads, Multihead, Fused, Positions, Shared, Functional),
            *(Highway, SqueezeExcite, Stacked, OptionA, OwnNorm, Shuffle, Maxout, Conditional),
            *(Rows, Unused),
        )
    },
    "BothDirections": lambda: LastState(nn.LSTM, True, 2, True),
    "MultiheadTimeMajor": lambda: Multihead(batch_first=False),
    "Sequential": lambda: nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU()),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(4 * 13 * 13, 10),
    ),
}
