"""A prediction is a plain forward pass in evaluation mode, whatever the batches."""

from __future__ import annotations

import pytest
import torch

import digitlab as dl
from digitlab.training.normalize import make_normalization
from digitlab.training.predict import predict_logits


@pytest.fixture
def case(optdigits):
    """A network with batch norm and dropout, its normalisation, and 100 images."""
    model = dl.build(dl.load_model("cnn-small"), seed=0)
    return model, make_normalization("dataset", optdigits.train.images), optdigits.test.images[:100]


def test_it_equals_a_plain_forward_pass(case):
    model, normalization, images = case
    with torch.no_grad():
        plain = model.eval()(normalization(images))
    logits = predict_logits(model, images, normalization)
    assert logits.dtype == torch.float32
    assert torch.allclose(logits, plain, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 7, 100, 1000])
def test_batches_do_not_matter(case, batch_size):
    model, normalization, images = case
    whole = predict_logits(model, images, normalization)
    assert torch.allclose(
        predict_logits(model, images, normalization, batch_size), whole, atol=1e-5
    )


@pytest.mark.parametrize("training", [True, False])
def test_the_model_gets_its_mode_back_and_keeps_its_state(case, training):
    model, normalization, images = case
    model.train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    predict_logits(model, images, normalization)
    assert model.training is training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_mode_comes_back_after_an_error_too(case):
    model, normalization, _ = case
    model.train()
    with pytest.raises(RuntimeError):
        predict_logits(model, torch.zeros(2, 5, 28, 28, dtype=torch.uint8), normalization)
    assert model.training


def test_no_images_give_no_logits(case):
    model, normalization, images = case
    assert predict_logits(model, images[:0], normalization).shape == (0, 10)
