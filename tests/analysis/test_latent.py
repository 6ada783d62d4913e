"""The latent space of an autoencoder: it is found, and images are made from it."""

from __future__ import annotations

import numpy as np
import pytest

import digitlab as dl
from digitlab.analysis.latent import LatentSpace, Plane, interpolate
from digitlab.analysis.novelty import KINDS, find_novel, strange_images
from digitlab.errors import RunError

FAST = {"loss": "reconstruction", "learning_rate": 0.003, "epochs": 2}


@pytest.mark.parametrize(
    ("name", "size", "normal"),
    [("autoencoder", 32, False), ("autoencoder-conv", 16, False), ("vae", 20, True)],
)
def test_what_is_encoded_and_decoded_is_the_reconstruction(
    name, size, normal, train_tiny, optdigits
):
    run = train_tiny(name, **FAST)
    space, images = LatentSpace(run), optdigits.test.images[:30]
    assert (space.layer, space.size, space.is_normal, space.decodes) == (
        "latent", size, normal, True)  # fmt: skip
    values = space.encode(images)
    assert values.shape == (30, size)
    np.testing.assert_allclose(space.decode(values), run.reconstruct(images), atol=1e-5)


def test_the_narrowest_layer_is_taken_where_none_is_called_latent(train_tiny, optdigits):
    sizes = (64, 8, 64)
    layers = ["Flatten"]
    for size in sizes:
        layers += [{"Linear": {"out_features": size}}, "ReLU"]
    spec = dl.ModelSpec(name="plain", layers=[*layers, {"Linear": {"out_features": 784}}])
    space = LatentSpace(train_tiny(spec, **FAST))
    assert (space.layer, space.size) == ("4", 8)  # after the ReLU
    assert (space.encode(optdigits.test.images[:5]) >= 0).all()


def test_a_network_with_a_skip_connection_cannot_decode_and_says_so(train_tiny, optdigits):
    conv = {"out_channels": 4, "kernel_size": 3, "padding": 1}
    spec = dl.ModelSpec(
        name="u-net",
        layers=[
            {"Conv2d": {"name": "wide", **conv}},
            {"MaxPool2d": {"kernel_size": 4}},
            {"Conv2d": {"name": "latent", **conv, "out_channels": 2}},
            {"Upsample": {"name": "up", "scale_factor": 4}},
            {"Concatenate": {"from": ["up", "wide"]}},
            {"Conv2d": {**conv, "out_channels": 1}},
        ],
    )
    space = LatentSpace(train_tiny(spec, **FAST, subset=100))
    assert space.encode(optdigits.test.images[:3]).shape == (3, 98)
    assert not space.decodes
    with pytest.raises(RunError, match="reads layers before latent"):
        space.decode(np.zeros((1, 98)))


def test_a_classifier_has_none(tiny):
    with pytest.raises(RunError, match="is a classifier"):
        LatentSpace(tiny)


def test_a_plane_holds_what_varies_most():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 5)) * (5, 0.01, 3, 0.01, 0.01) + 7
    plane = Plane(values)
    np.testing.assert_allclose(plane.values(plane.points(values)), values, atol=0.1)
    assert plane.grid(3).shape == (9, 2)
    two = Plane(values[:, :2])
    np.testing.assert_allclose(two.points(values[:, :2]), values[:, :2], rtol=1e-5)
    first, *_, last = interpolate(values[0], values[1], 5)
    np.testing.assert_allclose([first, last], values[:2], rtol=1e-5)


def test_noise_comes_back_worse_than_digits(train_tiny, optdigits):
    run = train_tiny("autoencoder", **{**FAST, "epochs": 4})
    errors = run.measure_reconstruction().errors
    novel = find_novel(run, errors, optdigits.test.images, 20)
    assert set(novel) == set(KINDS)
    images, values, separation = novel["noise"]
    assert images.shape == (20, 1, 28, 28)
    assert values.min() > errors.mean()
    assert separation.area > 0.99
    assert separation.detection_rate > 0.9
    assert (errors > separation.threshold).mean() == pytest.approx(0.05, abs=0.01)
    again = strange_images("letters", optdigits.test.images, 20)
    assert (again.numpy() == novel["letters"][0]).all()
    with pytest.raises(RunError, match="one of letters, shapes, turned"):
        strange_images("cats", optdigits.test.images)
