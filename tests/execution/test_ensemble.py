"""An ensemble answers as its members do together, and is a run like any other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import digitlab as dl
from digitlab.errors import ExportError, RunError
from digitlab.training.ensemble import combine_logits


@pytest.fixture
def members(train_tiny):
    """Three networks that were shown pixels on different scales."""
    scales = ("dataset", "none", "half")
    return [train_tiny(epochs=1, seed=i, normalization=by) for i, by in enumerate(scales)]


def test_the_mean_is_that_of_the_members_probabilities(members, train_tiny, optdigits):
    images = optdigits.test.images
    members[2] = train_tiny("knn")  # networks and classical models go together
    run = dl.ensemble([member.id for member in members])
    expected = np.mean([member.predict(images) for member in members], axis=0)
    np.testing.assert_allclose(run.predict(images), expected, atol=1e-6)
    np.testing.assert_allclose(run.evaluate("test").probabilities, expected, atol=1e-6)
    assert run.record.test_accuracy == (expected.argmax(1) == optdigits.test.labels.numpy()).mean()


def test_a_vote_is_won_by_the_most_and_ties_by_the_surer(members, optdigits):
    logits = torch.log(torch.tensor([
        [[0.9, 0.1, 0.0], [0.6, 0.4, 0.0]],
        [[0.4, 0.6, 0.0], [0.1, 0.9, 0.0]],
        [[0.4, 0.6, 0.0], [0.3, 0.3, 0.4]],
    ]) + 1e-9)  # fmt: skip
    shares = combine_logits(logits, "vote").exp()
    assert shares.argmax(1).tolist() == [1, 1]  # the mean would say 0 to the first
    assert combine_logits(logits, "mean").argmax(1).tolist() == [0, 1]
    torch.testing.assert_close(shares.sum(1), torch.ones(2))
    images = optdigits.test.images[:80]
    told = np.stack([member.predict(images).argmax(1) for member in members])
    run = dl.ensemble(members, "vote")
    for read, votes in zip(run.predict(images).argmax(1), told.T, strict=True):
        assert (votes == read).sum() == np.bincount(votes).max()


def test_it_is_stored_and_opened_like_any_run(members):
    run = dl.ensemble(members, name="All three")
    again = dl.open_run(run.id)
    assert again.record == run.record
    assert again.record.members == [member.id for member in members]
    assert again.record.name == "All three"
    assert again.record.parameters == sum(member.record.parameters for member in members)
    assert again.evaluate("val").n == members[0].evaluate("val").n
    assert again.history.epochs == []
    dl.label_run(run.id, tags=["mine"])
    dl.delete_run(run.id)
    assert dl.open_run(members[0].id)


def test_members_stand_side_by_side_in_its_architecture(train_tiny):
    run = dl.ensemble([train_tiny(), train_tiny(seed=1)])
    assert dl.summarize(run.spec).parameters == run.record.parameters


def test_a_member_that_was_deleted_is_named_and_the_results_hold(members, optdigits):
    run = dl.ensemble(members)
    accuracy = run.evaluate("test").accuracy
    dl.delete_run(members[1].id)
    left = dl.open_run(run.id)
    assert left.evaluate("test").accuracy == accuracy
    with pytest.raises(RunError, match=f"{members[1].id} was deleted.*saved results still hold"):
        left.predict(optdigits.test.images[:1])


def test_it_draws_a_graph_where_all_are_networks(train_tiny, optdigits, tmp_path):
    import onnxruntime

    run = dl.ensemble([train_tiny(), train_tiny(seed=1)])
    path = str(dl.export(run, "onnx", tmp_path / "net.onnx"))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    images = optdigits.test.images[:5]
    _, told = session.run(["logits", "probabilities"], {"images": images.numpy()})
    np.testing.assert_allclose(told, run.predict(images), atol=1e-5)
    with pytest.raises(ExportError, match="export its members instead"):
        dl.export(run, "py")


def test_a_drawing_is_read_by_it(members, optdigits):
    run = dl.ensemble(members[:2])
    picture = 255 - optdigits.test.images[0, 0].numpy()
    assert dl.recognize(np.kron(picture, np.ones((6, 6), np.uint8)), run.id).text


def test_what_cannot_be_joined_is_said(train_tiny, tiny):
    with pytest.raises(RunError, match="2 to 20 members; 1 were given"):
        dl.ensemble([tiny])
    with pytest.raises(RunError, match="once"):
        dl.ensemble([tiny, tiny])
    with pytest.raises(RunError, match="mean or vote"):
        dl.ensemble([tiny, train_tiny(seed=1)], "median")
    with pytest.raises(RunError, match="need the same data"):
        dl.ensemble([tiny.id, "reader-cnn"])
    joined = dl.ensemble([tiny, train_tiny(seed=1)])
    with pytest.raises(RunError, match="is not trained"):
        dl.repeat(joined.id, seed=3)
    with pytest.raises(RunError, match="is an ensemble and has no seed"):
        dl.run_seeds(joined.id, 3)


def test_ensembles_can_be_joined_again(train_tiny, optdigits):
    first = dl.ensemble([train_tiny(), train_tiny(seed=1)])
    both = dl.ensemble([first, train_tiny(seed=2)])
    assert both.predict(optdigits.test.images[:3]).shape == (3, 10)
