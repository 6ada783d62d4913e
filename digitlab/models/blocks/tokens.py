"""Blocks of tokens, [count, features]: images cut into patches, and what makes one answer of them.

- Patches: {patch_size: 4, dim: 64}
- ClassToken
- PositionEmbedding
- TransformerEncoder: {depth: 4, heads: 4}
- FirstToken
- LayerNorm
- Linear: {out_features: 10}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from digitlab.models.arguments import Argument
from digitlab.models.blocks.block import (
    MAX_TIMES,
    Block,
    check_share,
    check_times,
    check_tokens,
    whole,
)
from digitlab.models.placement import MAX_VALUES, Part, Placement, Shape, written

# ---- into tokens -------------------------------------------------------------------------------


class Patches(nn.Module):
    """Square patches, each made one token by the same linear map, [N, C, H, W] → [N, T, D]."""

    def __init__(self, channels: int, dim: int, patch_size: tuple[int, int]) -> None:
        super().__init__()
        self.channels, self.dim, self.patch_size = channels, dim, patch_size
        self.embed = nn.Conv2d(channels, dim, patch_size, stride=patch_size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.embed(x).flatten(2).transpose(1, 2)


def _patches(args: Mapping[str, Any], shape: Shape, placement: Placement) -> Part:
    if len(shape) != 3:
        raise placement.error(
            f"needs [channels, height, width], but {written(shape)} reaches it; put it before "
            f"Flatten."
        )
    patch_size = args["patch_size"]
    patch = patch_size if isinstance(patch_size, tuple) else (patch_size, patch_size)
    if shape[1] % patch[0] or shape[2] % patch[1]:
        common = math.gcd(*shape[1:])
        fitting = ", ".join(str(n) for n in range(1, common + 1) if common % n == 0)
        raise placement.error(
            f"cannot cut {written(shape[1:])} into patches of {written(patch)} evenly; "
            f"choose one of {fitting}.",
            argument="patch_size",
        )
    return whole(lambda: Patches(shape[0], args["dim"], patch), shape, placement)


class ClassToken(nn.Module):
    """One learned token before the others (Dosovitskiy et al. 2020), [N, T, D] → [N, T + 1, D]."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.token = nn.Parameter(torch.zeros(1, dim))
        nn.init.normal_(self.token, std=0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.token.expand(x.shape[0], 1, -1), x], dim=1)


class PositionEmbedding(nn.Module):
    """A learned vector added to each token, by its place, [N, T, D] → [N, T, D]."""

    def __init__(self, tokens: int, dim: int) -> None:
        super().__init__()
        self.tokens, self.dim = tokens, dim
        self.weight = nn.Parameter(torch.zeros(tokens, dim))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.weight


def _class_token(args: Mapping[str, Any], shape: Shape, placement: Placement) -> Part:
    _, dim = check_tokens(shape, placement)
    return whole(lambda: ClassToken(dim), shape, placement)


def _position_embedding(args: Mapping[str, Any], shape: Shape, placement: Placement) -> Part:
    tokens, dim = check_tokens(shape, placement)
    return whole(lambda: PositionEmbedding(tokens, dim), shape, placement)


# ---- out of tokens -----------------------------------------------------------------------------


class MeanTokens(nn.Module):
    """The mean of all tokens, [N, T, D] → [N, D]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=1)


class FirstToken(nn.Module):
    """The first token alone, which ClassToken put there, [N, T, D] → [N, D]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0]


def _mean_tokens(args: Mapping[str, Any], shape: Shape, placement: Placement) -> Part:
    check_tokens(shape, placement)
    return whole(MeanTokens, shape, placement)


def _first_token(args: Mapping[str, Any], shape: Shape, placement: Placement) -> Part:
    check_tokens(shape, placement)
    return whole(FirstToken, shape, placement)


# ---- mixing tokens -----------------------------------------------------------------------------


class TransformerEncoder(nn.Sequential):
    """`depth` layers of self-attention and MLP, normalised first (Vaswani et al. 2017; Xiong et
    al. 2020), each a `torch.nn.TransformerEncoderLayer`, [N, T, D] → [N, T, D]."""

    def __init__(self, dim: int, heads: int, depth: int, hidden: int, dropout: float) -> None:
        super().__init__(
            *(
                nn.TransformerEncoderLayer(
                    dim, heads, hidden, dropout, "gelu", batch_first=True, norm_first=True
                )
                for _ in range(depth)
            )
        )
        self.dim, self.heads, self.depth = dim, heads, depth
        self.hidden, self.dropout = hidden, dropout


def _transformer_encoder(args: Mapping[str, Any], shape: Shape, placement: Placement) -> Part:
    tokens, dim = check_tokens(shape, placement)
    heads, depth = args.get("heads", 4), check_times(args, "depth", placement)
    if dim % heads:
        fitting = ", ".join(str(n) for n in range(1, min(dim, MAX_TIMES) + 1) if dim % n == 0)
        raise placement.error(
            f"splits the {dim} features of a token among {heads} heads, which leaves a remainder; "
            f"choose one of {fitting}.",
            argument="heads",
        )
    if heads * tokens**2 > MAX_VALUES:
        raise placement.error(
            f"compares {tokens:,} tokens with each other in {heads} heads, {heads * tokens**2:,} "
            f"values for one image; at most {MAX_VALUES:,} are allowed. Use larger patches."
        )
    placement.count(8 * depth)  # norms, attention, linear layers
    hidden, dropout = args.get("hidden") or 4 * dim, check_share(args, "dropout", placement)
    make = (dim, heads, depth, hidden, dropout)
    return whole(lambda: TransformerEncoder(*make), shape, placement, alike=depth)


class MixerBlock(nn.Module):
    """An MLP across tokens, then one across features (Tolstikhin et al. 2021), [N, T, D]."""

    def __init__(
        self, tokens: int, dim: int, token_hidden: int, hidden: int, dropout: float
    ) -> None:
        super().__init__()
        self.tokens, self.dim = tokens, dim
        self.token_hidden, self.hidden, self.dropout = token_hidden, hidden, dropout
        self.token_norm, self.norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.token_mlp = self.mlp(tokens, token_hidden, dropout)
        self.feature_mlp = self.mlp(dim, hidden, dropout)

    @staticmethod
    def mlp(size: int, hidden: int, dropout: float) -> nn.Sequential:
        return nn.Sequential(
            nn.Linear(size, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, size)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.token_mlp(self.token_norm(x).transpose(1, 2)).transpose(1, 2)
        return x + self.feature_mlp(self.norm(x))


def _mixer_block(args: Mapping[str, Any], shape: Shape, placement: Placement) -> Part:
    tokens, dim = check_tokens(shape, placement)
    token_hidden = args.get("token_hidden") or max(1, dim // 2)
    hidden, dropout = args.get("hidden") or 4 * dim, check_share(args, "dropout", placement)
    return whole(lambda: MixerBlock(tokens, dim, token_hidden, hidden, dropout), shape, placement)


_HIDDEN = Argument("hidden", int, inferred=True, least=1)
_DROPOUT = Argument("dropout", float, default=0.0)

TOKENS = (
    Block(
        "Patches",
        "Cuts an image into patches and makes each a token of `dim` features (ViT, MLP-Mixer).",
        (
            Argument("patch_size", int | tuple[int, int], required=True, least=1),
            Argument("dim", int, required=True, least=1),
        ),
        _patches,
    ),
    Block("ClassToken", "Adds one learned token before the others; see FirstToken.", (),
          _class_token),
    Block("PositionEmbedding", "Adds a learned vector to each token, by its position.",
          (), _position_embedding),
    Block(
        "TransformerEncoder",
        "Transformer layers: self-attention of every token over all others, then an MLP with "
        "`hidden` units (by default four times the features).",
        (
            Argument("depth", int, default=1, least=1),
            Argument("heads", int, default=4, least=1),
            _HIDDEN,
            _DROPOUT,
        ),
        _transformer_encoder,
    ),
    Block(
        "MixerBlock",
        "An MLP across the tokens, then one across the features of each token (MLP-Mixer).",
        (Argument("token_hidden", int, inferred=True, least=1), _HIDDEN, _DROPOUT),
        _mixer_block,
    ),
    Block("MeanTokens", "The mean of all tokens.", (), _mean_tokens),
    Block("FirstToken", "Keeps the first token only, which ClassToken added.", (), _first_token),
)  # fmt: skip
