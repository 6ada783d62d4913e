"""Muon steps as PyTorch's own optimizers do, whatever the shape and layout of the weights."""

from __future__ import annotations

import pytest
import torch

from digitlab.training.muon import Muon


def network(layout):
    torch.manual_seed(0)
    layers = (torch.nn.Conv2d(3, 4, 3, stride=2), torch.nn.Flatten(), torch.nn.Linear(16, 2))
    return torch.nn.Sequential(*layers).to(memory_format=layout)


def take_steps(model, optimizers, before_step=lambda: None):
    images = torch.randn(8, 3, 5, 5, generator=torch.Generator().manual_seed(1))
    for _ in range(3):
        for optimizer in optimizers:
            optimizer.zero_grad()
        model(images).square().mean().backward()
        before_step()
        for optimizer in optimizers:
            optimizer.step()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_filters_are_the_rows_of_a_matrix_and_biases_are_left_to_adamw(layout):
    model, other = network(layout), network(torch.contiguous_format)
    options = {"lr": 0.05, "weight_decay": 0.1}
    take_steps(model, [Muon(model.parameters(), **options)])

    conv, _, linear = other
    filters = conv.weight.detach().flatten(1)
    matrices = [filters, linear.weight]
    muon = torch.optim.Muon(matrices, adjust_lr_fn="match_rms_adamw", **options)
    adamw = torch.optim.AdamW([conv.bias, linear.bias], **options)

    def give_gradient():
        filters.grad, conv.weight.grad = conv.weight.grad.flatten(1), None

    take_steps(other, [muon, adamw], give_gradient)
    for weight, expected in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(weight, expected, rtol=0.02, atol=2e-3)  # bfloat16 inside


def test_a_network_may_have_only_matrices_or_only_vectors():
    transposed = torch.ones(2, 3, 4, 4).transpose(0, 1)  # lies in memory as no matrix
    for values in (torch.ones(3, 4), torch.ones(3), transposed):
        weight = torch.nn.Parameter(values)
        optimizer = Muon([weight], lr=0.1, weight_decay=0.0)
        weight.square().sum().backward()
        optimizer.step()
        assert (weight < 1).all()


def test_a_parameter_that_had_no_part_in_the_loss_stays():
    model = network(torch.channels_last)
    optimizer = Muon(model.parameters(), lr=0.1, weight_decay=0.1)
    before = model[0].weight.detach().clone()
    model[2](torch.ones(1, 16)).sum().backward()
    optimizer.step()
    assert torch.equal(model[0].weight, before)
