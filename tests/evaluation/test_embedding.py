"""Embeddings keep neighbours together; class means and telling units say which unit is whose."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.evaluation import EvaluationError
from digitlab.evaluation.embedding import class_means, project, telling_units


@pytest.fixture
def clouds():
    """Three clouds of 40 activations [120, 12] and their labels."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40)
    hidden = rng.normal(size=(120, 12)).astype(np.float32)
    hidden[:, :3] += 12 * np.eye(3, dtype=np.float32)[labels]
    return hidden, labels


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_clouds_stay_apart_and_a_projection_is_repeatable(clouds, method):
    hidden, labels = clouds
    points = project(hidden, method)
    assert points.shape == (120, 2)
    assert points.dtype == np.float32
    far = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(far, np.inf)
    assert (labels[far.argmin(axis=1)] == labels).mean() > 0.97
    np.testing.assert_array_equal(points, project(hidden, method))


def test_means_and_the_units_that_tell_classes_apart(clouds):
    hidden, labels = clouds
    means = class_means(hidden, labels, 4)
    np.testing.assert_allclose(means[1], hidden[labels == 1].mean(0), rtol=1e-5)
    assert np.isnan(means[3]).all()  # a class without images
    assert telling_units(means, 3).tolist() == [0, 1, 2]
    assert len(telling_units(means, 99)) == 12


def test_a_single_unit_is_a_line_and_too_little_is_refused():
    assert project(np.arange(5.0)[:, None]).shape == (5, 2)
    assert project(np.arange(5.0)[:, None], "tsne").shape == (5, 2)
    with pytest.raises(EvaluationError, match="at least 3 images; not 2"):
        project(np.ones((2, 4)))
    with pytest.raises(EvaluationError, match="not 'umap'"):
        project(np.ones((5, 4)), "umap")
