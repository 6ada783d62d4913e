"""Everything that may be added has a signature and, as it is added, builds where it belongs."""

from __future__ import annotations

import pytest

from digitlab.errors import SpecError
from digitlab.models.arguments import ARGUMENT_WORDS
from digitlab.models.build import summarize
from digitlab.models.signatures import find_signature, fresh_layer, list_kinds
from digitlab.models.spec import Layer, ModelSpec

NAMES = [name for name, kind in list_kinds() if kind != "whole model"]
BEFORE = {  # layers that lead to the shapes a layer may need
    (1, 28, 28): [],
    (4, 28, 28): [{"Conv2d": {"out_channels": 4, "kernel_size": 1}}],
    (784,): ["Flatten"],
    (1, 784): [{"Flatten": {"start_dim": 2}}],
    (1, 1, 28, 28): [{"Unflatten": {"dim": 1, "unflattened_size": [1, 1]}}],
    (4, 4, 28, 28): [
        {"Conv2d": {"out_channels": 16, "kernel_size": 1}},
        {"Unflatten": {"dim": 1, "unflattened_size": [4, 4]}},
    ],
    (49, 16): [{"Patches": {"patch_size": 4, "dim": 16}}],
    (16, 49): [{"Unfold": {"kernel_size": 4, "stride": 4}}],
}


def test_the_list_holds_everything_once():
    names = [name for name, _ in list_kinds()]
    assert len(names) == len(set(names)) > 180
    assert names[0] == "Conv2d"
    assert {"Residual", "torchvision/vit_b_16", "Threshold"} <= set(names)


@pytest.mark.parametrize("name", NAMES)
def test_a_fresh_layer_builds_where_it_belongs(name):
    assert find_signature(name).name == name
    problems = []
    for shape, before in BEFORE.items():
        try:
            summarize(ModelSpec(name="x", layers=[*before, *_in_its_place(name, shape)]))
        except SpecError as error:
            problems.append(str(error))
        else:
            return
    pytest.fail("\n".join(problems))


def _in_its_place(name, shape):
    """A fresh layer of that name, with the layers that it reads or that read it."""
    layer = fresh_layer(name, shape)
    kind = find_signature(name).kind
    if name in ("AffineGrid", "GridSample"):
        theta = ["Flatten", {"Linear": {"out_features": 6}}, {"Reshape": {"shape": [2, 3]}}]
        grid = fresh_layer("AffineGrid").named("grid")
        return [*theta, grid, *([layer.reading("input", "grid")] if name == "GridSample" else [])]
    if kind == "join" and name != "Einsum":
        three = name == "ScaledDotProductAttention"
        return [Layer("ReLU", name="a"), layer.reading(*["a", "input", "a"][: 2 + three])]
    if kind == "parameter":
        return [layer.named("p"), Layer("Add", sources=("p", "input"))]
    if kind == "reuse":
        return [Layer("PReLU", name=layer.args["layer"]), layer]
    return [layer]


@pytest.mark.parametrize("name", ["Residual", "Parallel", "Repeat"])
@pytest.mark.parametrize("shape", [(1, 28, 28), (784,), (49, 16)])
def test_a_fresh_block_fits_where_it_is_put(name, shape):
    spec = ModelSpec(name="x", layers=[*BEFORE[shape], fresh_layer(name, shape)])
    assert len(summarize(spec).output_shape) == len(shape)


def test_an_unknown_name_has_no_signature_and_a_bare_layer():
    assert find_signature("Nonsense") is None
    assert find_signature("torchvision/nonsense") is None
    assert find_signature("sklearn/Nonsense") is None
    assert fresh_layer("Nonsense") == Layer("Nonsense")


def test_every_argument_is_explained_in_words():
    for name, _ in list_kinds():
        for argument in find_signature(name).arguments:
            assert argument.name in ARGUMENT_WORDS, f"{name}.{argument.name}"
