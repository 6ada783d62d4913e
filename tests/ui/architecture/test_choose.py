"""Where the diagram of an architecture stands: beside the list, or below for a wide one."""

from __future__ import annotations

import pytest

from digitlab.models.build import summarize
from digitlab.models.load import load_model
from digitlab.models.spec import ModelSpec
from digitlab.ui.architecture.choose import has_branches

STEM = ["Flatten", {"Linear": {"name": "stem", "out_features": 64}}]
FORK = {"Linear": {"name": "left", "out_features": 64}}


@pytest.mark.parametrize(
    ("layers", "wide"),
    [
        ([*STEM, "ReLU"], False),
        ([*STEM, {"ReLU": {"name": "relu"}}, {"Add": {"from": ["relu", "stem"]}}], False),
        (
            [
                *STEM,
                FORK,
                {"Linear": {"name": "right", "from": "stem", "out_features": 64}},
                {"Add": {"from": ["left", "right"]}},
            ],
            True,
        ),
    ],
)
def test_only_boxes_side_by_side_make_a_diagram_wide(layers, wide):
    assert has_branches(summarize(ModelSpec(name="x", layers=layers))) is wide


def test_blocks_with_branches_make_a_diagram_wide():
    assert has_branches(summarize(load_model("inception-mini")))
    assert not has_branches(summarize(load_model("densenet-mini")))
