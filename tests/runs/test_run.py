"""A run is opened by name, answers as its network does, and says clearly what it cannot do."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

import digitlab as dl
from digitlab.data.reading.images import LabelledImages
from digitlab.errors import DatasetError, DatasetMissingError, RunError, RunNotFoundError
from digitlab.runs import checkpoints, run_folder, store
from digitlab.words import percent


def test_predictions_are_the_networks_softmax(tiny, optdigits):
    images = optdigits.test.images[:20]
    probabilities = tiny.predict(images)
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (20, 10)
    assert np.allclose(probabilities.sum(1), 1, atol=1e-6)
    with torch.no_grad():
        plain = tiny.model(tiny.normalization(images)).softmax(1).numpy()
    assert np.allclose(probabilities, plain, atol=1e-6)
    assert not tiny.model.training


def test_arrays_of_any_layout_are_predicted_like_tensors(tiny, optdigits):
    images = optdigits.test.images[:5].numpy()
    expected = tiny.predict(torch.from_numpy(images))
    flipped = np.ascontiguousarray(images[..., ::-1])[..., ::-1]  # the same, by negative strides
    read_only = images.copy()
    read_only.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for array in (images, flipped, read_only, np.asfortranarray(images)):
            assert np.array_equal(tiny.predict(array), expected)
    assert tiny.predict(images[:0]).shape == (0, 10)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (np.zeros((2, 1, 28, 28), np.float32), "float32"),
        (np.zeros((2, 1, 28, 28), np.int64), "int64"),
        (np.zeros((2, 28, 28), np.uint8), "2, 28, 28"),
        (np.zeros((1, 28, 28), np.uint8), "1, 28, 28"),
        (np.zeros((2, 3, 28, 28), np.uint8), "2, 3, 28, 28"),
        (np.zeros((2, 1, 27, 28), np.uint8), "2, 1, 27, 28"),
        (np.zeros(784, np.uint8), "784"),
        (np.zeros((2, 1, 28, 28), object), "ndarray"),
        ("five", "str"),
        (None, "NoneType"),
    ],
)
def test_what_are_no_images_is_refused_by_shape_and_dtype(tiny, wrong, said):
    with pytest.raises(RunError, match=said) as caught:
        tiny.predict(wrong)
    assert caught.value.run_id == tiny.id


@pytest.mark.parametrize("split", ["test", "val"])
def test_the_saved_evaluation_equals_predicting_again(tiny, optdigits, split):
    saved = tiny.evaluate(split)
    part = optdigits.split(split)
    again = tiny.predict(part.images)
    assert saved.n == len(part)
    assert np.array_equal(saved.labels, part.labels.numpy())
    assert np.allclose(saved.probabilities, again, atol=1e-5)
    assert saved.accuracy == (again.argmax(1) == part.labels.numpy()).mean()
    assert saved.accuracy == pytest.approx(getattr(tiny.record, f"{split}_accuracy"))
    assert saved.loss == pytest.approx(getattr(tiny.record, f"{split}_loss"))
    with_data = tiny.evaluate(split, optdigits)
    assert np.array_equal(with_data.confusion, saved.confusion)


def test_the_training_split_is_predicted_now(tiny, optdigits):
    result = tiny.evaluate("train")
    assert result.n == len(optdigits.train)
    assert result.accuracy > 0.93


def test_another_dataset_can_be_evaluated(tiny, optdigits):
    upside_down = optdigits.test.images.flip(2)
    from dataclasses import replace

    other = replace(optdigits, test=replace(optdigits.test, images=upside_down))
    assert tiny.evaluate("test", other).accuracy < tiny.evaluate("test").accuracy - 0.2


def test_an_unknown_split_is_named(tiny):
    with pytest.raises(DatasetError, match=r"train, val, test; not 'testing'"):
        tiny.evaluate("testing")


def test_a_run_without_validation_says_so(train_tiny):
    run = train_tiny(val_fraction=0)
    assert run.record.val_accuracy is None
    with pytest.raises(RunError, match="no val split"):
        run.evaluate("val")


def test_opening_again_gives_the_same_network_and_history(tiny, optdigits):
    again = dl.open_run(tiny.id)
    assert again.record == tiny.record
    assert again.spec == dl.load_model("logistic-regression")
    assert again.config.epochs == 3
    assert again.classes == tuple("0123456789")
    images = optdigits.test.images[:50]
    assert np.array_equal(again.predict(images), tiny.predict(images))
    assert len(again.history.epochs) == 3
    assert [e["epoch"] for e in again.history.epochs] == [1, 2, 3]
    assert again.history.steps[-1]["step"] == again.record.total_steps == again.record.step


def test_a_run_opens_by_its_beginning(train_tiny):
    first, second = train_tiny(), train_tiny("two-hidden-16-relu")
    assert dl.open_run(first.id[:-3]).id == first.id
    assert dl.open_run("two").id == second.id
    assert dl.open_run("latest").id == second.id


def test_a_beginning_that_fits_several_lists_them(train_tiny):
    first, second = train_tiny(), train_tiny()
    with pytest.raises(RunNotFoundError, match="type more of the id") as caught:
        dl.open_run("logistic-r")
    assert first.id in str(caught.value)
    assert second.id in str(caught.value)


@pytest.mark.parametrize("unknown", ["nobody", "", "../x", "LOGISTIC", "latest-one"])
def test_an_unknown_run_is_named(tiny, unknown):
    with pytest.raises(RunNotFoundError, match=f"no run {unknown!r}"):
        dl.open_run(unknown)


def test_without_runs_there_is_no_latest():
    with pytest.raises(RunNotFoundError, match="no run of your own yet"):
        dl.open_run("latest")


def test_runs_are_listed_newest_first(train_tiny):
    ids = [train_tiny(seed=seed).id for seed in range(3)]
    assert [run.id for run in dl.list_runs() if not run.record.bundled] == ids[::-1]
    assert [run.id for run in dl.list_runs(bundled=False)] == ids[::-1]


def test_a_run_shows_what_it_is(tiny):
    assert repr(tiny).startswith(f"Run({tiny.id!r}: logistic-regression on optdigits, finished, ")
    assert percent(tiny.record.test_accuracy) in repr(tiny)


def test_refresh_sees_what_changed(tiny):
    store.update_run(tiny.id, message="changed")
    assert tiny.record.message == ""
    assert tiny.refresh().record.message == "changed"


def test_an_interrupted_run_with_weights_can_be_evaluated_and_used(tiny, optdigits):
    """As a killed process leaves it: weights of an epoch, but no predictions and no figures."""
    expected = tiny.evaluate("test").accuracy
    (tiny.folder / run_folder.PREDICTIONS).unlink()
    store.update_run(tiny.id, status="interrupted", test_accuracy=None, ended=None)
    run = dl.open_run(tiny.id)
    assert run.evaluate("test").accuracy == expected
    assert run.predict(optdigits.test.images[:3]).shape == (3, 10)


def test_a_run_without_weights_says_what_to_do(tiny, optdigits):
    (tiny.folder / run_folder.WEIGHTS).unlink()
    assert dl.open_run(tiny.id).predict(optdigits.test.images[:1]).shape == (1, 10)  # checkpoint
    shutil.rmtree(tiny.folder / checkpoints.FOLDER)
    run = dl.open_run(tiny.id)
    assert run.evaluate("test").n == 359  # its predictions are still there
    with pytest.raises(RunError, match=r"no weights\.safetensors.*Train it again"):
        run.predict(optdigits.test.images[:1])


def test_a_waiting_run_has_no_weights_yet(add_record, optdigits):
    run = dl.open_run(add_record(status="queued").id)
    with pytest.raises(RunError, match="queued and has no weights yet"):
        run.predict(optdigits.test.images[:1])
    with pytest.raises(RunError, match="queued and has no weights yet"):
        run.evaluate("test")


def test_weights_of_another_architecture_are_refused(tiny, train_tiny, optdigits):
    other = train_tiny("two-hidden-16-relu")
    (tiny.folder / run_folder.WEIGHTS).write_bytes((other.folder / run_folder.WEIGHTS).read_bytes())
    with pytest.raises(RunError, match="do not fit its architecture"):
        dl.open_run(tiny.id).predict(optdigits.test.images[:1])


def upload(dataset, count=50, classes=None):
    test = dataset.test
    return LabelledImages(
        "mine.npz",
        test.images[:count].numpy(),
        test.labels[:count].numpy(),
        tuple(classes or dataset.classes),
        (),
    )


def test_its_own_dataset_by_name_gives_the_saved_answers(tiny):
    by_name = tiny.evaluate("test", dataset="optdigits")
    assert np.array_equal(by_name.logits, tiny.evaluate("test").logits)


def test_a_dataset_object_is_read_now(tiny, optdigits):
    few = upload(optdigits).as_dataset()
    result = tiny.evaluate("test", dataset=few)
    assert result.n == 50
    expected = tiny.evaluate("test")
    np.testing.assert_array_equal(result.predictions, expected.predictions[:50])


def test_a_file_of_labelled_images_is_a_dataset(tiny, optdigits, tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, images=optdigits.test.images, labels=optdigits.test.labels)
    data = dl.read_images(path).as_dataset()
    assert tiny.evaluate("test", dataset=data).accuracy == tiny.evaluate("test").accuracy
    with pytest.raises(RunError, match="upload has no val split"):
        tiny.evaluate("val", dataset=data)


def test_a_dataset_that_is_not_here_is_said_so(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))
    with pytest.raises(DatasetMissingError, match="USPS is not on this machine"):
        tiny.evaluate("test", dataset="usps")
    with pytest.raises(DatasetError, match="There is no dataset 'mnits'"):
        tiny.evaluate("test", dataset="mnits")


def test_other_classes_are_refused(tiny, optdigits):
    clothes = upload(optdigits, classes=["T-shirt", *"123456789"]).as_dataset()
    with pytest.raises(RunError, match=r"0, 1, 2, 3 … \(10 classes\); upload has T-shirt, 1"):
        tiny.evaluate("test", dataset=clothes)
    binary = upload(optdigits, classes=["even", "odd"]).as_dataset()
    with pytest.raises(RunError, match="upload has even, odd"):
        tiny.evaluate("test", dataset=binary)


def test_another_image_size_is_refused(tiny, optdigits):
    parts = {
        name: replace(optdigits.split(name), images=optdigits.split(name).images[..., :20])
        for name in dl.SPLITS
    }
    with pytest.raises(RunError, match=r"\[1, 28, 28\]; those of optdigits are \[1, 28, 20\]"):
        tiny.evaluate("test", dataset=replace(optdigits, **parts))


def test_without_saved_predictions_the_network_reads_again(tiny):
    before = tiny.evaluate("test")
    (tiny.folder / run_folder.PREDICTIONS).unlink()
    after = dl.open_run(tiny.id).evaluate("test")
    np.testing.assert_allclose(after.logits, before.logits, atol=1e-4)


def test_half_written_predictions_are_said_to_be_damaged(tiny):
    path = tiny.folder / run_folder.PREDICTIONS
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(RunError, match="damaged"):
        tiny.evaluate("test")


@pytest.mark.parametrize("classes", [2, 47])
def test_any_number_of_classes(optdigits, classes):
    """A dataset of other classes, made by hand, trained on and taken apart."""
    names = tuple(f"class {i}" for i in range(classes))
    info = replace(optdigits.info, name="by-hand", classes=names)
    parts = {
        name: replace(optdigits.split(name), labels=optdigits.split(name).labels % classes)
        for name in dl.SPLITS
    }
    data = replace(optdigits, info=info, **parts)
    layers = f"  - Flatten\n  - Linear: {{out_features: {classes}}}\n"
    spec = dl.ModelSpec.from_yaml(f"name: any\ninput: [1, 28, 28]\nlayers:\n{layers}")
    run = dl.train(spec, data, dl.TrainConfig(epochs=1), progress=False)
    result = dl.open_run(run.id).evaluate("test")
    assert len(result.per_class) == classes
    assert result.confusion.shape == (classes, classes)


def test_a_network_of_large_activations_predicts_few_images_at_once(train_tiny, monkeypatch):
    run, sizes = train_tiny("one-hidden-linear"), []
    taken = dl.summarize(run.spec).activation_bytes
    monkeypatch.setenv("DIGITLAB_COMPUTE_MEMORY", str(4 * 3 * taken))
    run.model.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    assert run.predict(np.zeros((10, 1, 28, 28), np.uint8)).shape == (10, 10)
    assert sizes == [3, 3, 3, 1]
