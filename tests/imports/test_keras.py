"""What Keras trained is read with the same answers, from each of the files that Keras writes."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import digitlab as dl
from digitlab.errors import DigitlabError, NetworkFileError
from digitlab.imports.contents import Contents, read_contents
from digitlab.imports.read import read_network
from digitlab.imports.state_dict import fit_weights

FILES = Path(__file__).parent / "keras_files"
EXPECTED = json.loads((FILES / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("end", ["keras", "h5"])
@pytest.mark.parametrize("name", EXPECTED)
def test_a_network_of_keras_reads_as_many_test_images_as_it_did_there(name, end, optdigits):
    run = dl.import_network(FILES / f"{name}.{end}", data=optdigits)
    result = run.evaluate("test")
    assert round(result.accuracy * result.n) == EXPECTED[name]["correct"]
    outputs = run.predict_logits(optdigits.test.images[:3])
    expected = torch.tensor(EXPECTED[name]["outputs"])
    outputs = outputs.softmax(1) if name == "cnn" else outputs
    torch.testing.assert_close(outputs, expected, atol=1e-4, rtol=1e-4)
    assert run.record.normalization == {"mean": 0.0, "std": 1.0}
    assert run.record.data.imported["format"].startswith("Keras")


def test_layers_keep_the_names_that_the_author_gave():
    spec = read_network(FILES / "functional.keras").spec
    names = {layer.name for layer in spec.layers}
    assert names >= {"stem", "stem_bn", "branch.depthwise", "branch.pointwise", "scores"}


def test_weights_alone_fit_the_same_network_in_pytorchs_words(optdigits):
    layers = [{"Conv2d": {"out_channels": 4, "kernel_size": 5, "stride": 2}}, "ReLU",
              {"MaxPool2d": {"kernel_size": 2}},
              {"Conv2d": {"out_channels": 8, "kernel_size": 3, "padding": 1}}, "ReLU", "Flatten",
              {"Linear": {"out_features": 10}}]  # fmt: skip
    spec = dl.ModelSpec(name="Again", layers=layers)
    for end in ("weights.h5", "h5", "keras"):
        run = dl.import_network(FILES / f"cnn.{end}", spec, optdigits)
        assert round(run.record.test_accuracy * 359) == EXPECTED["cnn"]["correct"], end
    with pytest.raises(NetworkFileError, match="without an architecture"):
        read_network(FILES / "cnn.weights.h5")


@pytest.mark.parametrize("front", [[], [{"Permute": {"dims": [2, 3, 1]}}]])
@pytest.mark.parametrize("between", [["Dropout"], ["ReLU", "BatchNorm1d", "Identity"]])
def test_weights_behind_a_flatten_are_turned_whatever_stands_between(between, front):
    torch.manual_seed(0)
    layers = [{"Conv2d": {"out_channels": 3, "kernel_size": 5, "stride": 4}}, *front, "Flatten",
              *between,
              {"Linear": {"out_features": 10}}]  # fmt: skip
    spec = dl.ModelSpec(name="Flat", layers=layers)
    network = dl.build(spec).eval()
    for value in network.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.1)
    channels_last = torch.arange(108).reshape(3, 6, 6).permute(1, 2, 0).reshape(-1)
    arrays = {}
    for key, value in network.state_dict().items():
        if value.dim() and value.shape[-1] == 108 and not front:
            value = value[..., channels_last]
        arrays[key] = value
    contents = Contents("hdf5", "0" * 64, "x.weights.h5", arrays)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("digitlab.imports.state_dict._tensors", lambda contents: contents.tensors)
        imported = fit_weights(contents, spec)
    images = torch.rand(4, 1, 28, 28)
    torch.testing.assert_close(imported.build()(images), network(images))


# ---- files that are no good ---------------------------------------------------------------------


def hdf5(make):
    """The bytes of an HDF5 file that `make` fills."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        make(file)
    return buffer.getvalue()


def refusal(content):
    with pytest.raises(DigitlabError) as caught:
        read_network(content)
    return str(caught.value)


def test_an_hdf5_file_that_leads_elsewhere_is_not_followed(tmp_path):
    secret = tmp_path / "secret.h5"
    secret.write_bytes(hdf5(lambda f: f.create_dataset("secret", data=np.ones(3))))

    def external(file):
        file["layers"] = h5py.ExternalLink(str(secret), "/secret")

    def soft(file):
        file["a"] = np.ones(3)
        file["b"] = h5py.SoftLink("/a")

    def virtual(file):
        layout = h5py.VirtualLayout(shape=(3,), dtype="f8")
        layout[:] = h5py.VirtualSource(str(secret), "secret", shape=(3,))
        file.create_virtual_dataset("a", layout)

    def stored_outside(file):
        file.create_dataset("a", (3,), "f8", external=[(str(secret), 0, 24)])

    assert "link to somewhere else" in refusal(hdf5(external))
    assert "link to somewhere else" in refusal(hdf5(soft))
    assert "from another file" in refusal(hdf5(virtual))
    assert "from another file" in refusal(hdf5(stored_outside))


def test_arrays_that_claim_to_be_huge_and_circles_are_refused():
    def huge(file):
        file.create_dataset("a", (10**6, 10**6), "f4", chunks=(1000, 1000))

    def circle(file):
        group = file.create_group("a")
        group["b"] = file["/"]

    assert "far fewer" in refusal(hdf5(huge))
    assert "more groups" in refusal(hdf5(circle))


def test_objects_and_references_in_a_file_are_passed_over():
    def make(file):
        file["weight"] = np.ones((10, 4), "f4")
        file["text"] = np.array([b"abc", b"d"])
        file["reference"] = np.array([file["weight"].ref], dtype=h5py.ref_dtype)

    assert list(read_contents(hdf5(make)).tensors) == ["weight"]


def test_truncated_files_and_bombs_are_refused():
    whole = (FILES / "cnn.h5").read_bytes()
    assert "damaged" in refusal(whole[: len(whole) // 2])
    assert refusal((FILES / "cnn.keras").read_bytes()[:-100])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", b"\0" * 300_000_000)
    assert "would grow" in refusal(buffer.getvalue())


def test_a_lambda_in_a_config_is_refused_by_name():
    with zipfile.ZipFile(FILES / "cnn.keras") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(entries["config.json"])
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}}
    layers = config["config"]["layers"]
    layers.insert(2, {"class_name": "Lambda", "config": {"name": "mine", "function": code}})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {**entries, "config.json": json.dumps(config)}.items():
            archive.writestr(name, content)
    assert "Lambda" in refusal(buffer.getvalue())


def test_weights_that_belong_to_another_config_are_refused():
    with zipfile.ZipFile(FILES / "cnn.keras") as archive:
        config = archive.read("config.json")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", (FILES / "rows.weights.h5").read_bytes())
    assert "weights" in refusal(buffer.getvalue())
