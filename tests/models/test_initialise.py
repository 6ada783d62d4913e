"""First weights: drawn as the spec says, from the seed, and part of what the spec is."""

from __future__ import annotations

import math

import pytest
import torch

from digitlab.errors import SpecError
from digitlab.models.build import build
from digitlab.models.spec import INITS, ModelSpec

LAYERS = [
    {"Conv2d": {"out_channels": 32, "kernel_size": 5}},
    "BatchNorm2d",
    "Flatten",
    {"Linear": {"out_features": 64}},
    {"Linear": {"out_features": 10}},
]
INPUTS = 32 * 24 * 24


def spec(init: str) -> ModelSpec:
    return ModelSpec(name="x", init=init, layers=LAYERS)


def test_normal_is_that_of_the_linear_layers_inputs_with_zero_bias():
    network, plain = build(spec("normal"), seed=0), build(spec("default"), seed=0)
    assert network[3].weight.std().item() == pytest.approx(1 / math.sqrt(INPUTS), rel=0.01)
    assert network[3].weight.abs().max() > 4 / math.sqrt(INPUTS)  # no uniform reaches so far
    assert network[3].bias.abs().sum() == network[4].bias.abs().sum() == 0
    assert torch.equal(network[0].weight, plain[0].weight)
    assert plain[3].bias.abs().sum() > 0


def test_the_others_are_what_their_papers_say():
    kaiming = build(spec("kaiming"), seed=0)
    assert kaiming[0].weight.std().item() == pytest.approx(math.sqrt(2 / 25), rel=0.05)
    xavier = build(spec("xavier"), seed=0)
    limit = math.sqrt(6 / (INPUTS + 64))
    assert 0.99 * limit < xavier[3].weight.abs().max() <= limit
    rows = build(spec("orthogonal"), seed=0)[3].weight
    assert torch.allclose(rows @ rows.T, torch.eye(64), atol=1e-4)


@pytest.mark.parametrize("init", INITS)
def test_a_seed_decides_and_the_spec_remembers(init):
    one, two = build(spec(init), seed=3), build(spec(init), seed=3)
    assert all(map(torch.equal, one.state_dict().values(), two.state_dict().values()))
    assert not torch.equal(one[3].weight, build(spec(init), seed=4)[3].weight)
    torch.manual_seed(3)
    assert torch.equal(build(spec(init))[3].weight, one[3].weight)
    assert ModelSpec.from_yaml(spec(init).to_yaml()) == spec(init)
    assert ModelSpec.from_json(spec(init).to_json()) == spec(init)
    assert spec(init).renamed("y").with_layers(LAYERS[2:]).with_input((1, 8, 8)).init == init
    assert len({spec(other).fingerprint for other in INITS}) == len(INITS)


def test_a_spec_without_init_is_written_and_known_as_before():
    assert "init" not in spec("default").to_yaml()
    assert spec("default").fingerprint == ModelSpec(name="x", layers=LAYERS).fingerprint
    assert spec("normal").to_yaml().splitlines()[2] == "init: normal"


def test_a_wrong_init_is_refused_with_its_line():
    with pytest.raises(SpecError, match="one of default, kaiming") as caught:
        ModelSpec.from_yaml("name: x\ninit: he\nlayers: []\n")
    assert (caught.value.line, caught.value.path) == (2, ("init",))
    with pytest.raises(SpecError):
        ModelSpec(name="x", init=["normal"], layers=[])
