"""Any graph at all: written and read, renamed, built, adapted, drawn."""

from __future__ import annotations

import re
from dataclasses import replace

import torch
from hypothesis import given, settings

from digitlab.figures.architecture import architecture_dot, frames
from digitlab.models.build import build, check_fits, summarize
from digitlab.models.graph import REUSE
from digitlab.models.groups import entrances, exits, find_groups
from digitlab.models.spec import ModelSpec
from tests.models.any_graph import CLASSES, any_graph

SHAPE = (1, 8, 8)
any_settings = settings(max_examples=40)


def spec_of(layers) -> ModelSpec:
    return ModelSpec(name="any", input=SHAPE, layers=layers)


def renamed(layer, new):
    """The layer with other names, also of those it reads."""
    if layer.type == REUSE:
        layer = layer.with_args(layer=new(layer.args["layer"]))
    sources = tuple(name if name == "input" else new(name) for name in layer.sources)
    return replace(layer, name=new(layer.name) if layer.name else "", sources=sources)


@any_settings
@given(layers=any_graph())
def test_any_graph_is_read_as_it_was_written(layers):
    spec = spec_of(layers)
    assert ModelSpec.from_yaml(spec.to_yaml()) == spec
    assert ModelSpec.from_json(spec.to_json()) == spec
    other = spec.with_layers([renamed(layer, lambda name: f"n_{name}") for layer in spec.layers])
    assert other.fingerprint == spec.fingerprint


@any_settings
@given(layers=any_graph())
def test_any_graph_is_built_as_it_is_summarised(layers):
    spec = spec_of(layers)
    summary, network = summarize(spec), build(spec, seed=0)
    with torch.inference_mode():
        output = network.eval()(torch.rand(3, *SHAPE))
    assert tuple(output.shape) == (3, *summary.output_shape) == (3, CLASSES)
    assert sum(p.numel() for p in network.parameters()) == summary.parameters
    named = {layer.name for layer in spec.layers if layer.name}
    assert named <= {row.name for row in summary.rows}
    for row in summary.rows:
        sides = row.receptive_field
        assert sides is None or all(0 < side <= 8 for side in sides)


@any_settings
@given(layers=any_graph())
def test_any_graph_adapts_to_other_classes(layers):
    adapted = spec_of(layers).for_data(SHAPE, 7)
    assert check_fits(adapted, SHAPE, 7).output_shape == (7,)


@any_settings
@given(layers=any_graph())
def test_any_graph_is_drawn(layers):
    summary = summarize(spec_of(layers))
    for collapsed in (None, (), frames(summary)):
        dot = architecture_dot(summary, collapsed=collapsed)
        boxes = set(re.findall(r"(?m)^ *(n\d+) \[", dot))
        ends = re.findall(r"(n\d+) -> (n\d+)", dot)
        assert {end for pair in ends for end in pair} == boxes
        assert dot.count("{") == dot.count("}")


@any_settings
@given(layers=any_graph())
def test_groups_are_nested_and_their_layers_stand_together(layers):
    summary = summarize(spec_of(layers))
    rows = [row for row in summary.rows if row.depth == 0]
    places = {row.key: index for index, row in enumerate(rows)} | {"": -1}
    reads = tuple(tuple(places[key] for key in row.sources) for row in rows)
    names = [row.name for row in rows]
    groups = find_groups(names, [row.label for row in rows], reads)
    for group in (inner for outer in groups for inner in outer.walk()):
        inside = names[group.start : group.stop]
        assert all(not name or name.startswith(f"{group.name}.") for name in inside)
        assert not set(entrances(group, reads)) & set(exits(group, reads))
        for inner in group.groups:
            assert group.start <= inner.start < inner.stop <= group.stop
