"""Any architecture: trained a little, saved, opened again, exported, and drawn at.

Every block, five of torchvision's models, every classical model, three networks pasted from public
tutorials, and a few odd ones: each goes the whole way through the public API.
"""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

import digitlab as dl
from digitlab.models.blocks import BLOCKS
from digitlab.models.classical.catalog import KINDS
from digitlab.runs import run_folder
from tests.models.paste.test_paste import KERAS, LENET, PYTORCH
from tests.models.small_graph import SMALL_GRAPH

END = ["Flatten", {"Linear": {"out_features": 10}}]
ANSWER = {"Linear": {"out_features": 10}}


def conv(channels, size=3, **more):
    return {"Conv2d": {"out_channels": channels, "kernel_size": size, **more}}


STEM = [conv(6, 5, stride=3), "ReLU"]  # 6 × 8 × 8
PATCHES = {"Patches": {"patch_size": 7, "dim": 16}}  # 16 tokens
LAYERS = {
    "residual": [*STEM, {"Residual": {"layers": [conv(6, padding=1), "ReLU"]}}, *END],
    "residual-downsampling": [*STEM, {"Residual": {"layers": [conv(9, 3, stride=2, padding=1)]}},
                              *END],
    "parallel": [*STEM, {"Parallel": {"branches": [[conv(4, 1)], [conv(4, 3, padding=1), "ReLU"],
                                                   []]}}, *END],
    "repeat": [*STEM, {"Repeat": {"times": 3, "layers": [conv(6, padding=1), "ReLU"]}}, *END],
    "dense-block": [*STEM, {"DenseBlock": {"times": 2, "growth": 4}}, *END],
    "squeeze-excite": [*STEM, "SqueezeExcite", *END],
    "depthwise": [*STEM, {"DepthwiseSeparable": {"out_channels": 8, "stride": 2}}, *END],
    "transformer": [PATCHES, "ClassToken", "PositionEmbedding",
                    {"TransformerEncoder": {"depth": 1, "heads": 2}}, "FirstToken", ANSWER],
    "mixer": [PATCHES, "MixerBlock", "MeanTokens", {"LayerNorm": {}}, ANSWER],
    "lstm-over-rows": [{"Rows": {"hidden_size": 12}}, ANSWER],
    "gru-over-rows": [{"Rows": {"cell": "GRU", "hidden_size": 12}}, ANSWER],
    "group-norm": [*STEM, {"GroupNorm": {"num_groups": 2}}, "Mish", *END],
    "instance-norm": [*STEM, "InstanceNorm2d", {"PReLU": {}}, *END],
    "batch-norm-only": ["BatchNorm2d", *END],
    "up-and-down": [*STEM, {"ConvTranspose2d": {"out_channels": 3, "kernel_size": 2, "stride": 2}},
                    {"AvgPool2d": {"kernel_size": 4}}, *END],
    "dilated": [conv(4, 3, dilation=3, groups=1), {"AdaptiveMaxPool2d": {"output_size": 4}}, *END],
    "unflattened": ["Flatten", {"Linear": {"out_features": 64}},
                    {"Unflatten": {"dim": 1, "unflattened_size": [1, 8, 8]}}, conv(4), *END],
    "bilinear-free": ["Flatten", {"Dropout": {"p": 0.3}}, {"Linear": {"out_features": 24}}, "GELU",
                      {"LayerNorm": {}}, ANSWER],
    "softmax-end": [*END, {"LogSoftmax": {"dim": 1}}],
}  # fmt: skip
INITS = {"orthogonal": "orthogonal", "xavier": "xavier"}
TORCHVISION = (
    *("resnet18", "squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x0_5", "mnasnet0_5"),
)
FEW = {  # quick versions of the slow ones
    "RandomForestClassifier": {"n_estimators": 5},
    "ExtraTreesClassifier": {"n_estimators": 5},
    "HistGradientBoostingClassifier": {"max_iter": 3},
    "MLPClassifier": {"hidden_layer_sizes": [16], "max_iter": 30},
}
PRESETS = ("two-hidden-16-sigmoid", "lenet-5", "cnn-small")
PASTED = {"pasted-pytorch": PYTORCH, "pasted-lenet": LENET, "pasted-keras": KERAS}

NETWORKS = {
    **{name: dl.ModelSpec(name=name, layers=layers) for name, layers in LAYERS.items()},
    **{name: dl.ModelSpec(name=name, layers=[*STEM, *END], init=init)
       for name, init in INITS.items()},
    **{name: dl.load_model(name) for name in PRESETS},
    "graph": SMALL_GRAPH,
    **{name: dl.ModelSpec.from_code(code).for_data((1, 28, 28), 10).renamed(name)
       for name, code in PASTED.items()},
    **{name: dl.ModelSpec(
        name=name, layers=[{f"torchvision/{name}": {"image_size": 32, "num_classes": 10}}])
       for name in TORCHVISION},
}  # fmt: skip
CLASSICAL = {
    name: dl.ModelSpec(name=name, layers=[{f"sklearn/{name}": FEW.get(name, {})}]) for name in KINDS
}
# A graph takes about a second, so one of each kind; the others' are written in the same way.
GRAPHS = ("residual", "parallel", "dense-block", "mixer", "up-and-down", "pasted-keras", "lenet-5")
QUICK = dl.TrainConfig(
    epochs=1, subset=192, batch_size=32, learning_rate=0.003, device="cpu", seed=1
)


@pytest.fixture(scope="module")
def drawing():
    """A one, drawn with a thick pen."""
    image = Image.new("RGB", (280, 280), "white")
    ImageDraw.Draw(image).line([(150, 40), (140, 240)], fill="black", width=22)
    return image


def whole_way(spec, data, drawing, folder, config=QUICK):
    """Train, open again, export as text and weights, read the drawing; the opened run."""
    trained = dl.train(spec, data, config, progress=False)
    assert trained.record.status == "finished", trained.record.message
    run = dl.open_run(trained.id)
    assert run.spec == spec
    saved = run_folder.read_tensors(run.folder / run_folder.PREDICTIONS, run.id)["test_logits"]
    again = run.predict_logits(data.test.images)
    torch.testing.assert_close(again, saved.float(), atol=1e-4, rtol=1e-3)
    assert 0 <= run.evaluate("test").accuracy <= 1
    assert dl.load_model(dl.export(run, "yaml", folder / "net.yaml")) == spec
    compile(dl.export(run, "py", folder / "net.py").read_text(encoding="utf-8"), "net.py", "exec")
    assert dl.export(run, "safetensors", folder / "net.safetensors").stat().st_size > 0
    read = dl.recognize(drawing, run)
    assert len(read.text) == len(read.digits) == 1
    assert sum(read.digits[0].probabilities) == pytest.approx(1, abs=1e-4)
    return run


def test_there_are_all_kinds():
    used = {layer.type for spec in NETWORKS.values() for _, layer in spec.walk()}
    assert set(BLOCKS) <= used
    assert len(NETWORKS) >= 25
    assert len(used & {f"torchvision/{name}" for name in TORCHVISION}) == 5
    assert set(CLASSICAL) == set(KINDS)


def quick_ones(names, quick):
    """Parameters of which all but the quick ones are left to a run by hand."""
    return [name if quick(name) else pytest.param(name, marks=pytest.mark.slow) for name in names]


def is_small(name):
    return name not in {whole.partition("/")[2] or whole for whole in TORCHVISION} - {"resnet18"}


@pytest.mark.parametrize("name", quick_ones(NETWORKS, is_small))
def test_a_network_goes_the_whole_way(name, optdigits, drawing, tmp_path):
    run = whole_way(NETWORKS[name], optdigits, drawing, tmp_path)
    images = optdigits.test.images[:8]
    expected = run.predict_logits(images)
    module = importlib.util.spec_from_file_location("net", tmp_path / "net.py")
    code = importlib.util.module_from_spec(module)
    module.loader.exec_module(code)
    network = code.load_network(tmp_path / "net.safetensors")
    with torch.inference_mode():
        torch.testing.assert_close(network(code.normalize(images)), expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_classical_model_goes_the_whole_way(name, optdigits, drawing, tmp_path):
    fit = QUICK.changed(normalization="none")
    run = whole_way(CLASSICAL[name], optdigits, drawing, tmp_path, fit)
    assert run.evaluate("test").accuracy > 0.5


@pytest.mark.parametrize("name", quick_ones(GRAPHS, lambda name: name == GRAPHS[0]))
def test_a_trained_network_becomes_a_graph(name, optdigits, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    run = dl.train(NETWORKS[name], optdigits, QUICK, progress=False)
    path = dl.export(run, "onnx", tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for count in (1, 5):
        images = optdigits.test.images[:count]
        logits, _ = session.run(None, {"images": images.numpy()})
        np.testing.assert_allclose(logits, run.predict_logits(images).numpy(), atol=1e-4)
