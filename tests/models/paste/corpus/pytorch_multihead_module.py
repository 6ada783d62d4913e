import torch
import torch.nn as nn


class EncoderLayer(nn.Module):
    def __init__(self, dim, heads, mlp):
        super().__init__()
        self.ln_1 = nn.LayerNorm(dim)
        self.attn = nn.MultiheadAttention(dim, heads, dropout=0.1, batch_first=True)
        self.ln_2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp), nn.GELU(), nn.Linear(mlp, dim))

    def forward(self, x):
        y = self.ln_1(x)
        y, _ = self.attn(y, y, y, need_weights=False)
        x = x + y
        return x + self.mlp(self.ln_2(x))


class ViT(nn.Module):
    def __init__(self, patch=7, dim=32, depth=2, heads=2):
        super().__init__()
        self.patch = patch
        self.proj = nn.Linear(patch * patch, dim)
        self.cls = nn.Parameter(torch.randn(1, 1, dim))
        self.register_buffer("scale", torch.tensor(0.5))
        self.pos = nn.Embedding((28 // patch) ** 2 + 1, dim)
        self.layers = nn.ModuleList([EncoderLayer(dim, heads, dim * 2) for _ in range(depth)])
        self.head = nn.Linear(dim, 10)

    def patchify(self, x):
        B, C, H, W = x.shape
        p = self.patch
        x = x.reshape(B, C, H // p, p, W // p, p)
        x = x.permute(0, 2, 4, 1, 3, 5)
        return x.reshape(B, (H // p) * (W // p), C * p * p)

    def forward(self, x):
        tokens = self.proj(self.patchify(x))
        tokens = torch.cat([self.cls.repeat(x.shape[0], 1, 1), tokens], dim=1)
        positions = torch.arange(tokens.shape[1])
        tokens = tokens + self.scale * self.pos(positions)
        for layer in self.layers:
            tokens = layer(tokens)
        return self.head(tokens[:, 0, :])
