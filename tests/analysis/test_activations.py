"""Inside a network: its weights and maps are what it really computes with."""

from __future__ import annotations

import pytest
import torch

import digitlab as dl
from digitlab.analysis.activations import first_weights, layer_maps, list_outputs
from digitlab.errors import RunError
from digitlab.models.build import build
from digitlab.training.normalize import Normalization

SHAPE = (1, 28, 28)
SCALE = Normalization(0.13, 0.31)
CNN = """
  - Conv2d: {out_channels: 80, kernel_size: 3}
  - ReLU: {inplace: true}
  - Dropout
  - Flatten
  - Linear: {out_features: 10}
"""


def model_of(layers):
    spec = dl.ModelSpec.from_yaml(f"name: any\ninput: [1, 28, 28]\nlayers:\n{layers}")
    return build(spec, seed=0).eval()


def test_the_pictures_of_logistic_regression_are_its_classes(run_id):
    model = dl.open_run(run_id).model
    found = first_weights(model, SHAPE)
    assert found.kind == "pixels"
    assert found.per_class
    weight = next(model.parameters()).detach()
    assert torch.equal(found.values, weight.view(10, 28, 28))


def test_kernels_are_a_convolution_s_and_at_most_64_are_shown():
    model = model_of(CNN)
    found = first_weights(model, SHAPE)
    assert (found.kind, found.total, found.per_class) == ("kernels", 80, False)
    assert torch.equal(found.values, model[0].weight.detach()[:64, 0])


def test_hidden_units_are_no_classes():
    found = first_weights(model_of("  - Flatten\n  - Linear: {out_features: 12}\n  - ReLU\n"
                                   "  - Linear: {out_features: 10}\n"), SHAPE)  # fmt: skip
    assert found.values.shape == (12, 28, 28)
    assert not found.per_class


def test_weights_of_something_else_than_pixels_are_no_pictures():
    model = model_of(
        "  - AvgPool2d: {kernel_size: 2}\n  - Flatten\n  - Linear: {out_features: 10}\n"
    )
    assert first_weights(model, SHAPE) is None


@pytest.mark.parametrize(("name", "expected"), [("logistic-regression-sklearn", 10), ("knn", None)])
def test_classical_models_show_their_coefficients_or_nothing(optdigits, name, expected):
    run = dl.train(name, optdigits.subset(200), dl.TrainConfig(), progress=False)
    found = first_weights(run.model, SHAPE)
    assert (None if found is None else len(found.values)) == expected
    assert list_outputs(run.model, SHAPE) == ()


def test_maps_are_what_the_layers_give_even_where_the_next_works_in_place(optdigits):
    model, image = model_of(CNN), optdigits.test.images[3]
    outputs = list_outputs(model, SHAPE)
    assert [(one.kind, one.shape) for one in outputs] == [
        ("Conv2d", (80, 26, 26)),
        ("ReLU", (80, 26, 26)),
        ("Linear", (10,)),
    ]
    with torch.no_grad():
        expected = model[0](SCALE(image[None]))[0, :64]
    maps = layer_maps(model, image, SCALE, "0")
    torch.testing.assert_close(maps, expected)
    assert maps.min() < 0
    torch.testing.assert_close(layer_maps(model, image, SCALE, "1"), expected.relu())
    assert layer_maps(model, image, SCALE, "4").shape == (1, 1, 10)
    assert layer_maps(model, image, SCALE, "0", side=13).shape == (64, 13, 13)
    assert not any(module._forward_hooks for module in model.modules())


def test_an_unknown_layer_is_refused(optdigits):
    with pytest.raises(RunError, match="no layer 'nosuch'"):
        layer_maps(model_of(CNN), optdigits.test.images[0], SCALE, "nosuch")


def test_a_whole_model_has_layers_too(optdigits):
    model = model_of("  - torchvision/squeezenet1_1: {num_classes: 10}\n")
    outputs = list_outputs(model, SHAPE)
    assert len(outputs) > 20
    maps = layer_maps(model, optdigits.test.images[0], SCALE, outputs[0].name)
    assert maps.shape[0] == 64
    assert first_weights(model, SHAPE).kind == "kernels"
