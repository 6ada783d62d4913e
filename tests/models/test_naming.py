"""A changed architecture is not called by the name of what it was made from."""

from __future__ import annotations

import pytest

from digitlab.models import edit
from digitlab.models.library import save_model
from digitlab.models.load import load_model
from digitlab.models.naming import count_changes, distinct_name
from digitlab.models.spec import ModelSpec

START = load_model("two-hidden-64-relu")
LINEAR = {"Linear": {"out_features": 10}}


@pytest.mark.parametrize(
    ("changed", "count"),
    [
        (START, 0),
        (START.renamed("Mine"), 0),
        (edit.insert(START, (1,), "Dropout"), 1),
        (edit.remove(START, (2,)), 1),
        (edit.set_arguments(START, (1,), {"out_features": 32}), 1),
        (edit.move(START, (2,), 2)[0], 1),
        (edit.wrap(START, (2,), "Residual"), 1),
        (edit.insert(edit.set_arguments(START, (1,), {"out_features": 32}), (6,), "Dropout"), 2),
        (START.with_init("xavier"), 1),
        (START.with_input((1, 8, 8)).with_init("xavier"), 2),
        (START.with_layers([]), 6),
        (edit.connect(edit.insert(START, (3,), "Add"), (3,), [2, 1]), 1),
        (edit.rename_layer(START, (1,), "first"), 1),
        (edit.rename_layer(edit.insert(START, (3,), "Dropout"), (1,), "first"), 2),
    ],
)
def test_changes_are_counted_as_a_person_makes_them(changed, count):
    assert count_changes(START, changed) == count


def test_a_changed_preset_has_a_name_of_its_own_until_a_person_names_it():
    changed = distinct_name(edit.remove(START, (2,)))
    assert changed.name == "two-hidden-64-relu with 1 change"
    more = distinct_name(edit.remove(changed, (1,)))
    assert more.name == "two-hidden-64-relu with 2 changes"
    assert distinct_name(more.renamed("Mine")).name == "Mine"
    assert distinct_name(more.with_layers(START.layers)) == START


def test_a_network_under_the_name_of_another_preset_is_told_apart_from_that_one():
    other = ModelSpec(name="lenet-5", layers=["Flatten", LINEAR])
    assert distinct_name(other, START).name.startswith("lenet-5 with ")


def test_saved_architectures_and_models_of_libraries_are_known_too(home):
    saved = save_model(ModelSpec(name="x", layers=["Flatten", LINEAR]), "slim")
    assert distinct_name(edit.insert(saved, (1,), "ReLU")).name == "slim with 1 change"
    resnet = load_model("torchvision/resnet18")
    changed = edit.insert(resnet, (0,), "Dropout")
    assert distinct_name(changed, resnet).name == "resnet18 with 1 change"
    assert distinct_name(changed).name == "resnet18"  # of which nobody knows what it was


def test_a_long_name_stays_a_name():
    start = START.renamed("x" * 100)
    assert len(distinct_name(edit.remove(start, (2,)), start).name) == 100
