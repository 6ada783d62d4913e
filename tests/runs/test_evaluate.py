"""`run.evaluate` on any dataset that fits, and clear sentences for those that do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import digitlab as dl
from digitlab.data.upload import LabelledImages, read_labelled_images
from digitlab.errors import DatasetError, DatasetMissingError, RunError
from digitlab.runs import run_folder


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
    data = read_labelled_images(path).as_dataset()
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
