"""An autoencoder is exported as what gives images; some kinds of file are not for it."""

from __future__ import annotations

import numpy as np
import pytest

import digitlab as dl
from digitlab.errors import ExportError
from digitlab.exports.export import formats_of, subject_of


@pytest.fixture
def run(train_tiny):
    return train_tiny("vae", loss="reconstruction", epochs=1)


def test_an_onnx_file_gives_the_same_images(run, optdigits, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(dl.export(run, "onnx", tmp_path / "net.onnx"))
    images = optdigits.test.images[:9].numpy()
    (given,) = session.run(["reconstructions"], {"images": images})
    np.testing.assert_allclose(given, run.reconstruct(images), atol=1e-5)


def test_a_zip_is_imported_with_its_errors(run, optdigits, tmp_path):
    copy = dl.import_run(dl.export(run, "zip", tmp_path / "run.zip"))
    assert (copy.task, copy.record.test_loss) == ("reconstruct", run.record.test_loss)
    np.testing.assert_array_equal(
        copy.measure_reconstruction().errors, run.measure_reconstruction().errors
    )
    np.testing.assert_allclose(
        copy.reconstruct(optdigits.test.images[:3]), run.reconstruct(optdigits.test.images[:3])
    )
    assert copy.history.epochs[0]["train_accuracy"] is None


def test_what_needs_an_accuracy_says_that_there_is_none(run, tmp_path):
    formats = formats_of(subject_of(run))
    assert {"py", "yaml", "safetensors", "onnx", "zip", "tensorboard", "epochs"} == set(formats)
    for name in ("report", "card", "notebook", "csv"):
        with pytest.raises(ExportError, match="it is an autoencoder, which reads no digits"):
            dl.export(run, name, tmp_path / "file")
