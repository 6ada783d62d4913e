"""The diagram of an architecture: valid DOT, true to the spec, safe with any text."""

from __future__ import annotations

import re
import shutil
import subprocess
import time

import pytest

from digitlab.figures.architecture import KIND_COLORS, architecture_dot, frames
from digitlab.models.build import summarize
from digitlab.models.presets import list_presets
from digitlab.models.signatures import list_kinds
from digitlab.models.spec import ModelSpec

CONV = {"Conv2d": {"out_channels": 4, "kernel_size": 3, "padding": 1}}


def draw(*layers) -> str:
    return architecture_dot(ModelSpec(name="x", layers=layers))


def arrows(dot: str) -> list[tuple[str, str]]:
    """All arrows as pairs of the first words in their boxes."""
    names = dict(re.findall(r'(?m)^ *(n\d+) \[label="([^\s"\\]+)', dot))
    return [(names[a], names[b]) for a, b in re.findall(r"(n\d+) -> (n\d+)", dot)]


def test_a_chain_is_drawn_with_shapes_and_parameters():
    dot = draw(CONV, "BatchNorm2d", "ReLU", "Flatten", {"Linear": {"out_features": 10}})
    assert arrows(dot) == [
        ("Input", "Conv2d"),
        ("Conv2d", "Flatten"),
        ("Flatten", "Linear"),
        ("Linear", "Output"),
    ]
    assert r"Conv2d 3×3\nBatchNorm2d, ReLU\n4×28×28 · 48 parameters" in dot
    assert r"Input\n1×28×28" in dot


def test_a_shortcut_is_a_line_around_the_block():
    plain = draw("Tanh", {"Residual": {"layers": ["Sigmoid"]}})
    assert ("Tanh", "+") in arrows(plain)
    assert 'label="shortcut"' in plain
    projected = arrows(draw("Tanh", {"Residual": {"layers": [CONV]}}))
    assert projected.count(("Tanh", "Conv2d")) == projected.count(("Conv2d", "+")) == 2
    assert ("Tanh", "+") not in projected


def test_branches_are_branches():
    branches = [[{"MaxPool2d": {"kernel_size": 1}}], [CONV], []]
    dot = draw("Tanh", {"Parallel": {"branches": branches}})
    assert {("Tanh", "MaxPool2d"), ("Tanh", "Conv2d"), ("Tanh", "concat")} <= set(arrows(dot))
    assert {("MaxPool2d", "concat"), ("Conv2d", "concat")} <= set(arrows(dot))
    joined = draw({"Parallel": {"branches": [["Tanh"], []], "join": "product"}})
    assert ("Tanh", "×") in arrows(joined)


def test_a_frame_holds_only_its_own_boxes():
    """An arrow written inside a frame would draw the box it comes from into the frame."""
    dot = draw("Tanh", {"Residual": {"layers": [CONV]}})
    assert "->" not in dot[dot.index("subgraph") : dot.index("}", dot.index("subgraph"))]


def test_repetitions_are_drawn_once():
    dot = draw({"Repeat": {"times": 5, "layers": [{"Residual": {"layers": [CONV]}}]}})
    assert "Repeat 5 times (one is shown), 636 parameters" in dot
    assert dot.count("Conv2d 3×3") == 1


def test_a_dense_block_keeps_what_reaches_it():
    dot = draw("Tanh", {"DenseBlock": {"times": 3, "growth": 4}})
    assert "DenseBlock 3 times (one is shown)" in dot
    assert dot.count("Conv2d 3×3") == 1
    assert {("Tanh", "concat"), ("Conv2d", "concat"), ("concat", "Output")} <= set(arrows(dot))


def test_a_block_of_its_own_kind_is_one_box():
    tokens = [{"Patches": {"patch_size": 4, "dim": 8}}, "TransformerEncoder", "MeanTokens"]
    dot = draw(*tokens)
    assert arrows(dot) == [
        ("Input", "Patches"),
        ("Patches", "TransformerEncoder"),
        ("TransformerEncoder", "MeanTokens"),
        ("MeanTokens", "Output"),
    ]
    assert "subgraph" not in dot
    assert arrows(draw({"torchvision/squeezenet1_1": {}}))[0] == (
        "Input",
        "torchvision/squeezenet1_1",
    )
    assert ("Input", "concat") in arrows(draw({"Parallel": {"branches": [[], []]}}))


def test_a_huge_architecture_is_cut_short():
    dot = draw(*({"Conv2d": {"out_channels": 1 + n % 29, "kernel_size": 3, "padding": 1}}
                 for n in range(300)))  # fmt: skip
    assert "more …" in dot
    assert dot.count("Conv2d 3×3") < 100
    assert draw(*[{"Repeat": {"times": 9, "layers": [CONV] * 9}}] * 5).count("\n") < 60


def test_layers_that_a_long_chain_repeats_are_drawn_once():
    stem = {"Conv2d": {"out_channels": 4, "kernel_size": 3, "padding": 1}}
    dot = draw(*[stem, "BatchNorm2d", "ReLU"] * 30, "Flatten")
    assert "29 times (one is shown), 4,524 parameters" in dot
    assert dot.count("Conv2d 3×3") == 2
    assert ("Conv2d", "Flatten") in arrows(dot)
    assert draw(*[stem] * 10).count("Conv2d 3×3") == 10  # few are all drawn


@pytest.mark.parametrize("name", ['"];evil [label="', "a\\nb", "<b>&amp;", "{}"])
def test_text_is_only_text(name):
    from digitlab.figures.architecture import _quoted

    inside = _quoted(name)[1:-1]
    assert not re.search(r'(?<!\\)(?:\\\\)*"', inside)
    assert "<" not in inside


def test_every_kind_has_a_colour_and_every_fill_readable_text():
    assert {kind for _, kind in list_kinds()} - {"whole model"} == set(KIND_COLORS)
    dots = "".join(architecture_dot(preset.spec) for preset in list_presets())
    pairs = set(re.findall(r'fillcolor="(#\w+)", fontcolor="(#\w+)"', dots))
    assert pairs
    for fill, text in pairs:
        assert contrast(fill, text) >= 4.5, (fill, text)


def contrast(a: str, b: str) -> float:
    def luminance(color: str) -> float:
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_a_summary_draws_as_its_spec():
    for preset in list_presets():
        assert architecture_dot(summarize(preset.spec)) == architecture_dot(preset.spec)
    with pytest.raises(ValueError, match="direction"):
        architecture_dot(preset.spec, direction="up")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("direction", ["TB", "LR"])
def test_graphviz_reads_it(direction):
    for preset in list_presets():
        dot = architecture_dot(preset.spec, direction=direction)
        done = subprocess.run(["dot", "-Tsvg"], input=dot.encode(), capture_output=True, check=True)
        assert not done.stderr


def conv(name="", source=None, **more):
    return {"Conv2d": {**({"name": name} if name else {}), **({"from": source} if source else {}),
                       "out_channels": 4, "kernel_size": 3, "padding": 1, **more}}  # fmt: skip


def residual(front, source):
    """A group with a shortcut around it, as people write them."""
    return [
        conv(f"{front}.conv1", source),
        {"BatchNorm2d": {"name": f"{front}.bn1"}},
        "ReLU",
        conv(f"{front}.conv2"),
        {"BatchNorm2d": {"name": f"{front}.bn2"}},
        {"Add": {"from": [f"{front}.bn2", source]}},
        {"ReLU": {"name": f"{front}.out"}},
    ]


def test_what_is_read_by_name_is_an_arrow():
    dot = draw(
        conv("a"),
        {"ReLU": {"name": "b"}},
        {"Tanh": {"name": "c"}},
        {"Concatenate": {"from": ["c", "b"]}},
        {"Sigmoid": {"name": "gate"}},
        {"Parameter": {"name": "p", "shape": [8, 1, 1]}},
        {"Multiply": {"from": ["gate", "p"]}},
    )
    # ReLU is written into the convolution's box; Tanh is not, as ReLU is read twice
    assert r"Conv2d 3×3 · a\nReLU\n4×28×28" in dot
    assert arrows(dot) == [
        ("Input", "Conv2d"),
        ("Conv2d", "Tanh"),
        ("Tanh", "concat"),
        ("Conv2d", "concat"),
        ("concat", "×"),
        ("Parameter", "×"),
        ("×", "Output"),
    ]


def test_the_roles_of_what_is_read_and_weights_used_again_are_told():
    dot = draw(
        {"Reshape": {"name": "rows", "shape": [28, 28]}},
        {"Linear": {"name": "fc", "out_features": 28}},
        {"Reuse": {"layer": "fc"}},
        {"MultiheadAttention": {"name": "m", "num_heads": 2}},
        {"MultiheadAttention": {"name": "n", "num_heads": 2, "from": ["m", "rows", "rows"]}},
    )
    assert 'label="query"' in dot
    assert 'label="key, value"' in dot
    assert 'label="same weights"' in dot
    assert "Reuse fc" in dot


def test_layers_whose_names_begin_alike_stand_in_frames_that_can_be_collapsed():
    layers = [conv("stem"), *residual("layer1.0", "stem"), *residual("layer1.1", "layer1.0.out")]
    spec = ModelSpec(name="x", layers=layers)
    dot = architecture_dot(spec)
    assert re.findall(r'cluster_\d+ { label="([^",]+)', dot) == ["layer1", "layer1.0", "layer1.1"]
    assert dot.count("Conv2d 3×3 · conv1") == 2
    assert frames(spec) == {"layer1": False, "layer1.0": False, "layer1.1": False}
    closed = architecture_dot(spec, collapsed={"layer1.0"})
    assert r"layer1.0\n7 layers\n4×28×28 · 312 parameters" in closed
    assert arrows(closed)[:4] == [
        ("Input", "Conv2d"),
        ("Conv2d", "layer1.0"),
        ("layer1.0", "Conv2d"),
        ("Conv2d", "Conv2d"),
    ]
    assert architecture_dot(spec, collapsed={"layer1"}).count("->") == 3


def test_a_block_is_collapsed_by_its_key():
    spec = ModelSpec(name="x", layers=[CONV, {"Residual": {"layers": [CONV]}}])
    assert frames(spec) == {"1": False}
    assert "subgraph" not in architecture_dot(spec, collapsed=["1"])


def test_a_network_of_a_hundred_layers_stays_readable_and_quick():
    layers, source = [conv("stem")], "stem"
    for stage in range(1, 5):
        for block in range(4):
            layers += residual(f"layer{stage}.{block}", source)
            source = f"layer{stage}.{block}.out"
    summary = summarize(ModelSpec(name="x", layers=[*layers, {"Mean": {"dim": [2, 3]}}]))
    assert len(summary.rows) > 100
    start = time.process_time()
    dot = architecture_dot(summary)
    assert time.process_time() - start < 0.5
    assert 16 <= dot.count("shape=") + dot.count("fillcolor") <= 60
    assert frames(summary)["layer4.3"]
    assert not frames(summary)["layer4"]
