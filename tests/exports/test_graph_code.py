"""Graphs as plain PyTorch: classes that a person would write, with the network's own keys."""

from __future__ import annotations

import re
import textwrap

import pytest
import torch
from hypothesis import given, settings

from digitlab.exports.export import exported, subject_of
from digitlab.models import operations
from digitlab.models.build import build
from digitlab.models.spec import ModelSpec
from tests.models.any_graph import any_graph
from tests.models.small_graph import SMALL_GRAPH


def conv(name, channels, size=3, **more):
    args = {"name": name, **more, "out_channels": channels, "kernel_size": size}
    return {"Conv2d": {**args, "padding": size // 2}}


def linear(name, features, **more):
    return {"Linear": {"name": name, **more, "out_features": features}}


def norm(name):
    return {"BatchNorm2d": {"name": name}}


def add(*sources, **more):
    return {"Add": {**more, "from": list(sources)}}


def spec_of(*layers, image=(1, 28, 28)):
    return ModelSpec(name="x", input=image, layers=layers)


def file_of(spec) -> str:
    return exported(subject_of(spec), "py").decode()


def code_in(file: str) -> str:
    """A file's code alone: without the architecture that it states as YAML."""
    text = re.sub(r'ARCHITECTURE = """\\\n.*?"""\n', "", file, flags=re.DOTALL)
    assert "ARCHITECTURE" not in text
    return text


def classes_of(spec) -> str:
    """The classes of the file, from the first one on."""
    text = file_of(spec)
    return text[text.index("\nclass ") + 1 : text.index("def make_network")].strip()


def check_pasted(spec) -> None:
    """The file is read back; its code alone gives the same network, which is then written and
    read as it is."""
    file = file_of(spec)
    assert ModelSpec.from_code(file) == spec
    read = ModelSpec.from_code(code_in(file)).with_input(spec.input)
    ours, theirs = build(spec, seed=0).eval(), build(read).eval()
    theirs.load_state_dict(ours.state_dict())
    images = torch.rand(3, *spec.input)
    with torch.inference_mode():
        torch.testing.assert_close(theirs(images), ours(images), atol=1e-5, rtol=1e-5)
    again = ModelSpec.from_code(code_in(file_of(read))).with_input(spec.input)
    assert again.fingerprint == read.fingerprint


def check_same(spec) -> None:
    """The file makes a network with the same keys, and with the same weights the same answers."""
    space: dict = {}
    exec(compile(file_of(spec), "net.py", "exec"), space)  # what digitlab wrote
    ours, theirs = build(spec, seed=0).eval(), space["make_network"]().eval()
    weights = ours.state_dict()
    assert {k: v.shape for k, v in theirs.state_dict().items()} == {
        k: v.shape for k, v in weights.items()
    }
    theirs.load_state_dict(weights)
    images = torch.rand(5, *spec.input)
    with torch.inference_mode():
        torch.testing.assert_close(theirs(images), ours(images), atol=1e-5, rtol=1e-5)


def test_a_forward_reads_like_a_tutorial():
    spec = spec_of(
        conv("conv1", 8),
        "ReLU",
        {"MaxPool2d": {"kernel_size": 2}},
        conv("conv2", 16),
        "ReLU",
        {"Flatten": {}},
        {"Dropout": {"p": 0.25}},
        linear("fc", 10),
        {"LogSoftmax": {"dim": 1}},
    )
    assert classes_of(spec) == textwrap.dedent("""\
        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
                self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
                self.fc = nn.Linear(3136, 10)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                x = F.max_pool2d(F.relu(self.conv1(x)), 2)
                x = F.relu(self.conv2(x))
                x = torch.flatten(x, 1)
                x = F.dropout(x, p=0.25, training=self.training)
                return F.log_softmax(self.fc(x), dim=1)""")
    check_same(spec)
    check_pasted(spec)


def residual(front, source, channels, stride=1):
    layers = [
        conv(f"{front}.conv1", channels, stride=stride, **{"from": source}),
        norm(f"{front}.bn1"),
        "ReLU",
        conv(f"{front}.conv2", channels),
        norm(f"{front}.bn2"),
    ]
    shortcut = source
    if stride > 1:
        down = conv(f"{front}.downsample.0", channels, 1, stride=stride, **{"from": source})
        layers += [down, norm(f"{front}.downsample.1")]
        shortcut = f"{front}.downsample.1"
    return [*layers, add(f"{front}.bn2", shortcut), {"ReLU": {"name": f"{front}.relu"}}]


def test_groups_become_classes_that_are_shared():
    spec = spec_of(
        conv("stem", 8),
        *residual("layer1.0", "stem", 8),
        *residual("layer1.1", "layer1.0.relu", 8),
        *residual("layer2.0", "layer1.1.relu", 16, 2),
        *residual("layer2.1", "layer2.0.relu", 16),
        {"Mean": {"dim": [2, 3]}},
        linear("fc", 10),
    )
    text = classes_of(spec)
    assert text.count("\nclass ") == 2  # and the first
    assert (
        textwrap.dedent("""\
        class Layer1Block(nn.Module):
            def __init__(self, channels: int) -> None:
                super().__init__()
                self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
                self.bn1 = nn.BatchNorm2d(channels)
                self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
                self.bn2 = nn.BatchNorm2d(channels)
                self.relu = nn.ReLU()

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                identity = x
                x = self.conv1(x)
                x = F.relu(self.bn1(x))
                x = self.conv2(x)
                x = self.bn2(x)
                x = x + identity
                return self.relu(x)
        """)
        in text
    )
    assert "self.layer1 = nn.Sequential(Layer1Block(8), Layer1Block(8))" in text
    assert "self.layer2 = nn.Sequential(Layer2Block(), Layer1Block(16))" in text
    assert "        x = self.layer1(x)\n        x = self.layer2(x)\n" in text
    check_same(spec)
    check_pasted(spec)


def test_a_numbered_row_is_a_sequential():
    spec = spec_of(
        conv("features.0", 4),
        "ReLU",
        conv("features.2", 4),
        "Flatten",
        {"Dropout": {}},
        linear("classifier.1", 10),
    )
    text = classes_of(spec)
    assert "self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(3136, 10))" in text
    assert "        x = self.features(x)\n        x = torch.flatten(x, 1)\n" in text
    check_same(spec)
    check_pasted(spec)


def test_sequences_attention_and_parameters():
    spec = spec_of(
        {"Reshape": {"name": "rows", "shape": [28, 28]}},
        {"Parameter": {"name": "token", "shape": [1, 1, 28], "init": "normal", "std": 0.02}},
        {"Concatenate": {"name": "tokens", "from": ["token", "rows"]}},
        {"Parameter": {"name": "position", "shape": [29, 28], "init": "uniform", "high": 0.1}},
        add("tokens", "position"),
        {"MultiheadAttention": {"name": "attention", "num_heads": 2}},
        {"LSTM": {"name": "rnn", "hidden_size": 8, "num_layers": 2}},
        {"GRU": {"name": "last", "hidden_size": 6, "output": "hidden"}},
        {"Select": {"dim": 1, "index": -1}},
        linear("fc", 10),
    )
    text = classes_of(spec)
    for line in (
        "self.token = nn.Parameter(torch.randn(1, 1, 28) * 0.02)",
        "self.position = nn.Parameter(torch.empty(29, 28))",
        "nn.init.uniform_(self.position, b=0.1)",
        "self.rnn = nn.LSTM(28, 8, num_layers=2, batch_first=True)",
        "rows = x.reshape(x.shape[0], 28, 28)",
        "tokens = torch.cat([self.token.expand(rows.shape[0], -1, -1), rows], 1)",
        "x, _ = self.attention(x, x, x, need_weights=False)",
        "x, _ = self.rnn(x)",
        "_, hidden = self.last(x)\n        x = hidden[-1]",
    ):
        assert f"        {line}\n" in text
    check_same(spec)
    check_pasted(spec)


def test_weights_are_used_again_and_groups_may_have_two_entrances():
    spec = spec_of(
        conv("down.conv", 4),
        {"ReLU": {"name": "skip"}},
        {"MaxPool2d": {"kernel_size": 2}},
        conv("same", 4),
        {"Reuse": {"layer": "same"}},
        {"ConvTranspose2d": {"name": "up.up", "out_channels": 4, "kernel_size": 2, "stride": 2}},
        {"Concatenate": {"from": ["up.up", "skip"]}},
        conv("up.conv", 4),
        {"Reuse": {"layer": "down.conv", "from": "input"}},
        add("up.conv", "again"),
        {"Mean": {"dim": [2, 3]}},
        linear("fc", 10),
    )
    layers = [*spec.layers]
    layers[8] = layers[8].named("again")
    spec = spec.with_layers(layers)
    text = classes_of(spec)
    assert "def forward(self, x: torch.Tensor, skip: torch.Tensor)" in text
    lines = ["x = self.same(x)", "x = self.same(x)", "up = self.up(x, skip)"]
    assert "".join(f"        {line}\n" for line in lines) in text
    assert 'self.down["conv"](identity)' in text  # used from outside its group, which is no class
    check_same(spec)
    check_pasted(spec)


def test_layers_without_names_keep_their_numbers():
    spec = spec_of({"Reshape": {"shape": [28, 28]}}, {"LSTM": {"hidden_size": 4}}, "Flatten",
                   {"Linear": {"out_features": 10}})  # fmt: skip
    text = classes_of(spec)
    assert 'self.add_module("1", nn.LSTM(28, 4, batch_first=True))' in text
    assert 'x, _ = getattr(self, "1")(x)' in text
    check_same(spec)


@pytest.mark.parametrize("name", ["class", "__x", "1x", "nn", "F", "x", "self", "Net", "torch"])
def test_any_name_can_be_written(name):
    layers = [conv(name, 4), add(name, "input"), {"Flatten": {"name": f"{name}_"}}]
    check_same(spec_of(*layers))
    front = [
        conv(f"{name}.a", 4),
        "ReLU",
        conv(f"{name}.keys", 4),
        add(f"{name}.keys", f"{name}.a"),
    ]
    check_same(spec_of(*front, "Flatten"))


def test_a_graph_inside_a_block_is_a_class_of_its_own():
    inner = [conv("a", 1), {"Multiply": {"from": ["a", "input"]}}]
    spec = spec_of({"Repeat": {"times": 2, "layers": [{"Residual": {"layers": inner}}]}}, "Flatten")
    text = file_of(spec)
    assert text.count("class Layers(nn.Module)") == 1
    assert text.count("layers=Layers()") == 2
    check_same(spec)


OPERATIONS = [
    *({name: {"dim": [1, 3], "keepdim": True}} for name in ("Mean", "Sum", "Max", "Min")),
    {"Std": {"dim": 1, "unbiased": False}},
    {"Var": {"dim": 2}},
    {"Norm": {"dim": [2, 3], "p": 1.0}},
    {"Normalize": {"dim": 2}},
    {"Select": {"dim": -1, "index": 2}},
    {"Slice": {"dim": 2, "start": 1, "step": 2}},
    {"Reshape": {"shape": [-1, 4]}},
    {"Permute": {"dims": [2, 3, 1]}},
    {"Transpose": {"dim0": 1, "dim1": -1}},
    {"Tile": {"repeats": [1, 2, 1]}},
    {"Flip": {"dims": [2, 3]}},
    {"Roll": {"shifts": 1, "dims": 2}},
    {"Pad": {"padding": [1, 2], "value": 3.0}},
    {"Pad": {"padding": [1, 2, 0, 1], "mode": "reflect"}},
    {"Scale": {"factor": -1.0, "offset": 1.0}},
    {"Scale": {"factor": 0.5, "offset": -1.0}},
    {"Power": {"exponent": 2.0}},
    {"Clamp": {"max": 0.5}},
    {"Einsum": {"equation": "bchw->bwc"}},
    *("Abs", "Exp", "Sin", "Cos", "Erf", "Sqrt"),
    {"Log": {"from": "positive"}},
    {"GaussianNoise": {"std": 0.1}},
    {"Expand": {"shape": [2, -1, 4]}},
    *({name: {"from": ["input", "input"]}} for name in ("Add", "Subtract", "Multiply", "Minimum")),
    {"Reparameterize": {"from": ["input", "input"]}},
    {"Concatenate": {"from": ["input", "input"], "dim": 3}},
    {"Einsum": {"equation": "bchw,bcxw->bhx", "from": ["input", "input"]}},
    {"MatMul": {"from": ["input", "input"]}},
    {"ScaledDotProductAttention": {"from": ["input", "input", "input"], "is_causal": True}},
    {"Stack": {"from": ["input", "input"], "dim": 2}},
    {"Maximum": {"from": ["input", "input", "input"]}},
    {"Divide": {"from": ["input", "input"]}},
    {"AffineGrid": {"from": "map", "size": [3, 3]}},
    {"GridSample": {"from": ["input", "grid"], "mode": "nearest"}},
]  # fmt: skip


def every_operation() -> ModelSpec:
    """One network with all of them: what each gives, put beside the others."""
    layers: list = [
        {"Scale": {"name": "positive", "offset": 0.5}},
        {"Slice": {"from": "input", "dim": 1, "stop": 1}},
        {"Slice": {"dim": 2, "stop": 2}},
        {"Slice": {"dim": 3, "stop": 3}},
        {"Reshape": {"name": "map", "shape": [2, 3]}},
        {"AffineGrid": {"name": "grid", "size": [3, 3]}},
    ]
    ends = []
    for index, layer in enumerate(OPERATIONS):
        ((kind, args),) = ({layer: {}} if isinstance(layer, str) else layer).items()
        layers.append({kind: {"name": f"o{index}", "from": "input", **args}})
        ends.append(f"e{index}")
        layers.append({"Flatten": {"name": ends[-1]}})
    constants = [
        {"Constant": {"name": "constant", "shape": [1, 4], "value": 0.5}},
        {"Tile": {"repeats": [2, 1]}},
        {"Permute": {"dims": [1, 0]}},
        {"Reshape": {"shape": [8]}},
        {"Expand": {"name": "wide", "shape": [1, 8]}},
    ]
    ends.append("wide")
    return spec_of(*layers, *constants, {"Concatenate": {"from": ends}}, image=(2, 4, 4))


def test_every_operation_is_written():
    names = {layer if isinstance(layer, str) else next(iter(layer)) for layer in OPERATIONS}
    assert names == set(operations.OPERATIONS)
    check_same(every_operation())


def test_the_classes_alone_can_be_pasted_back():
    check_pasted(SMALL_GRAPH)


@settings(max_examples=12)
@given(layers=any_graph())
def test_any_graph_can_be_pasted_back(layers):
    check_pasted(spec_of(*layers, image=(1, 8, 8)))


@settings(max_examples=12)
@given(layers=any_graph())
def test_any_graph_is_written_as_the_network_it_builds(layers):
    check_same(spec_of(*layers, image=(1, 8, 8)))
