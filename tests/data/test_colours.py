"""Images in colours and of other sizes: read, kept, trained on, evaluated and shown."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

import digitlab as dl
from digitlab.data import own
from digitlab.errors import RunError, SpecError, UploadError
from digitlab.figures.data import pixel_values
from digitlab.figures.images import contact_sheet, image_grid
from tests.data.test_forms import hugging_face, npz

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 60, (60, 20, 20, 3), dtype=np.uint8)  # red, green and blue squares
LABELS = np.arange(60) % 3
for image, label in zip(COLOURS, LABELS, strict=True):
    image[4:16, 4:16, label] = 220


def in_folders(images, size=None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for i, (image, label) in enumerate(zip(images, LABELS, strict=True)):
            picture = io.BytesIO()
            picked = Image.fromarray(image)
            (picked.resize(size) if size else picked).save(picture, "PNG")
            archive.writestr(f"{label}{'rgb'[label]}/{i:02}.png", picture.getvalue())
    return buffer.getvalue()


FORMS = {
    "a.zip": in_folders(COLOURS),
    "a.npz": npz(images=COLOURS, labels=LABELS),
    "first.npz": npz(images=np.moveaxis(COLOURS, 3, 1), labels=LABELS),
    "a.parquet": hugging_face(COLOURS, LABELS),
}


@pytest.mark.parametrize("name", FORMS)
def test_colours_are_kept_where_they_are_asked_for(name):
    read = dl.read_images(FORMS[name], name, size="as it is", colour=True)
    assert read.images.shape == (60, 3, 20, 20)
    order = np.argsort(read.labels, kind="stable")
    expected = np.argsort(LABELS, kind="stable")
    np.testing.assert_array_equal(read.images[order], np.moveaxis(COLOURS[expected], 3, 1))
    assert "colour=True" in read.source
    assert dl.read_images(FORMS[name], name).images.shape == (60, 1, 28, 28)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"size": 32}, (1, 32, 32)),
        ({"size": 128, "colour": True}, (3, 128, 128)),
        ({"size": "as it is"}, (1, 128, 128)),
        ({"colour": True}, (3, 28, 28)),
    ],
)
def test_images_get_the_size_that_is_asked_for(options, shape):
    read = dl.read_images(in_folders(COLOURS, (300, 200)), "a.zip", **options)
    assert read.images.shape == (60, *shape)


@pytest.mark.parametrize("size", [4, 129, 1_000_000, "large"])
def test_other_sizes_are_refused(size):
    with pytest.raises(UploadError, match="size is 8 to 128"):
        dl.read_images(FORMS["a.zip"], "a.zip", size=size)


def test_grey_images_of_another_size_are_put_upright_and_inverted():
    test = dl.load_dataset("optdigits").test
    digits, labels = test.images[:60, 0].numpy(), test.labels[:60].numpy()
    large = 255 - digits.repeat(2, 1).repeat(2, 2).swapaxes(1, 2)
    read = dl.read_images(npz(images=large, labels=labels), "a.npz", size=56)
    np.testing.assert_array_equal(read.images[:, 0, ::2, ::2], digits)


def test_a_preset_trains_on_colours_and_reads_nothing_else(optdigits):
    read = dl.read_images(FORMS["a.zip"], "a.zip", size="as it is", colour=True)
    own.add_images("colours", read)
    assert own.describe("colours").shape == (3, 20, 20)
    config = dl.TrainConfig(epochs=4, batch_size=8, learning_rate=0.01, device="cpu")
    run = dl.train("cnn-small", "colours", config, progress=False)
    assert run.spec.input == (3, 20, 20)
    assert run.evaluate("test").accuracy > 0.9
    assert run.predict(read.images[:5]).shape == (5, 3)
    with pytest.raises(RunError, match=r"Choose a dataset|of the shape \[3, 20, 20\]"):
        run.evaluate("test", optdigits)
    own_spec = dl.load_model("cnn-small").with_layers(dl.load_model("cnn-small").layers[1:])
    with pytest.raises(SpecError, match="for_data"):
        dl.train(own_spec, "colours", config, progress=False)


@pytest.mark.parametrize("ending", ["npz", "zip"])
def test_what_was_exported_in_colours_is_read_back_so(tmp_path, ending):
    read = dl.read_images(FORMS["a.zip"], "a.zip", size="as it is", colour=True)
    own.add_images("colours", read)
    path = dl.export_dataset("colours", tmp_path / f"a.{ending}")
    again = dl.read_images(path)
    assert again.images.shape == (60, 3, 20, 20)
    assert sorted(map(bytes, again.images)) == sorted(map(bytes, read.images))


def test_a_drawing_is_not_read_by_a_network_of_colours():
    own.add_images("colours", dl.read_images(FORMS["a.zip"], "a.zip", colour=True))
    config = dl.TrainConfig(epochs=1, batch_size=16, device="cpu")
    run = dl.train("logistic-regression", "colours", config, progress=False)
    with pytest.raises(RunError, match="28"):
        dl.recognize(255 - COLOURS[0, :, :, 0], run)


def test_figures_show_colours():
    images = np.moveaxis(COLOURS, 3, 1)
    assert contact_sheet(images[:4], scale=1).getpixel((10, 10)) == (*COLOURS[0, 10, 10], 255)
    assert image_grid(images).data[0].type == "image"
    assert pixel_values(images[0]).data[0].type == "image"
