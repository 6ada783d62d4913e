"""Batch normalisation over several ranks is PyTorch's own where there is one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from digitlab.training.batch_norm import shared_statistics
from digitlab.training.ranks import ALONE, Ranks, joined


@pytest.fixture
def one_rank(tmp_path):
    with joined(tmp_path, 0, 1, torch.device("cpu")):
        yield Ranks(0, 2)  # which is told that there are two


@pytest.mark.parametrize(
    "options", [{}, {"affine": False}, {"momentum": None}, {"track_running_stats": False}]
)
@pytest.mark.parametrize(("kind", "shape"), [("1d", ()), ("1d", (5,)), ("2d", (4, 3))])
def test_of_one_rank_it_is_that_of_pytorch(one_rank, kind, shape, options):
    torch.manual_seed(0)
    ours = getattr(nn, f"BatchNorm{kind}")(3, **options)
    theirs = getattr(nn, f"BatchNorm{kind}")(3, **options)
    given = torch.randn(8, 3, *shape) * 3 + 100
    inputs = [given.clone().requires_grad_() for _ in range(2)]
    weights = torch.randn(8, 3, *shape)
    with shared_statistics(ours, one_rank):
        for _ in range(2):
            answers = ours(inputs[0]), theirs(inputs[1])
            torch.testing.assert_close(*answers, rtol=1e-4, atol=1e-4)
        for answer in answers:
            (answer * weights).sum().backward()
        torch.testing.assert_close(inputs[0].grad, inputs[1].grad, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(dict(ours.state_dict()), dict(theirs.state_dict()))
        torch.testing.assert_close(ours.eval()(given), theirs.eval()(given))
    assert "forward" not in vars(ours)


def test_one_value_for_each_channel_is_refused_as_by_pytorch(one_rank):
    module = nn.BatchNorm1d(3)
    with (
        shared_statistics(module, one_rank),
        pytest.raises(ValueError, match="more than 1 value per channel"),
    ):
        module(torch.zeros(1, 3))


def test_what_trains_alone_or_normalises_otherwise_is_left_as_it_is(one_rank):
    class Own(nn.BatchNorm2d):
        pass

    model = nn.Sequential(Own(3), nn.BatchNorm2d(3))
    with shared_statistics(model, ALONE):
        assert "forward" not in vars(model[1])
    with shared_statistics(model, one_rank):
        assert ["forward" in vars(module) for module in model] == [False, True]
