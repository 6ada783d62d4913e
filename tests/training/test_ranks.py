"""Ranks divide a batch, weigh their parts, and drop other values."""

from __future__ import annotations

import pytest
import torch

from digitlab.training.ranks import ALONE, Ranks


@pytest.mark.parametrize(("images", "size"), [(64, 2), (63, 2), (7, 3), (5, 5), (2, 3)])
def test_the_weighted_means_of_the_parts_have_the_mean_of_the_batch(images, size):
    batch = torch.rand(images, dtype=torch.float64)
    ranks = [Ranks(rank, size) for rank in range(size)]
    parts = [rank.part(batch) for rank in ranks]
    assert sum(map(len, parts)) == (images if images >= size else images * size)
    means = [part.mean() * rank.weight(images) for part, rank in zip(parts, ranks, strict=True)]
    assert float(sum(means) / size) == pytest.approx(float(batch.mean()))


def test_each_rank_drops_other_values_which_depend_on_the_step_alone():
    drawn = {}
    for rank in range(3):
        for step in (1, 2):
            torch.manual_seed(0)
            Ranks(rank, 3).seed_dropout(7, step)
            drawn[rank, step] = float(torch.rand(1))
    assert drawn[0, 1] == drawn[0, 2]  # rank 0 keeps its generator, whose state is saved
    assert len(set(drawn.values())) == 5


def test_a_rank_that_is_alone_shares_nothing():
    model, values = torch.nn.Linear(2, 2), torch.rand(3)
    assert ALONE.wrap(model, torch.device("cpu"), compiled=False) is model
    assert torch.equal(ALONE.part(values), values)
    assert ALONE.total(values) is values
    assert ALONE.agree(lambda: "save") == "save"
    assert ALONE.leads
