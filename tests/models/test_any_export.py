"""Any architecture at all is exported as plain PyTorch, and read back from it."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.errors import SpecError
from digitlab.exports.export import exported, subject_of
from digitlab.models.build import sketch
from digitlab.models.spec import ModelSpec
from tests.models.test_build import any_layers


@settings(max_examples=60)
@given(layers=st.lists(any_layers(), min_size=1, max_size=4))
def test_any_spec_is_exported_as_the_network_it_builds(layers):
    try:
        spec = ModelSpec(name="any", layers=layers)
        text = exported(subject_of(spec), "py").decode()
    except SpecError:
        return
    space: dict = {}
    exec(compile(text, "any.py", "exec"), space)  # the file itself, which digitlab wrote
    with torch.device("meta"):
        network = space["make_network"]()
    shapes = {key: value.shape for key, value in network.state_dict().items()}
    assert shapes == {k: v.shape for k, v in sketch(spec).module.state_dict().items()}
    assert ModelSpec.from_code(text) == spec
