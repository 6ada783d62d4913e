"""A small vision transformer for digits; attention written with einops."""
import torch
from einops import rearrange, repeat
from einops.layers.torch import Rearrange
from torch import nn

WIDTH, HEADS, PATCH, SIDE = 32, 4, 7, 28


class DigitAttention(nn.Module):
    def __init__(self, width, heads, p_drop=0.0):
        super().__init__()
        assert width % heads == 0, "heads must divide the width"
        self.heads = heads
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.merge = nn.Linear(width, width) if heads > 1 else nn.Identity()
        self.drop = nn.Dropout(p_drop)

    def forward(self, tokens):
        queries, keys, values = (
            rearrange(part, "n t (h f) -> n h t f", h=self.heads)
            for part in self.project(tokens).chunk(3, dim=-1)
        )
        scores = queries @ keys.transpose(-2, -1) / (queries.shape[-1] ** 0.5)
        mixed = self.drop(scores.softmax(dim=-1)) @ values
        return self.merge(rearrange(mixed, "n h t f -> n t (h f)"))


class Shortcut(nn.Module):
    """Normalises, applies what it holds, and adds its input."""

    def __init__(self, inner, width):
        super().__init__()
        self.before = nn.LayerNorm(width)
        self.inner = inner

    def forward(self, tokens, **options):
        return tokens + self.inner(self.before(tokens), **options)


class DigitTransformer(nn.Module):
    def __init__(self, *, channels=1, classes=10, depth=2, answer_from="first"):
        super().__init__()
        assert answer_from in ("first", "mean")
        per_side = SIDE // PATCH
        self.embed = nn.Sequential(
            Rearrange("n c (y a) (x b) -> n (y x) (a b c)", a=PATCH, b=PATCH),
            nn.Linear(channels * PATCH**2, WIDTH),
        )
        self.answer = nn.Parameter(0.02 * torch.randn(1, 1, WIDTH))
        self.place = nn.Parameter(0.02 * torch.randn(1, per_side**2 + 1, WIDTH))
        self.steps = nn.ModuleList()
        for _ in range(depth):
            mlp = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))
            pair = [Shortcut(DigitAttention(WIDTH, HEADS), WIDTH), Shortcut(mlp, WIDTH)]
            self.steps.append(nn.ModuleList(pair))
        self.answer_from = answer_from
        self.head = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, classes))

    def forward(self, digits):
        tokens = self.embed(digits)
        n, count, _ = tokens.shape
        tokens = torch.cat([repeat(self.answer, "() t f -> n t f", n=n), tokens], dim=1)
        tokens += self.place[:, : count + 1]
        for attend, think in self.steps:
            tokens = think(attend(tokens))
        summary = tokens[:, 0] if self.answer_from == "first" else tokens.mean(dim=1)
        return self.head(summary)


model = DigitTransformer()
