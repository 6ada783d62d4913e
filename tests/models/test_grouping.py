"""Groups of layers by their dotted names."""

from __future__ import annotations

from digitlab.models.grouping import group_layers
from digitlab.models.layer import read_layers


def groups(*layers):
    """Each group as (key, first, last), outside in."""

    def flat(found):
        for group in found:
            yield group.key, group.first, group.last
            yield from flat(group.groups)

    return list(flat(group_layers(read_layers(layers))))


def named(*names):
    return [{"ReLU": {"name": name}} if name else "ReLU" for name in names]


def test_a_list_without_dotted_names_has_no_groups():
    assert groups("ReLU", {"ReLU": {"name": "a"}}) == []
    assert groups(*named("a.one", "b.one")) == []  # one layer is no group


def test_groups_nest_and_what_has_no_name_is_where_its_neighbours_are():
    assert groups(
        {"Conv2d": {"name": "conv1"}},
        "ReLU",
        {"Conv2d": {"name": "layer1.0.conv1"}},
        "ReLU",
        {"Conv2d": {"name": "layer1.0.conv2"}},
        {"Add": {"from": ["layer1.0.conv2", "conv1"]}},
        "ReLU",
        {"Conv2d": {"name": "layer1.1.conv1"}},
        "MaxPool2d",
        {"Conv2d": {"name": "layer1.1.conv2"}},
        "AdaptiveAvgPool2d",
        {"Linear": {"name": "fc"}},
    ) == [("layer1", 2, 9), ("layer1.0", 2, 6), ("layer1.1", 7, 9)]


def test_a_second_stretch_of_the_same_name_is_another_group():
    assert groups(*named("a.x", "a.y", "b", "a.z", "a.w")) == [("a", 0, 1), ("a#2", 3, 4)]
