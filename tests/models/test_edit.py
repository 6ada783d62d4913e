"""Edits of an architecture: a copy that differs in one place, at any depth, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.errors import SpecError
from digitlab.models import edit
from digitlab.models.load import load_model
from digitlab.models.spec import Layer, ModelSpec

CONV = {"Conv2d": {"out_channels": 4, "kernel_size": 1}}
SPEC = ModelSpec(
    name="x",
    layers=[
        CONV,
        {"Residual": {"layers": ["ReLU", "BatchNorm2d"]}},
        {"Parallel": {"branches": [["Tanh"], ["GELU", "Dropout"]], "join": "sum"}},
        "Flatten",
    ],
)
PLACES = [(0,), (1,), (1, "layers", 0), (1, "layers", 1), (2,), (2, "branches", 0, 0)]
PLACES += [(2, "branches", 1, 0), (2, "branches", 1, 1), (3,)]


def types(spec: ModelSpec) -> list[str]:
    return [layer.type for _, layer in spec.walk()]


def test_a_walk_meets_every_layer_at_its_place():
    assert [path for path, _ in SPEC.walk()] == PLACES
    assert all(edit.layer_at(SPEC, path) is layer for path, layer in SPEC.walk())


@pytest.mark.parametrize("path", PLACES)
def test_what_is_inserted_stands_there_and_taking_it_out_undoes_it(path):
    changed = edit.insert(SPEC, path, {"Linear": {"out_features": 3}})
    assert edit.layer_at(changed, path) == Layer("Linear", {"out_features": 3})
    assert edit.remove(changed, path) == SPEC
    after = (*path[:-1], path[-1] + 1)
    assert edit.layer_at(edit.insert(SPEC, after, "Sigmoid"), after).type == "Sigmoid"


@pytest.mark.parametrize("path", PLACES)
def test_a_duplicate_stands_right_after_its_original(path):
    changed = edit.duplicate(SPEC, path)
    after = (*path[:-1], path[-1] + 1)
    assert edit.layer_at(changed, path) == edit.layer_at(changed, after)
    assert edit.remove(changed, after) == SPEC


def test_a_layer_moves_within_its_list_and_no_further():
    moved, place = edit.move(SPEC, (1, "layers", 0), 1)
    assert place == (1, "layers", 1)
    assert [layer.type for layer in moved.layers[1].args["layers"]] == ["BatchNorm2d", "ReLU"]
    assert edit.move(moved, place, -1) == (SPEC, (1, "layers", 0))
    assert edit.move(SPEC, (0,), -1) == (SPEC, (0,))
    assert edit.move(SPEC, (0,), 99)[1] == (3,)


def test_arguments_are_replaced_and_what_is_inside_stays():
    changed = edit.set_arguments(SPEC, (2,), {"join": "mean"})
    assert changed.layers[2].args == {**SPEC.layers[2].args, "join": "mean"}
    assert edit.set_arguments(SPEC, (0,), {"out_channels": 8}).layers[0].args == {"out_channels": 8}
    with pytest.raises(SpecError, match="An argument is"):
        edit.set_arguments(SPEC, (0,), {"out_channels": float("nan")})


@pytest.mark.parametrize("block", edit.WRAPPERS)
@pytest.mark.parametrize("path", PLACES)
def test_wrapping_and_unwrapping_come_back_to_the_start(path, block):
    changed = edit.wrap(SPEC, path, block)
    assert edit.layer_at(changed, path).type == block
    assert edit.unwrap(changed, path) == SPEC


def test_branches_are_added_and_removed():
    more = edit.add_branch(SPEC, (2,))
    assert len(more.layers[2].args["branches"]) == 3
    assert edit.remove(more, (2, "branches", 2)) == SPEC
    assert edit.insert(more, (2, "branches", 2, 0), "ReLU").layers[2].args["branches"][2]


def test_the_original_never_changes():
    before = SPEC.to_json()
    for path in PLACES:
        edit.remove(SPEC, path)
        edit.wrap(SPEC, path, "Residual")
    assert SPEC.to_json() == before


WRONG = [(), (9,), (-1,), ("layers",), (0, "layers", 0), (1, "layers", 7), (1, "branches", 0, 0)]
WRONG += [(2, "branches", 1), (2, "branches", 5, 0), (1, "layers"), (1, 0), (True,), (1.0,)]


@pytest.mark.parametrize("path", WRONG)
@pytest.mark.parametrize(
    "change",
    [
        edit.layer_at,
        edit.duplicate,
        edit.unwrap,
        lambda spec, path: edit.move(spec, path, 1),
        lambda spec, path: edit.wrap(spec, path, "Residual"),
        lambda spec, path: edit.set_arguments(spec, path, {}),
    ],
)
def test_a_place_that_is_not_there_is_refused(path, change):
    with pytest.raises(SpecError):
        change(SPEC, path)


@pytest.mark.parametrize("path", [path for path in WRONG if path != (2, "branches", 1)])
def test_nothing_is_removed_from_a_place_that_is_not_there(path):
    with pytest.raises(SpecError):
        edit.remove(SPEC, path)
    with pytest.raises(SpecError):
        edit.add_branch(SPEC, path)


def test_only_blocks_are_wrapped_around_and_unwrapped():
    with pytest.raises(SpecError, match="use Residual, Parallel"):
        edit.wrap(SPEC, (0,), "Linear")
    with pytest.raises(SpecError, match="Conv2d, holds no layers"):
        edit.unwrap(SPEC, (0,))


def test_blocks_too_deep_inside_each_other_are_refused():
    spec = SPEC
    for _ in range(3):
        spec = edit.wrap(spec, (0,), "Residual")
    with pytest.raises(SpecError, match=r"nested at most 5 deep|nests deeper"):
        edit.wrap(edit.wrap(edit.wrap(spec, (0,), "Repeat"), (0,), "Repeat"), (0,), "Repeat")


def test_sixty_edits_of_a_large_network_are_no_work():
    spec = load_model("record")
    for _ in range(60):
        spec, _ = edit.move(spec, (0,), 5)
    assert sorted(types(spec)) == sorted(types(load_model("record")))


STEP = st.one_of(st.integers(-2, 6), st.sampled_from(["layers", "branches", "x", None]))


@settings(max_examples=300)
@given(path=st.lists(STEP, max_size=5).map(tuple), seed=st.integers(0, 5))
def test_any_path_edits_or_raises_spec_error(path, seed):
    changes = (
        lambda: edit.insert(SPEC, path, "ReLU"),
        lambda: edit.remove(SPEC, path),
        lambda: edit.duplicate(SPEC, path),
        lambda: edit.move(SPEC, path, 2)[0],
        lambda: edit.wrap(SPEC, path, "Parallel"),
        lambda: edit.add_branch(SPEC, path),
    )
    try:
        changed = changes[seed]()
    except SpecError:
        return
    assert ModelSpec.from_yaml(changed.to_yaml()) == changed
