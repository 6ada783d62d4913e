"""Whole models of libraries: made for small grey images, weighed before they are built."""

from __future__ import annotations

import importlib.util
import time

import pytest
import torch

from digitlab.errors import SpecError
from digitlab.models.build import build, check_fits, summarize
from digitlab.models.load import load_model
from digitlab.models.spec import ModelSpec
from digitlab.models.whole_model_names import TORCHVISION_MODELS, list_timm, list_whole_models
from digitlab.models.whole_models import model_signature

needs_timm = pytest.mark.skipif(not list_timm(), reason="timm is not installed")


def whole(name: str, image=(1, 28, 28), **args) -> ModelSpec:
    return ModelSpec(name="x", input=image, layers=[{f"torchvision/{name}": args}])


def test_every_classification_model_is_there_and_no_other():
    names = list_whole_models()
    assert len(names) >= 80
    assert "torchvision/resnet18" in names
    assert not any(word in name for name in names for word in ("rcnn", "deeplab", "quantized"))
    signature = model_signature("torchvision/resnet18")
    assert [argument.name for argument in signature.arguments] == ["num_classes", "image_size"]


@pytest.mark.parametrize(
    ("name", "parameters", "size"),
    [
        ("resnet18", 11_175_370, None),
        ("densenet121", 6_957_834, 32),
        ("mobilenet_v3_small", 1_527_818, None),
        ("vit_b_16", None, 64),
        ("squeezenet1_1", 726_474, None),
        ("efficientnet_b0", 4_019_782, None),
        ("shufflenet_v2_x1_0", 1_263_422, None),
        ("regnet_x_400mf", None, None),
        ("swin_t", None, None),
        ("inception_v3", None, 96),
        ("googlenet", None, None),
        ("convnext_tiny", None, 32),
    ],
)
def test_a_model_takes_grey_images_and_tells_ten_classes(name, parameters, size):
    summary = check_fits(load_model(f"torchvision/{name}"), (1, 28, 28), 10)
    (row,) = summary.rows
    assert parameters in (None, summary.parameters)
    assert (f"image_size={size}" in row.arguments) == (size is not None)
    assert row.operations > summary.parameters / 100
    assert row.values > 10_000


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "squeezenet1_1"])
def test_a_model_learns_and_survives_its_text(name):
    spec = whole(name, num_classes=4)
    network, summary = build(spec, seed=0), summarize(spec)
    twin = build(spec, seed=0).state_dict()
    assert all(torch.equal(twin[key], value) for key, value in network.state_dict().items())
    assert sum(p.numel() for p in network.parameters()) == summary.parameters
    output = network(torch.rand(2, 1, 28, 28))
    assert tuple(output.shape) == (2, 4)
    output.sum().backward()
    assert all(key.startswith("0.model.") for key in network.state_dict())
    assert ModelSpec.from_yaml(spec.to_yaml()) == ModelSpec.from_json(spec.to_json()) == spec


def test_a_model_adapts_to_another_dataset():
    spec = whole("squeezenet1_1").for_data((3, 64, 64), 26)
    assert summarize(spec).output_shape == (26,)
    assert build(spec)(torch.rand(2, 3, 64, 64)).shape == (2, 26)


def test_a_model_stands_among_other_layers():
    spec = ModelSpec(
        name="x",
        layers=[
            {"Conv2d": {"out_channels": 3, "kernel_size": 1}},
            {"torchvision/squeezenet1_1": {"num_classes": 32, "image_size": 64}},
            "ReLU",
            {"Linear": {"out_features": 10}},
        ],
    )
    assert build(spec)(torch.rand(2, 1, 28, 28)).shape == (2, 10)


def test_a_model_over_the_limit_is_refused_before_it_takes_memory(monkeypatch):
    summarize(whole("vgg19"))  # torchvision's own first use takes a second
    monkeypatch.setenv("DIGITLAB_MAX_PARAMETERS", "50000000")
    start = time.process_time()
    with pytest.raises(SpecError, match="139,610,058 parameters"):
        build(whole("vgg19"))
    assert time.process_time() - start < 2
    monkeypatch.setenv("DIGITLAB_MAX_PARAMETERS", "1000")
    with pytest.raises(SpecError, match=r"torchvision/resnet18"):
        build(whole("resnet18"))


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([{"torchvision/resnet19": {}}], "did you mean torchvision/resnet1"),
        ([{"torchvision/zzz": {}}], "such as torchvision/resnet18"),
        ([{"torchvision/resnet18": {"weights": "DEFAULT"}}], "never downloads"),
        ([{"torchvision/resnet18": {"classes": 3}}], "did you mean num_classes"),
        ([{"torchvision/resnet18": {"num_classes": 0}}], "at least 1"),
        ([{"torchvision/vit_b_16": {"image_size": 40}}], "a multiple of 16"),
        ([{"torchvision/alexnet": {"image_size": 8}}], "cannot take 1×28×28 images"),
        (["Flatten", {"torchvision/resnet18": {}}], "put it first"),
    ],
)
def test_what_is_wrong_is_said(layers, words):
    with pytest.raises(SpecError, match=words):
        build(ModelSpec(name="x", layers=layers))


def test_the_names_of_torchvision_are_torchvisions_own():
    from torchvision import models

    own = models.list_models(module=models)
    assert sorted(TORCHVISION_MODELS) == sorted(f"torchvision/{name}" for name in own)


def test_without_timm_a_model_of_it_names_the_line_that_installs_it(monkeypatch):
    list_timm.cache_clear()
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "timm" else find(name)
    )
    try:
        spec = load_model("timm/resnet18")
        assert ModelSpec.from_yaml(spec.to_yaml()) == spec
        with pytest.raises(SpecError, match="`pip install timm`"):
            summarize(spec)
        assert not any(name.startswith("timm/") for name in list_whole_models())
    finally:
        list_timm.cache_clear()


@needs_timm
def test_the_names_of_timm_are_timms_own():
    import timm

    assert sorted(list_timm()) == sorted(f"timm/{name}" for name in timm.list_models())
    assert model_signature("timm/resnet18").arguments[0].name == "num_classes"


@needs_timm
@pytest.mark.parametrize(
    ("name", "parameters", "size"),
    [
        ("resnet18", 11_175_370, None),
        ("vit_tiny_patch16_224", 5_393_482, 64),
        ("mobilenetv3_small_100", 1_527_818, None),
        ("convnext_atto", 3_376_450, 32),
        ("mixer_s32_224", 17_412_746, 128),
        ("levit_128s", 7_009_286, 32),
        ("swin_tiny_patch4_window7_224", 27_502_948, 32),
    ],
)
def test_a_model_of_timm_takes_grey_images_and_tells_ten_classes(name, parameters, size):
    summary = check_fits(load_model(f"timm/{name}"), (1, 28, 28), 10)
    assert summary.parameters == parameters
    assert (f"image_size={size}" in summary.rows[0].arguments) == (size is not None)


@needs_timm
@pytest.mark.parametrize("name", ["resnet10t", "mobilevit_xxs"])
def test_a_model_of_timm_is_drawn_by_its_seed_and_learns(name):
    spec = ModelSpec(name="x", layers=[{f"timm/{name}": {"num_classes": 4}}])
    network, twin = build(spec, seed=0), build(spec, seed=0).state_dict()
    assert all(torch.equal(twin[key], value) for key, value in network.state_dict().items())
    output = network(torch.rand(2, 1, 28, 28))
    assert tuple(output.shape) == (2, 4)
    output.sum().backward()
    adapted = spec.for_data((3, 32, 32), 26)
    assert build(adapted)(torch.rand(2, 3, 32, 32)).shape == (2, 26)


@needs_timm
@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([{"timm/resnet19": {}}], "did you mean timm/resnet1"),
        ([{"timm/resnet18": {"weights": "DEFAULT"}}], "never downloads"),
        ([{"timm/vit_tiny_patch16_224": {"image_size": 40}}], "a multiple of 16"),
        ([{"timm/csatv2": {}}], "cannot take 1×28×28 images"),
    ],
)
def test_what_is_wrong_with_a_model_of_timm_is_said(layers, words):
    with pytest.raises(SpecError, match=words):
        build(ModelSpec(name="x", layers=layers))
