"""`Joined`: several trained networks that answer as one, by the mean or by a vote."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from digitlab.training.normalize import Normalization


class Joined(nn.Module):
    """Networks with the normalisation each was trained with: pixels 0…1 [N, C, H, W] → logits."""

    def __init__(self, members: Sequence[tuple[nn.Module, Normalization]], how: str) -> None:
        super().__init__()
        self.members = nn.ModuleList(network for network, _ in members)
        self.scales = [(one.mean, one.std) for _, one in members]
        self.how = how

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = [
            network((x - mean) / std).float()
            for network, (mean, std) in zip(self.members, self.scales, strict=True)
        ]
        return join_logits(torch.stack(logits), self.how)


def join_logits(logits: torch.Tensor, how: str) -> torch.Tensor:
    """Members' logits float32 [M, N, C] → logits [N, C], logarithms of the joint probabilities.

    "mean": the mean of the members' softmax. "vote": a vote for each member's likeliest class, of
    equal ones the first, and the mean as one vote more, over M + 1.
    """
    mean = logits.log_softmax(-1).logsumexp(0) - math.log(len(logits))
    if how == "mean":
        return mean
    votes = nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).sum(0)
    shares = (votes + mean.exp()) / (len(logits) + 1)
    return shares.clamp(min=torch.finfo(torch.float32).tiny).log()
