"""Any architecture at all is built as foretold, or refused by a SpecError that names the layer.

Nothing else happens, whatever is in it: no other exception, no long work, no memory blown up.
"""

from __future__ import annotations

import re
import resource
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.errors import SpecError
from digitlab.figures.architecture import architecture_dot
from digitlab.models.build import build, summarize
from digitlab.models.edit import WRAPPERS
from digitlab.models.repair import suggest_fix
from digitlab.models.signatures import find_signature, fresh_layer, list_kinds
from digitlab.models.spec import Layer, ModelSpec
from tests.models.any_spec import IMAGES, LEAVES, any_layer, leaves

MANY = settings(max_examples=100)
SECONDS = 5.0  # of the processor, for one example
MEMORY = 1_500_000_000  # bytes that a whole test may add to the process


@pytest.fixture(autouse=True, scope="module")
def _no_memory_blow_up():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    yield
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert after - before < MEMORY


@MANY
@given(layers=st.lists(any_layer, max_size=6), image=st.sampled_from(IMAGES))
def test_any_spec_is_built_as_foretold_or_refused_by_name(layers, image):
    start = time.process_time()
    try:
        spec = ModelSpec(name="any", input=image, layers=layers)
    except SpecError as error:
        check_told(error, None)
        return
    check_survives_text(spec)
    check_builds(spec)
    assert time.process_time() - start < SECONDS


@MANY
@given(layer=leaves(), image=st.sampled_from(IMAGES), flat=st.booleans())
def test_any_layer_alone_is_built_or_refused(layer, image, flat):
    try:
        spec = ModelSpec(name="any", input=image, layers=[*["Flatten"][:flat], layer])
    except SpecError as error:
        check_told(error, None)
        return
    check_survives_text(spec)
    check_builds(spec)


@pytest.mark.parametrize("name", [*LEAVES, *WRAPPERS])
def test_every_argument_refuses_what_it_cannot_be_by_name(name):
    fresh = fresh_layer(name, (1, 28, 28))
    for argument in find_signature(name).arguments:
        if argument.name in ("layers", "branches"):
            continue
        for value in ("wrong", (1, "a"), ((1,),), True, -5, 10**12, 1e11):
            spec = ModelSpec(name="x", layers=[fresh.with_args(**{argument.name: value})])
            try:
                summarize(spec)
            except SpecError as error:
                check_told(error, spec)


@pytest.mark.parametrize("name", [name for name, _ in list_kinds()])
def test_no_layer_takes_the_arguments_of_nobody(name):
    layer = fresh_layer(name, (1, 28, 28)).with_args(nobody=1)
    with pytest.raises(SpecError, match=r"Layer 1, .*has no argument 'nobody'"):
        summarize(ModelSpec(name="x", layers=[layer]))


@settings(max_examples=40)
@given(layers=st.lists(any_layer, min_size=1, max_size=4))
def test_a_repair_of_any_broken_spec_is_an_architecture_that_gets_further(layers):
    try:
        spec = ModelSpec(name="any", layers=layers)
    except SpecError:
        return
    try:
        summarize(spec)
    except SpecError as error:
        found = suggest_fix(spec, error, classes=10)
        assert found is None or (found[0] and ModelSpec.from_yaml(found[1].to_yaml()) == found[1])


def test_one_number_in_a_list_stands_for_both_sides():
    pool = {"MaxPool2d": {"kernel_size": [2], "stride": [1], "padding": [1], "dilation": [1]}}
    spec = ModelSpec(name="x", layers=[pool])
    check_builds(spec)
    assert summarize(spec).rows[0].receptive_field == (2, 2)


@pytest.mark.parametrize("times", [2, 50, 100])
def test_repeats_inside_repeats_end_at_the_limit(times):
    layer: Layer | str = "ReLU"
    for _ in range(4):
        layer = Layer("Repeat", {"times": times, "layers": [layer]})
    start = time.process_time()
    check_builds(ModelSpec(name="x", layers=[layer]))
    assert time.process_time() - start < SECONDS


def check_survives_text(spec: ModelSpec) -> None:
    assert ModelSpec.from_yaml(spec.to_yaml()) == spec
    assert ModelSpec.from_json(spec.to_json()) == spec


def check_builds(spec: ModelSpec) -> None:
    """Built, run forward and back with the foretold shapes; or a SpecError that names a layer."""
    try:
        summary = summarize(spec)
        assert architecture_dot(summary).startswith("digraph")
        if summary.operations > 3 * 10**7 or summary.activations > 3 * 10**6:
            return  # right, but slow to try
        if summary.parameters > 10**7:
            return
        network = build(spec, seed=0)
    except SpecError as error:
        check_told(error, spec)
        return
    images = torch.rand(2, *spec.input, requires_grad=True)
    output = network(images)
    assert tuple(output.shape) == (2, *summary.output_shape)
    output.sum().backward()
    assert sum(p.numel() for p in network.parameters()) == summary.parameters
    with torch.no_grad():
        assert network.eval()(images[:1]).shape[1:] == output.shape[1:]


def check_told(error: SpecError, spec: ModelSpec | None) -> None:
    """A sentence, and the place of a layer where it is about one."""
    assert error.message.endswith((".", "?"))
    assert len(error.message) < 700
    if spec is None or not spec.layers:
        return
    assert error.layer, error.message
    assert re.search(r"[Ll]ayer \d+, |The network would", error.message), error.message
    assert isinstance(error.path[0], int)
    assert 0 <= error.path[0] < len(spec.layers)
