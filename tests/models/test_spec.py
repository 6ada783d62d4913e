"""Specs as data and text: reading, refusing, writing, editing."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest

from digitlab.errors import SpecError
from digitlab.models.spec import Layer, ModelSpec, line_of

TEXT = """\
name: Tuned CNN
input: [1, 28, 28]
layers:
  - Conv2d: {out_channels: 8, kernel_size: 3, padding: 1}
  - BatchNorm2d: {eps: 1.0e-05}
  - ReLU
  - Residual: {layers: [{Conv2d: {out_channels: 8, kernel_size: 3, padding: 1}}, ReLU]}
  - Parallel:
      join: sum
      branches:
        - - Conv2d: {out_channels: 8, kernel_size: [1, 1]}
          - Residual: {layers: [{Conv2d: {out_channels: 8, kernel_size: 3, padding: same}}]}
        - []
  - Flatten
  - Linear: {out_features: 10}
"""


@pytest.fixture
def spec() -> ModelSpec:
    return ModelSpec.from_yaml(TEXT)


def test_yaml_is_written_as_a_person_would_write_it(spec):
    assert spec.to_yaml() == TEXT


def test_text_and_data_give_back_an_equal_spec(spec):
    assert ModelSpec.from_yaml(spec.to_yaml()) == spec
    assert ModelSpec.from_json(spec.to_json()) == spec
    assert ModelSpec.from_dict(spec.to_dict()) == spec
    assert ModelSpec.from_yaml(spec.to_json()) == spec  # JSON is YAML
    assert ModelSpec.model_validate(spec.model_dump()) == spec
    assert ModelSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize("name", ["no", "12", "1e3", "~", "a: b", "- x", "#1", "Ünïcode 🖋", "'q'"])
def test_any_name_survives_the_text(name):
    spec = ModelSpec(name=name, layers=["ReLU"])
    assert ModelSpec.from_yaml(spec.to_yaml()).name == name
    assert ModelSpec.from_json(spec.to_json()).name == name


def test_words_and_numbers_are_those_of_yaml_1_2():
    text = "name: x\nlayers:\n  - Softplus: {beta: 1e-3, threshold: 010, mode: no}\n"
    args = ModelSpec.from_yaml(text).layers[0].args
    assert args == {"beta": 0.001, "threshold": 10, "mode": "no"}


def test_files_are_read_by_their_ending(spec, tmp_path):
    for ending, text in ((".yaml", spec.to_yaml()), (".yml", TEXT), (".JSON", spec.to_json())):
        path = tmp_path / f"model{ending}"
        path.write_text(text, encoding="utf-8")
        assert ModelSpec.from_file(path) == spec
    for missing in (tmp_path / "none.yaml", tmp_path, "\0.yaml"):
        with pytest.raises(SpecError):
            ModelSpec.from_file(missing)
    (tmp_path / "latin.yaml").write_bytes("name: é".encode("latin-1"))
    with pytest.raises(SpecError, match="UTF-8"):
        ModelSpec.from_file(tmp_path / "latin.yaml")


def test_a_spec_can_be_a_key_copied_and_sent_to_another_process(spec):
    twin = pickle.loads(pickle.dumps(spec))
    assert {spec: 1}[twin] == 1
    assert copy.deepcopy(spec) == spec


def test_nothing_in_a_spec_can_be_changed(spec):
    with pytest.raises(ValueError):
        spec.name = "other"
    with pytest.raises(AttributeError):
        spec.layers[0].type = "ReLU"
    with pytest.raises(TypeError):
        spec.layers[0].args["kernel_size"] = 5
    assert spec.layers[0].with_args(kernel_size=5).args["kernel_size"] == 5
    assert spec.layers[0].args["kernel_size"] == 3


def test_fingerprint_is_that_of_input_and_layers(spec):
    assert spec.renamed("other").fingerprint == spec.fingerprint
    assert spec.with_layers(spec.layers[:-1]).fingerprint != spec.fingerprint
    assert spec.with_input((1, 8, 8)).fingerprint != spec.fingerprint
    assert len(spec.fingerprint) == 64


def test_a_spec_adapts_to_a_dataset():
    spec = ModelSpec(
        name="x", layers=["Flatten", {"Linear": {"in_features": 784, "out_features": 10}}]
    )
    adapted = spec.for_data((1, 8, 8), 26)
    assert adapted.input == (1, 8, 8)
    assert adapted.layers[-1] == Layer("Linear", {"out_features": 26})
    assert spec.for_data((1, 28, 28), 10) == spec
    conv = ModelSpec(
        name="x", layers=[{"Conv2d": {"out_channels": 10, "kernel_size": 28}}, "Flatten"]
    )
    assert conv.for_data((1, 28, 28), 3).layers[0].args["out_channels"] == 3


FAULTS = [
    ("name: x\nlayers:\n  - ReLU\n  - 5\n", 4, (1,), "is not a layer"),
    ("name: x\nlayers:\n  - Conv2d:\n    out_channels: 3\n", 3, (0,), "indent"),
    ("name: x\nlayers:\n  - Residual:\n      layers:\n        - ReLU\n        - 7\n", 6,
     (0, "layers", 1), "Layer 1, layer 2"),
    ("name: x\nlayers:\n  - Conv2d: {kernel_size: {a: 1}}\n", 3, (0, "kernel_size"), "argument"),
    ("name: x\nlayers: ReLU\n", 2, ("layers",), "list"),
    ("name: x\ninput: [1, 28]\nlayers: []\n", 2, ("input",), "channels, height, width"),
    ("name: x\ninput: [1, 28, 0]\nlayers: []\n", 2, ("input",), "whole number"),
    ("name: x\ninput: [true, 28, 28]\nlayers: []\n", 2, ("input",), "whole number"),
    ("name: x\nlayer: []\n", 2, ("layer",), "layers"),
    ("name: x\nlayers: []\ncolour: red\n", 3, ("colour",), "name, input, layers and init"),
    ("layers: []\n", 1, (), "no name"),
    ("name: ''\nlayers: []\n", 1, ("name",), "1 to 100"),
    ("", 1, None, "empty"),
    ("name: x\nname: y\n", 2, None, "second time"),
    ("name: x\nlayers: [\n", 3, None, "not YAML"),
    ("name: x\n\tlayers: []\n", 2, None, "not YAML"),
    ("a: &anchor 1\nb: *anchor\n", 1, None, "anchor"),
    ("name: x\nlayers:\n  - !!python/name:os.system\n", 3, None, "tag"),
    ("name: x\n---\nname: y\n", 2, None, "second document"),
    ("? [a]\n: 1\n", 1, None, "key"),
    ("name: x\nlayers:\n  - Dropout: {p: .nan}\n", 3, None, "finite"),
    ("name: x\nlayers:\n  - Dropout: {p: -.inf}\n", 3, None, "finite"),
    ("name: x\nlayers:\n  - Dropout: {p: 1e999}\n", 3, None, "finite"),
    ("name: x\nlayers:\n  - Dropout: {p: 10000000000000}\n", 3, None, "at most"),
    ("name: x\nlayers:\n  - Dropout: {p: " + "9" * 5000 + "}\n", 3, None, "at most"),
    ("name: x\nlayers: " + "[" * 40 + "]" * 40 + "\n", 2, None, "nests deeper than 16"),
    ("name: x\0\nlayers: []\n", 1, None, "character"),
    ("x" * 200_001, 1, None, "200,000"),
    ("[" * 190_000, 1, None, "nests deeper"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "path", "words"), FAULTS)
def test_a_fault_in_the_text_is_named_with_its_line(text, line, path, words):
    with pytest.raises(SpecError, match=words) as caught:
        ModelSpec.from_yaml(text)
    assert caught.value.line == line
    assert path is None or caught.value.path == path


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[" * 100_000,
        '{"name": NaN}',
        '{"name": "x", "name": "y"}',
        '{"name": "x", "layers": [{"Dropout": {"p": 1e999}}]}',
        '{"name": "\\ud800", "layers": []}',
        '{"name": "x", "layers": ' + "9" * 5000 + "}",
        "5",
        "null",
    ],
)
def test_bad_json_is_refused(text):
    with pytest.raises(SpecError):
        ModelSpec.from_json(text)


def test_a_fault_in_json_has_its_line_too():
    text = '{\n "name": "x",\n "layers": [\n  "ReLU",\n  7\n ]\n}'
    with pytest.raises(SpecError) as caught:
        ModelSpec.from_json(text)
    assert caught.value.line == 5


def test_the_line_of_a_place_is_found():
    assert line_of(TEXT, (0,)) == 4
    assert line_of(TEXT, (0, "kernel_size")) == 4
    assert line_of(TEXT, (4, "join")) == 9
    assert line_of(TEXT, (4, "branches", 0, 1, "layers", 0)) == 12
    assert line_of(TEXT, (5,)) == 14
    assert line_of(TEXT, ("input",)) == 2
    assert line_of(TEXT, (0, "stride")) == 4  # not written: its layer's line
    assert line_of("a: *b", (0,)) is None


def test_specs_made_in_python_are_checked_alike():
    deep: object = "ReLU"
    for _ in range(500):
        deep = {"Repeat": {"times": 1, "layers": [deep]}}
    layer = Layer("ReLU")
    for wrong in (deep, {"ReLU": 3}, {3: {}}, None, {"Conv2d": {"a b": 1}}, {"A": {"x": object()}}):
        with pytest.raises(SpecError):
            ModelSpec(name="x", layers=[wrong])
    for _ in range(5):
        layer = Layer("Repeat", {"times": 1, "layers": [layer]})
    with pytest.raises(SpecError, match="nested at most 5 deep"):
        Layer("Repeat", {"times": 1, "layers": [layer]})
    with pytest.raises(SpecError, match="at most 1,000 layers"):
        ModelSpec(name="x", layers=["ReLU"] * 1001)
    with pytest.raises(SpecError):
        ModelSpec(name="two\nlines", layers=[])
    with pytest.raises(SpecError):
        ModelSpec(name="x", input=(1024, 1024, 1024), layers=[])


def test_the_largest_spec_fits_its_own_text_limit():
    wide = {"Conv2d": {"out_channels": 8, "kernel_size": 3, "padding": 1}}
    nested: list = [wide, "ReLU"] * 240
    for _ in range(4):
        nested = [{"Repeat": {"times": 1, "layers": nested}}]
    spec = ModelSpec(name="x", layers=nested)
    assert ModelSpec.from_yaml(spec.to_yaml()) == spec


def test_specs_and_presets_do_without_torch():
    code = (
        "import sys, digitlab.models.spec, digitlab.models.presets as p; p.list_presets();"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def conv(channels, **more):
    return {"Conv2d": {**more, "out_channels": channels, "kernel_size": 3, "padding": 1}}


def linear(features, **more):
    return {"Linear": {**more, "out_features": features}}


FLAT = {"Flatten": {"name": "flat"}}
POOL = {"Mean": {"dim": [2, 3]}}


@pytest.mark.parametrize(
    ("layers", "changed"),
    [
        # a Linear in front of the end is no end, however late it stands in the list
        ([FLAT, linear(5, name="fc"), linear(7, **{"from": "flat", "name": "side"}),
          {"Linear": {"out_features": 5, "name": "again"}},
          {"Add": {"from": ["fc", "again"]}}, "ReLU"], {1, 3}),
        ([FLAT, linear(8, name="head"), linear(10), {"LogSoftmax": {"dim": 1}}], {2}),
        # every one that is added up, also through a shortcut, but no gate
        ([conv(8, name="a"), conv(8, name="b"), {"Add": {"from": ["b", "a"]}}, POOL], {0, 1}),
        ([FLAT, linear(10, name="a"), linear(1, **{"name": "gate", "from": "flat"}),
          {"Multiply": {"from": ["a", "gate"]}}], {1}),
        ([FLAT, linear(10, name="fc"), {"Reuse": {"layer": "fc"}}], {1}),
        ([FLAT, linear(4, name="a"), linear(6, **{"name": "b", "from": "flat"}),
          {"Concatenate": {"from": ["a", "b"]}}], set()),
        ([{"Reshape": {"name": "rows", "shape": [28, 28]}}, {"LSTM": {"hidden_size": 10}},
          {"Select": {"dim": 1, "index": -1}}], {1}),
        ([{"ReLU": {"from": "nobody"}}, linear(10)], set()),
    ],
)  # fmt: skip
def test_a_graph_adapts_where_its_output_has_its_size(layers, changed):
    spec = ModelSpec(name="x", layers=layers)
    adapted = spec.for_data((1, 28, 28), 26)
    pairs = zip(spec.layers, adapted.layers, strict=True)
    assert {index for index, (a, b) in enumerate(pairs) if a != b} == changed
    for index in changed:
        assert 26 in adapted.layers[index].args.values()


def test_a_graph_adapts_inside_its_blocks():
    layers = [conv(4, name="stem"), {"Residual": {"layers": [conv(4), "ReLU", conv(4)]}}, POOL]
    adapted = ModelSpec(name="x", layers=layers).for_data((3, 8, 8), 26)
    assert [layer.args["out_channels"] for layer in adapted.layers[1].args["layers"][::2]] == [
        4,
        26,
    ]
