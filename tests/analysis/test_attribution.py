"""Attribution maps: of the right shape, with the right sign, by methods that fit the model."""

from __future__ import annotations

import pytest
import torch

import digitlab as dl
from digitlab.analysis.attribution import METHODS, attribute, fitting_methods
from digitlab.errors import RunError
from digitlab.models.build import build
from digitlab.training.normalize import Normalization

SHAPE = (1, 28, 28)
SCALE = Normalization(0.13, 0.31)


def model_of(layers):
    spec = dl.ModelSpec.from_yaml(f"name: any\ninput: [1, 28, 28]\nlayers:\n{layers}")
    return build(spec, seed=0).eval()


CNN = """
  - Conv2d: {out_channels: 4, kernel_size: 3}
  - ReLU
  - Flatten
  - Linear: {out_features: 10}
"""
LINEAR = "  - Flatten\n  - Linear: {out_features: 10}\n"


def logit(model, image, target):
    with torch.no_grad():
        return float(model(SCALE(image[None]))[0, target])


@pytest.mark.parametrize("layers", [LINEAR, CNN])
def test_integrated_gradients_add_up_to_what_the_image_adds_to_the_logit(optdigits, layers):
    model, image = model_of(layers), optdigits.test.images[3]
    found = attribute(model, image, 3, "integrated-gradients", SCALE)
    assert found.shape == (28, 28)
    assert found.dtype == torch.float32
    gained = logit(model, image, 3) - logit(model, torch.zeros_like(image), 3)
    assert float(found.sum()) == pytest.approx(gained, abs=0.02)


@pytest.mark.parametrize("method", ["integrated-gradients", "occlusion"])
def test_ink_where_the_class_s_weights_are_positive_speaks_for_it(method):
    model = model_of(LINEAR)
    weight = torch.zeros(10, 1, 28, 28)
    weight[7, 0, 4:12, 4:12], weight[7, 0, 16:24, 16:24] = 1.0, -1.0
    with torch.no_grad():
        model[-1].weight.copy_(weight.flatten(1))
    found = attribute(model, torch.full((1, 28, 28), 200, dtype=torch.uint8), 7, method, SCALE)
    assert found[5:11, 5:11].min() > 0
    assert found[17:23, 17:23].max() < 0
    assert found[0:2, 24:].abs().max() < 1e-4


def test_grad_cam_looks_where_the_last_convolution_fires():
    model = model_of(CNN)
    with torch.no_grad():
        model[0].weight.fill_(1.0)
        model[0].bias.zero_()
        model[-1].weight.fill_(0.1)
    image = torch.zeros(1, 28, 28, dtype=torch.uint8)
    image[0, 2:10, 2:10] = 255
    found = attribute(model, image, 0, "grad-cam", Normalization(0.0, 1.0))
    assert found[4:8, 4:8].mean() > 10 * found[16:, 16:].abs().mean()


def test_methods_that_do_not_fit_are_not_offered_and_are_refused(optdigits):
    assert fitting_methods(model_of(CNN), SHAPE) == tuple(METHODS)
    linear = model_of(LINEAR)
    assert fitting_methods(linear, SHAPE) == ("integrated-gradients", "occlusion")
    with pytest.raises(RunError, match="Grad-CAM does not fit this model"):
        attribute(linear, optdigits.test.images[0], 0, "grad-cam", SCALE)
    with pytest.raises(RunError, match="not 'lime'"):
        attribute(linear, optdigits.test.images[0], 0, "lime", SCALE)
    with pytest.raises(RunError, match="one of 0 to 9; not 10"):
        attribute(linear, optdigits.test.images[0], 10, "occlusion", SCALE)


def test_a_classical_model_is_asked_by_occlusion_alone(optdigits):
    run = dl.train("naive-bayes", optdigits, dl.TrainConfig(), progress=False)
    assert fitting_methods(run.model, SHAPE) == ("occlusion",)
    found = attribute(run.model, optdigits.test.images[0], 0, "occlusion", run.normalization)
    assert found.isfinite().all()
    assert found.abs().max() > 0


@pytest.mark.parametrize("name", ["squeezenet1_1", "in place"])
def test_whole_models_with_layers_that_work_in_place(optdigits, name):
    if name == "in place":
        layers = "  - Conv2d: {out_channels: 4, kernel_size: 3}\n  - ReLU: {inplace: true}\n"
        layers += "  - AdaptiveAvgPool2d: {output_size: 3}\n  - Flatten\n"
        layers += "  - Linear: {out_features: 10}\n"
    else:
        layers = f"  - torchvision/{name}: {{num_classes: 10}}\n"
    model, image = model_of(layers), optdigits.test.images[0]
    for method in fitting_methods(model, SHAPE):
        assert attribute(model, image, 1, method, SCALE).shape == (28, 28)
    assert not any(module._forward_hooks for module in model.modules())
