"""Repairs: what is offered for a mistake, that it helps, and that nonsense gets none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.errors import SpecError
from digitlab.models.build import build, check_fits
from digitlab.models.repair import suggest_fix
from digitlab.models.spec import Layer, ModelSpec
from tests.models.test_build import any_layers

CONV = {"Conv2d": {"out_channels": 4, "kernel_size": 3}}
HEAD = ["Flatten", {"Linear": {"out_features": 10}}]
PATCHES = {"Patches": {"patch_size": 4, "dim": 64}}


def repaired(*layers, image=(1, 28, 28)):
    """The label and spec offered for layers that do not tell ten digits apart."""
    spec = ModelSpec(name="x", input=image, layers=layers)
    with pytest.raises(SpecError) as caught:
        check_fits(spec, (1, 28, 28), 10)
    return suggest_fix(spec, caught.value, classes=10)


@pytest.mark.parametrize(
    ("layers", "label"),
    [
        ([CONV, {"Linear": {"in_features": 2704, "out_features": 10}}],
         "Insert Flatten before layer 2"),
        ([CONV, {"Linear": {"out_features": 10}}], "Insert Flatten before layer 2"),
        ([CONV, {"Linear": {"in_features": 784, "out_features": 10}}],
         "Insert Flatten before layer 2, and infer in_features"),
        ([CONV], "Add Flatten and a Linear head"),
        (["Flatten"], "Add a Linear head"),
        ([], "Start with Flatten and Linear"),
        (["Flatten", {"Linear": {"out_features": 26}}], "Let it end with 10 values"),
        ([{"Conv2d": {"in_channels": 3, "out_channels": 4, "kernel_size": 3}}, *HEAD],
         "Leave in_channels to be inferred"),
        ([{"Conv2D": {"out_channels": 4, "kernel_size": 3}}, *HEAD], "Use Conv2d"),
        (["Flatten", {"Dense": {"out_features": 10}}], "Use Linear"),
        ([{"Conv2d": {"out_channel": 4, "kernel_size": 3}}, *HEAD],
         "Rename out_channel to out_channels"),
        ([{"ReLU": {"colour": 3}}, *HEAD], "Remove colour"),
        ([{"Conv2d": {"out_channels": 4}}, *HEAD], "Set kernel_size to 3"),
        (["BatchNorm1d", *HEAD], "Use BatchNorm2d"),
        (["Flatten", "BatchNorm2d", {"Linear": {"out_features": 10}}], "Use BatchNorm1d"),
        (["Flatten", "Dropout2d", {"Linear": {"out_features": 10}}], "Use Dropout1d|Use Dropout$"),
        (["Flatten", CONV, *HEAD], "Move layer 2, Conv2d, before layer 1"),
        (["Flatten", CONV, "ReLU", {"MaxPool2d": {"kernel_size": 2}}, HEAD[1]],
         "Move layer 1, Flatten, after layer 4"),
        ([CONV, {"Linear": {"out_features": 10}}, "Flatten"],
         "Move layer 3, Flatten, before layer 2"),
        (["Flatten", {"Linear": {"out_features": 64}}, CONV, {"Linear": {"out_features": 10}}],
         "Move layer 3, Conv2d, before layer 1"),
        (["Flatten", {"Residual": {"layers": [{"Conv2d": {"out_channels": 1, "kernel_size": 1}}]}},
          HEAD[1]], "Move layer 2, Residual, before layer 1"),
        ([{"MaxPool2d": {"kernel_size": 29}}, *HEAD], "Set kernel_size to 28"),
        ([{"GroupNorm": {"num_groups": 2}}, *HEAD], "Set num_groups to 1"),
        ([{"Linear": {"out_features": 0}}, *HEAD], "Set out_features to 1"),
        ([{"GELU": {"approximate": "Tanh"}}, *HEAD], "Set approximate to tanh"),
        ([{"Residual": {"layers": [CONV]}}, *HEAD], "Pad the convolutions of layer 1"),
        ([{"Residual": {"layers": ["ReLU", "Zork"]}}, *HEAD], "Remove layer 2, Zork"),
        ([{"Residual": {"layers": ["Flatten"]}}, *HEAD], "Remove layer 1, Residual"),
        ([{"Repeat": {"times": 9, "layers": [{"MaxPool2d": {"kernel_size": 2}}]}}, *HEAD],
         "Set kernel_size to 1|Set padding to 1"),
        ([{"Patches": {"patch_size": 5, "dim": 8}}, *HEAD], "Set patch_size to 4"),
        ([PATCHES, {"TransformerEncoder": {"heads": 5}}, "MeanTokens", HEAD[1]], "Set heads to 4"),
        (["TransformerEncoder", "MeanTokens", HEAD[1]], "Insert Patches before layer 1"),
        ([{"torchvision/resnet19": {}}], "Use torchvision/resnet"),
    ],
)  # fmt: skip
def test_a_mistake_gets_its_repair(layers, label):
    told, spec = repaired(*layers)
    assert re.match(label, told), told
    assert check_fits(spec, (1, 28, 28), 10).output_shape == (10,)


def test_repairs_lead_one_after_the_other_to_a_network():
    layers = [
        "BatchNorm1d",
        {"Conv2D": {"filters": 4, "kernel": 3}},
        {"Linear": {"out_features": 3}},
    ]
    spec = ModelSpec(name="x", layers=layers)
    for _ in range(8):
        try:
            check_fits(spec, (1, 28, 28), 10)
            break
        except SpecError as error:
            offer = suggest_fix(spec, error, classes=10)
            assert offer is not None
            spec = offer[1]
    build(spec)


@settings(max_examples=60)
@given(layers=st.lists(any_layers(), min_size=1, max_size=4))
def test_any_mistake_gets_a_spec_or_nothing(layers):
    try:
        spec = ModelSpec(name="x", layers=layers)
    except SpecError:  # blocks too deep inside each other, say
        return
    try:
        check_fits(spec, (1, 28, 28), 10)
    except SpecError as error:
        offer = suggest_fix(spec, error, classes=10)
        assert offer is None or (len(offer[0]) < 120 and isinstance(offer[1], ModelSpec))


def test_other_images_are_adapted_to():
    spec = ModelSpec(name="x", input=(3, 32, 32), layers=HEAD)
    with pytest.raises(SpecError) as caught:
        check_fits(spec, (1, 28, 28), 26)
    label, adapted = suggest_fix(spec, caught.value, classes=26)
    assert label == "Adapt it to 1×28×28 images"
    assert check_fits(adapted, (1, 28, 28), 26)


def test_a_whole_network_for_smaller_images_is_adapted_too():
    label, adapted = repaired(CONV, *HEAD, image=(1, 16, 16))
    assert label == "Adapt it to 1×28×28 images"
    assert check_fits(adapted, (1, 28, 28), 10).output_shape == (10,)


@pytest.mark.parametrize(
    ("image", "kernel", "first"),
    [
        ((1, 32, 32), 32, {"ZeroPad2d": {"padding": 2}}),
        ((3, 64, 64), 60, {"Upsample": {"size": [64, 64], "mode": "bilinear"}}),
    ],
)
def test_a_network_whose_windows_need_larger_images_gets_them_enlarged(image, kernel, first):
    network = [
        {"Conv2d": {"out_channels": 4, "kernel_size": kernel, "name": "a"}},
        {"Conv2d": {"out_channels": 4, "kernel_size": kernel, "name": "b", "from": "input"}},
        {"Add": {"from": ["a", "b"]}},
        *HEAD,
    ]
    label, adapted = repaired(*network, image=image)
    assert label == "Enlarge 1×28×28 images for it"
    assert check_fits(adapted, (1, 28, 28), 10).rows[0].output_shape == (1, *image[1:])
    ((kind, args),) = first.items()
    assert adapted.layers[0] == Layer(kind, args, name="enlarged")


def test_a_network_over_the_limit_has_no_easy_repair():
    spec = ModelSpec(name="x", layers=["Flatten", {"Linear": {"out_features": 10**6}}])
    with pytest.raises(SpecError) as caught:
        build(spec)
    assert suggest_fix(spec, caught.value) is None
