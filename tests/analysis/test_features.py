"""Nearest training images: found by the network's own last hidden layer, kept with the run."""

from __future__ import annotations

import pytest
import torch

import digitlab as dl
from digitlab import owners
from digitlab.analysis import features
from digitlab.analysis.features import last_hidden
from digitlab.errors import RunError
from digitlab.jobs import requests
from digitlab.runs import run_folder


def by_hand(run, images):
    """The input of a two-layer network's last linear layer."""
    scaled = run.normalization(images)
    with torch.inference_mode():
        return run.model[:-1](scaled)


def test_they_are_what_enters_the_last_linear_layer(train_tiny, optdigits):
    run = train_tiny("two-hidden-64-relu", epochs=1)
    found = last_hidden(run.model, optdigits.train.images[:7], run.normalization, batch_size=3)
    assert found.dtype == torch.float16
    expected = by_hand(run, optdigits.train.images[:7])
    torch.testing.assert_close(found.float(), expected, rtol=2e-3, atol=2e-3)


def test_a_network_without_a_linear_layer_gives_its_logits(optdigits):
    spec = dl.ModelSpec.from_yaml(
        "name: none\ninput: [1, 28, 28]\nlayers:\n"
        "  - Conv2d: {out_channels: 10, kernel_size: 28}\n  - Flatten\n"
    )
    run = dl.train(spec, optdigits, dl.TrainConfig(epochs=1), progress=False)
    images = optdigits.train.images[:5]
    found = last_hidden(run.model, images, run.normalization).float()
    torch.testing.assert_close(found, run.predict_logits(images), rtol=2e-3, atol=2e-3)


def test_they_leave_the_network_as_it_was(tiny, optdigits):
    tiny.model.train()
    last_hidden(tiny.model, optdigits.train.images[:2], tiny.normalization)
    assert tiny.model.training
    assert not any(module._forward_pre_hooks for module in tiny.model.modules())


def test_they_are_kept_and_read_again_and_progress_is_told(tiny, optdigits):
    told = []
    assert not features.has_features(tiny)
    made = features.compute_features(tiny, optdigits.train, lambda *at: told.append(at))
    assert features.has_features(tiny)
    assert told[-1] == (len(optdigits.train), len(optdigits.train))
    kept = features.read_features(tiny)
    assert torch.equal(kept.values, made.values)
    assert kept.positions.tolist() == list(range(len(optdigits.train)))
    assert kept.total == len(optdigits.train)


def test_a_few_stand_for_all_where_all_would_need_too_much(tiny, optdigits, monkeypatch):
    monkeypatch.setattr(features, "MAX_BYTES", 100 * 2 * 784)
    made = features.compute_features(tiny, optdigits.train)
    assert len(made.positions) == 100
    assert made.total == len(optdigits.train)
    assert features.features_path(tiny).stat().st_size < 200_000
    again = features.compute_features(tiny, optdigits.train)
    assert torch.equal(made.positions, again.positions)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_an_image_is_nearest_to_itself_and_the_rest_is_in_order(train_tiny, optdigits, metric):
    run = train_tiny("two-hidden-64-relu", epochs=1)
    kept = features.compute_features(run, optdigits.train)
    found = features.nearest(run, kept, optdigits.train.images[17], 5, metric)
    assert found[0].position == 17
    assert found[0].distance == pytest.approx(0, abs=0.02)
    distances = [one.distance for one in found]
    assert distances == sorted(distances)
    others = features.nearest(run, kept, optdigits.train.images[17], 4, metric, exclude=17)
    assert [one.position for one in others] == [one.position for one in found[1:]]
    every = by_hand(run, optdigits.train.images)
    if metric == "euclidean":
        exact = (every - every[17]).norm(dim=1)
    else:
        exact = 1 - torch.nn.functional.cosine_similarity(every, every[17:18])
    assert others[0].distance == pytest.approx(float(exact.sort().values[1]), abs=0.02)


def test_another_metric_is_refused(tiny, optdigits):
    kept = features.compute_features(tiny, optdigits.train)
    with pytest.raises(RunError, match="cosine or euclidean; not 'manhattan'"):
        features.nearest(tiny, kept, optdigits.train.images[0], 3, "manhattan")


def test_damaged_or_missing_ones_are_said_so(tiny):
    with pytest.raises(RunError, match=r"no features\.safetensors"):
        features.read_features(tiny)
    features.features_path(tiny).write_bytes(b"half")
    with pytest.raises(RunError, match="damaged"):
        features.read_features(tiny)


def test_only_its_owner_fills_the_disk_with_them_and_no_more_than_a_share(
    train_tiny, optdigits, monkeypatch
):
    with owners.acting_for("a" * 32):
        run = train_tiny()
        key = dl.share_run(run.id)
    other = owners.Visitor("b" * 32, keys=frozenset({key}))
    with owners.acting_for(other):
        requests.hidden_sample(run.id, "test", None)
        with pytest.raises(RunError, match="is not yours"):
            requests.compute_features(run.id)
        with pytest.raises(RunError, match="is not yours"):
            requests.find_train_label_issues(run.id, "train", None, "pixels")
    assert not list(run.folder.glob("embedding*"))
    monkeypatch.setenv("DIGITLAB_VISITOR_DISK", "1000000")
    with owners.acting_for("a" * 32):
        with pytest.raises(RunError, match="DIGITLAB_VISITOR_DISK"):
            features.compute_features(run, optdigits.train)
        assert not features.features_path(run).exists()
        monkeypatch.delenv("DIGITLAB_VISITOR_DISK")
        features.compute_features(run, optdigits.train)


def test_new_weights_make_old_ones_stale(tiny, optdigits):
    features.compute_features(tiny, optdigits.train)
    weights = tiny.folder / run_folder.WEIGHTS
    later = features.features_path(tiny).stat().st_mtime + 10
    import os

    os.utime(weights, (later, later))
    assert not features.has_features(tiny)


def test_those_of_a_bundled_run_lie_in_the_home(home):
    reader = dl.open_run("reader-cnn")
    assert features.features_path(reader).is_relative_to(home)
