"""Fast layers are as random and as exact as PyTorch's, and leave nothing behind."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from digitlab.training.fast_layers import use_fast_layers

LAST = torch.channels_last


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_drops_its_share_and_scales_the_rest(share, dtype):
    torch.manual_seed(0)
    inputs = torch.ones(64, 32, 9, 9, dtype=dtype).to(memory_format=LAST).requires_grad_()
    layer = nn.Dropout(share)
    with use_fast_layers(layer):
        out = layer(inputs)
    out.sum().backward()
    dropped = out.detach() == 0
    deviation = (share * (1 - share) / inputs.numel()) ** 0.5
    assert abs(dropped.double().mean() - share) < 5 * deviation
    kept = out.detach()[~dropped].float()
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - share)), rtol=4e-3, atol=0)
    assert torch.equal(inputs.grad, out.detach())
    assert out.is_contiguous(memory_format=LAST)


def test_dropout_follows_the_seed_and_each_element_by_itself():
    layer, inputs = nn.Dropout(0.5), torch.ones(1000, 1001)
    with use_fast_layers(layer):
        torch.manual_seed(3)
        first, second = layer(inputs), layer(inputs)
        torch.manual_seed(3)
        assert torch.equal(layer(inputs), first)
    assert not torch.equal(first, second)
    kept = (first > 0).double()
    for shift in range(1, 9):  # neighbours share their random numbers' bytes, but no bit
        together = (kept[:, shift:] * kept[:, :-shift]).mean()
        assert abs(together - 0.25) < 0.003


@pytest.mark.parametrize("share", [0.0, 1e-6, 1.0])
def test_extreme_shares_are_left_to_pytorch(share):
    layer, inputs = nn.Dropout(share), torch.ones(100, 100)
    with use_fast_layers(layer):
        out = layer(inputs)
    assert torch.isfinite(out).all()
    assert (out == 0).double().mean() == pytest.approx(share, abs=1e-3)


def test_what_is_no_dense_block_is_dropped_from_as_well():
    layer = nn.Dropout(0.5)
    with use_fast_layers(layer):
        for inputs in (torch.ones(50, 80).t(), torch.ones(50, 1).expand(50, 80), torch.ones(0, 3)):
            out = layer(inputs)
            assert out.shape == inputs.shape
            assert set(out.unique().tolist()) <= {0.0, 2.0}


def test_nothing_is_dropped_where_answers_are_given_and_nothing_stays_behind():
    layer, inputs = nn.Sequential(nn.Flatten(), nn.Dropout(0.5)), torch.rand(4, 2, 3, 3)
    before = {name: set(vars(module)) for name, module in layer.named_modules()}
    with use_fast_layers(layer):
        assert torch.equal(layer.eval()(inputs), inputs.flatten(1))
    assert {name: set(vars(module)) for name, module in layer.named_modules()} == before
    assert not any(module._forward_pre_hooks for module in layer.modules())
    torch.manual_seed(0)
    out = layer.train()(inputs)
    torch.manual_seed(0)
    assert torch.equal(out, nn.functional.dropout(inputs.flatten(1), 0.5))


def test_flattened_images_get_the_same_gradient_in_their_own_layout():
    torch.manual_seed(0)
    layers = nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(5 * 36, 3))
    images, gradients = torch.randn(8, 5, 12, 12).to(memory_format=LAST), []
    pooled = []
    layers[0].register_full_backward_hook(lambda _m, _i, out: pooled.append(out[0]))
    for fast in (False, True):
        inputs = images.clone().requires_grad_()
        if fast:
            with use_fast_layers(layers):
                layers(inputs).square().sum().backward()
        else:
            layers(inputs).square().sum().backward()
        gradients.append(inputs.grad)
    assert torch.equal(*gradients)
    assert [gradient.is_contiguous(memory_format=LAST) for gradient in pooled] == [False, True]
