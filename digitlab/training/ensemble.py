"""`Ensemble`: several trained networks that answer together, by their mean or by a vote."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from digitlab.training.normalize import Normalization


class Ensemble(nn.Module):
    """Networks, each with the normalisation that it was trained with, as one module.

    Takes pixels from 0 to 1, float32 [N, 1, H, W]; gives the logits [N, C] of `combine_logits`.
    """

    def __init__(self, members: Sequence[tuple[nn.Module, Normalization]], how: str) -> None:
        super().__init__()
        self.members = nn.ModuleList(network for network, _ in members)
        self.normalizations = [(values.mean, values.std) for _, values in members]
        self.how = how

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = [
            network((x - mean) / std).float()
            for network, (mean, std) in zip(self.members, self.normalizations, strict=True)
        ]
        return combine_logits(torch.stack(logits), self.how)


def combine_logits(logits: torch.Tensor, how: str) -> torch.Tensor:
    """Logits float32 [M, N, C] of M members → [N, C], logarithms of their joint probabilities.

    With "mean", the probabilities are the mean of the members' softmax. With "vote", each member
    votes for its most likely class (the first of equal ones), and the mean counts as one more vote:
    the probabilities are shares of M + 1 votes.
    """
    mean = logits.log_softmax(-1).logsumexp(0) - math.log(len(logits))
    if how == "mean":
        return mean
    votes = nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).sum(0)
    shares = (votes + mean.exp()) / (len(logits) + 1)
    return shares.clamp(min=torch.finfo(torch.float32).tiny).log()
