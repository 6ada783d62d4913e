"""Edits of graphs: who reads whom follows each change, and the graph stays whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.errors import SpecError
from digitlab.models import edit
from digitlab.models.build import summarize
from digitlab.models.graph import resolve
from digitlab.models.layer import read_layers
from digitlab.models.spec import Layer, ModelSpec

CONV = {"out_channels": 4, "kernel_size": 3, "padding": 1}


def spec(*layers) -> ModelSpec:
    return ModelSpec(name="x", layers=layers)


def layers(changed: ModelSpec) -> list:
    return [layer.to_data() for layer in changed.layers]


SHORTCUT = spec(
    {"Conv2d": {"name": "a", **CONV}},
    "ReLU",
    {"Conv2d": {"name": "b", **CONV}},
    {"Add": {"from": ["b", "a"]}},
    "Flatten",
    {"Linear": {"out_features": 10}},
)


def test_a_layer_added_after_another_is_read_by_all_that_read_it():
    changed = edit.insert_after(SHORTCUT, (0,), "BatchNorm2d")
    assert layers(changed)[1] == {"BatchNorm2d": {"name": "batchnorm2d"}}
    assert layers(changed)[4] == {"Add": {"from": ["b", "batchnorm2d"]}}
    assert summarize(changed).output_shape == (10,)


def test_a_layer_added_before_a_join_stands_in_its_first_source():
    changed = edit.insert(SHORTCUT, (3,), "BatchNorm2d")
    assert layers(changed)[3:5] == [
        {"BatchNorm2d": {"name": "batchnorm2d"}},
        {"Add": {"from": ["batchnorm2d", "a"]}},
    ]


def test_what_read_a_removed_layer_reads_its_source():
    changed = edit.remove(SHORTCUT, (2,))
    assert layers(changed)[:3] == [
        {"Conv2d": {"name": "a", **CONV}},
        {"ReLU": {"name": "relu"}},
        {"Add": {"from": ["relu", "a"]}},
    ]
    assert layers(edit.remove(SHORTCUT, (0,)))[2] == {"Add": {"from": ["b", "input"]}}


def test_a_branch_that_only_a_removed_join_read_goes_with_it():
    projected = spec(
        {"Conv2d": {"name": "a", **CONV}},
        {"Conv2d": {"name": "b", **CONV}},
        {"Conv2d": {"name": "skip", "from": "a", **CONV}},
        {"Add": {"from": ["b", "skip"]}},
        "ReLU",
    )
    assert [layer.name for layer in edit.remove(projected, (3,)).layers] == ["a", "b", ""]


def test_a_parameter_comes_with_its_join_and_goes_with_it():
    plain = spec("Flatten", {"Linear": {"out_features": 10}})
    changed = edit.insert(plain, (1,), {"Parameter": {"shape": [1, 784], "init": "zeros"}})
    assert [layer.type for layer in changed.layers] == ["Flatten", "Parameter", "Add", "Linear"]
    assert changed.layers[2].sources == ("flatten", "parameter")
    assert summarize(changed).parameters == 784 + 7850
    without = [layer.type for layer in edit.remove(changed, (1,)).layers]
    assert without == [layer.type for layer in edit.remove(changed, (2,)).layers]
    assert without == ["Flatten", "Linear"]


def test_a_duplicate_has_a_name_of_its_own_and_is_read_in_place_of_its_original():
    changed = edit.duplicate(SHORTCUT, (2,))
    assert layers(changed)[3:5] == [
        {"Conv2d": {"name": "b_2", **CONV}},
        {"Add": {"from": ["b_2", "a"]}},
    ]
    assert edit.duplicate(changed, (3,)).layers[4].name == "b_3"
    parameter = edit.insert(SHORTCUT, (1,), {"Parameter": {"shape": [1, 1, 1]}})
    with pytest.raises(SpecError, match="Nothing would read a copy of layer 2, Parameter"):
        edit.duplicate(parameter, (1,))


def test_a_new_name_is_what_the_others_call_it_by():
    changed = edit.rename_layer(SHORTCUT, (0,), "stem.conv")
    assert changed.layers[3].sources == ("b", "stem.conv")
    assert edit.rename_layer(changed, (0,), "").layers[3].sources == ("b", "conv2d")
    for taken in ("b", "b.more", "input"):
        with pytest.raises(SpecError):
            edit.rename_layer(SHORTCUT, (0,), taken)
    reused = edit.insert(SHORTCUT, (3,), {"Reuse": {"layer": "b"}})
    assert edit.rename_layer(reused, (2,), "c").layers[3].args == {"layer": "c"}


def test_a_moved_layer_leaves_its_chain_and_joins_the_one_at_its_new_place():
    changed, place = edit.move(SHORTCUT, (1,), 1)  # ReLU behind the second convolution
    assert place == (2,)
    assert [layer.type for layer in changed.layers][:4] == ["Conv2d", "Conv2d", "ReLU", "Add"]
    assert changed.layers[3].sources == ("relu", "a")
    changed, _ = edit.move(SHORTCUT, (4,), -1)  # Flatten into the join's first source
    assert changed.layers[4].sources == ("flatten", "a")


def test_a_join_still_reads_the_same_name_after_two_equal_layers_changed_places():
    before = spec(
        "Flatten",
        {"Linear": {"name": "linear", "out_features": 64}},
        "ReLU",
        {"ReLU": {"name": "relu"}},
        {"Add": {"from": ["relu", "linear"]}},
    )
    assert edit.move(before, (3,), -1) == (before, (2,))


def test_a_join_does_not_move_before_what_it_reads():
    with pytest.raises(SpecError, match="Layer 4, Add, cannot stand before what it reads"):
        edit.move(SHORTCUT, (3,), -1)
    parameter = edit.insert(SHORTCUT, (4,), {"Parameter": {"shape": [1, 1, 1]}})
    moved, _ = edit.move(parameter, (4,), -4)
    assert moved.layers[0].type == "Parameter"
    assert summarize(moved).parameters == summarize(parameter).parameters


def test_a_layer_is_connected_to_others_and_these_are_named():
    plain = spec("ReLU", "Tanh", "Add", "Flatten", {"Linear": {"out_features": 10}})
    changed = edit.connect(plain, (2,), [1, 0, -1])
    assert changed.layers[2].sources == ("tanh", "relu", "input")
    assert edit.sources_of(changed, (2,)) == (1, 0, -1)
    assert edit.sources_of(changed, (3,)) == (2,)
    assert edit.connect(changed, (2,), []).layers[2].sources == ()
    with pytest.raises(SpecError, match="only layers before it"):
        edit.connect(plain, (2,), [2])


def test_a_block_takes_the_name_and_the_sources_of_what_it_holds():
    wrapped = edit.wrap(SHORTCUT, (2,), "Residual")
    assert (wrapped.layers[2].name, wrapped.layers[2].args["layers"][0].name) == ("b", "")
    assert edit.unwrap(wrapped, (2,)) == SHORTCUT
    with pytest.raises(SpecError, match="one input"):
        edit.wrap(SHORTCUT, (3,), "Residual")


def test_names_inside_an_unwrapped_block_give_way_to_those_outside():
    block = {"Residual": {"layers": [{"ReLU": {"name": "a"}}, {"Add": {"from": ["a", "input"]}}]}}
    changed = edit.unwrap(spec({"Conv2d": {"name": "a", **CONV}}, block, "Tanh"), (1,))
    assert [layer.name for layer in changed.layers] == ["a", "a_2", "", ""]
    assert changed.layers[2].sources == ("a_2", "a")


def test_the_weights_of_a_removed_layer_pass_to_the_layer_that_shared_them():
    shared = spec({"Linear": {"name": "w", "out_features": 28}}, "ReLU", {"Reuse": {"layer": "w"}})
    assert layers(edit.remove(shared, (0,))) == [
        "ReLU",
        {"Linear": {"name": "w", "out_features": 28}},
    ]


def test_a_layer_is_used_again_under_a_name_that_it_gets_by_itself():
    plain = spec("Flatten", {"Linear": {"out_features": 784}}, "ReLU")
    changed = edit.reuse(plain, (3,), 1)
    assert changed.layers[1].name == "linear"
    assert changed.layers[3].to_data() == {"Reuse": {"layer": "linear"}}
    assert summarize(changed).parameters == summarize(plain).parameters
    with pytest.raises(SpecError):
        edit.reuse(plain, (1,), 2)


def test_a_name_given_by_itself_is_of_the_group_around_it():
    group = spec(
        {"Conv2d": {"name": "layer1.0.conv1", **CONV}},
        "ReLU",
        {"Conv2d": {"name": "layer1.0.conv2", **CONV}},
        {"Add": {"from": ["layer1.0.conv2", "layer1.0.conv1"]}},
    )
    assert edit.connect(group, (3,), [2, 1]).layers[1].name == "layer1.0.relu"


@st.composite
def graphs(draw) -> list[Layer]:
    """Graphs in form: any layer may be named and read any earlier ones; the last reads the rest."""
    count, made, unread = draw(st.integers(1, 7)), [], {"input"}
    for number in range(count):
        kind = draw(st.sampled_from(["ReLU", "Tanh", "Add", "Parameter", "Reuse", "Residual"]))
        earlier = ["input", *(layer.name for layer in made)]
        args, sources = {}, draw(st.lists(st.sampled_from(earlier), min_size=1, max_size=1))
        if kind == "Add":
            sources = draw(st.lists(st.sampled_from(earlier), min_size=2, max_size=3))
        if kind == "Parameter":
            args, sources = {"shape": [1]}, []
        if kind == "Residual":
            args = {"layers": ["ReLU"]}
        whole = [layer.name for layer in made if layer.type in ("ReLU", "Tanh", "Residual")]
        if kind == "Reuse":
            kind, args = (
                ("Reuse", {"layer": draw(st.sampled_from(whole))}) if whole else ("GELU", {})
            )
        unread -= set(sources)
        made.append(Layer(kind, args, f"n{number}", tuple(sources)))
        unread.add(f"n{number}")
    last = sorted(unread - {"input"}) or ["input"]
    return [*made, Layer("Concatenate", {}, "", (*last, last[0]))]


EDITS = ["insert", "after", "remove", "duplicate", "move", "wrap", "unwrap", "replace"]
EDITS += ["rename", "parameter", "connect"]


def change(before: ModelSpec, kind: str, place: int, number: int) -> ModelSpec:
    path = (place % len(before.layers),)
    sources = (number % (path[0] + 1) - 1, *edit.sources_of(before, path)[1:])
    edits = {
        "insert": lambda: edit.insert(before, path, "Sigmoid"),
        "after": lambda: edit.insert_after(before, path, "Sigmoid"),
        "parameter": lambda: edit.insert_after(before, path, {"Parameter": {"shape": [1]}}),
        "remove": lambda: edit.remove(before, path),
        "duplicate": lambda: edit.duplicate(before, path),
        "move": lambda: edit.move(before, path, number)[0],
        "wrap": lambda: edit.wrap(before, path, "Residual"),
        "unwrap": lambda: edit.unwrap(before, path),
        "replace": lambda: edit.replace(before, path, Layer("GELU"), before.layers[path[0]]),
        "rename": lambda: edit.rename_layer(before, path, "new" if number > 0 else ""),
        "connect": lambda: edit.connect(before, path, sources),
    }
    return edits[kind]()


def leaves_unread(changed: ModelSpec) -> bool:
    try:
        resolve(changed.layers)
    except SpecError as error:
        return "to no layer" in error.message
    return False


@settings(max_examples=200)
@given(
    graph=graphs(),
    edits=st.lists(st.tuples(st.sampled_from(EDITS), st.integers(0, 20), st.integers(-4, 4)),
                   max_size=6),
)  # fmt: skip
def test_any_edits_of_any_graph_leave_a_graph(graph, edits):
    changed = ModelSpec(name="x", layers=graph)
    resolve(changed.layers)
    for kind, place, number in edits:
        if not changed.layers:
            break
        was = changed
        try:
            changed = change(changed, kind, place, number)
        except SpecError:  # what cannot be, such as a join in a block
            continue
        assert ModelSpec.from_yaml(changed.to_yaml()) == changed
        if kind == "connect" and leaves_unread(changed):  # for a person to connect
            changed = was
        resolve(changed.layers)


def test_a_list_without_names_is_edited_without_any():
    plain = read_layers(["ReLU", "Tanh", {"Residual": {"layers": ["ReLU"]}}, "GELU"])
    before = ModelSpec(name="x", layers=plain)
    for kind in ("insert", "after", "remove", "duplicate", "move", "wrap", "unwrap", "replace"):
        for place in range(4):
            try:
                changed = change(before, kind, place, 2)
            except SpecError:
                continue
            assert not any(layer.name or layer.sources for layer in changed.layers), kind
