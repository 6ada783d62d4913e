"""A person's own module becomes an architecture that computes the same with the same weights."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import digitlab as dl
from digitlab.errors import SpecError
from digitlab.models.classical.catalog import classical_kind
from tests.models.modules.nets import NETS

IMAGES = torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def same_logits(spec, module, images=IMAGES, exact_keys=True):
    """Whether the spec's network gives what the module gives, with the module's state dict."""
    network = dl.build(spec, seed=1)
    state = module.state_dict()
    if exact_keys:
        network.load_state_dict(state)
        own = sum(p.numel() for p in module.parameters())
        assert dl.summarize(spec).parameters == own
    else:
        network.load_state_dict({key: state[key] for key in network.state_dict()})
    with torch.no_grad():
        expected, given = module.eval()(images), network.eval()(images)
    torch.testing.assert_close(given, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NETS)
def test_a_module_and_its_architecture_give_the_same(name):
    torch.manual_seed(0)
    module = NETS[name]()
    before = copy.deepcopy(module.state_dict()) if name != "UShape" else None
    spec = dl.ModelSpec.from_module(module)
    if before:
        assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())
    with torch.no_grad():
        module(IMAGES)  # a lazy layer finds its size; BatchNorm's statistics are not those of zero
    same_logits(spec, module, exact_keys=name != "Unused")
    assert dl.ModelSpec.from_yaml(spec.to_yaml()) == spec


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "squeezenet1_1", "densenet121"])
def test_a_network_of_torchvision_is_a_plain_graph(name):
    from torchvision import models

    torch.manual_seed(0)
    module = models.get_model(name, num_classes=10)
    spec = dl.ModelSpec.from_module(module, (3, 64, 64))
    assert not any("/" in layer.type for layer in spec.layers)
    same_logits(spec, module, torch.rand(2, 3, 64, 64))


PRESETS = [preset.name for preset in dl.list_presets() if classical_kind(preset.spec) is None]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_being_a_module(name):
    module = dl.build(dl.load_model(name), seed=0)
    same_logits(dl.ModelSpec.from_module(module), module, exact_keys=False)


class ByValue(nn.Module):
    def forward(self, x):
        return x.flatten(1)[:, :10] if x.mean() > 0.5 else x.flatten(1)[:, 10:20]


class AcrossBatch(nn.Module):
    def forward(self, x):
        x = x.flatten(1)[:, :10]
        return x - x.mean(0)


class Sorted(nn.Module):
    def forward(self, x):
        return torch.sort(x.flatten(1)[:, :10])[0]


class TwoOutputs(nn.Module):
    def forward(self, x):
        return x.flatten(1), x.mean((2, 3))


class Noisy(nn.Module):
    def forward(self, x):
        return (x + torch.randn_like(x)).flatten(1)


class Assigns(nn.Module):
    def forward(self, x):
        y = x.clone()
        y[:, :, 0] = 0
        return y.flatten(1)


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.tril(torch.ones(28, 28)))

    def forward(self, x):
        return (x * self.mask).flatten(1)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (ByValue(), "decides by what is in an image"),
        (AcrossBatch(), "mean goes over the images of a batch"),
        (Sorted(), "sort is no layer"),
        (TwoOutputs(), "gives several tensors"),
        (Noisy(), "draws random numbers"),
        (Assigns(), "assigns to a part of a tensor"),
        (Masked(), "the buffer mask, which a spec cannot hold"),
        (nn.Linear(700, 10), "fails on 1×28×28 images"),
        (nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 10, 28)), "weight_norm in"),
        ("resnet18", "takes an nn.Module; not str"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_what_is_no_layer_is_named(module, words):
    with pytest.raises(SpecError, match=words):
        dl.ModelSpec.from_module(module)


def test_reading_a_module_leaves_it_and_the_random_state_alone():
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(10))
    module.eval()
    state = torch.random.get_rng_state()
    dl.ModelSpec.from_module(module)
    assert torch.equal(state, torch.random.get_rng_state())
    assert not module.training
    assert not module[0]._forward_hooks
    assert int(module[1].num_batches_tracked) == 0


def test_a_change_in_place_that_reaches_further_is_refused_not_lost():
    class InPlace(nn.Module):
        def forward(self, x):
            y = x.flatten(1)
            F.relu(y.sub_(0.5), inplace=True)
            return x.reshape(x.size(0), -1)[:, :10]  # the same memory: changed, too

    with pytest.raises(SpecError, match="that its layers do not say"):
        dl.ModelSpec.from_module(InPlace())
