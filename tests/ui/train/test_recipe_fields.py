"""The form asks for every field of a recipe, in the words and within the bounds of TrainConfig."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field
from streamlit.testing.v1 import AppTest

from digitlab.training.config import Augmentation, Form, TrainConfig, form_of
from digitlab.ui.train import default_recipe, recipe
from digitlab.ui.train.recipe_fields import describe, is_asked, params, to_params
from tests.conftest import PATIENCE

FIELDS = {**TrainConfig.model_fields, **Augmentation.model_fields}
NOT_ASKED = {"restarts", "augmentation"}  # by continuing a run; by the fields inside it


def test_every_field_of_a_recipe_can_be_set():
    assert {name for name, field in FIELDS.items() if is_asked(field)} == set(FIELDS) - NOT_ASKED
    grouped = [name for names in recipe.field_groups().values() for name in names]
    assert sorted(grouped) == sorted(TrainConfig.model_fields)


def test_no_two_share_a_place_in_the_url():
    assert len(set(params(TrainConfig))) == len(FIELDS) - len(NOT_ASKED)


def test_fields_and_values_are_described_as_the_form_names_them():
    values = {"epochs": 7, "loss": "mse", "nesterov": True, "augmentation": {"rotation": 10.0}}
    epochs, loss, nesterov, rotation = describe(values)
    assert (epochs, nesterov, rotation) == ("Epochs 7", "Nesterov on", "Rotation 10°")
    assert loss.startswith("Loss ")
    assert "mse" not in loss


def test_names_in_links_stay():
    assert {
        *("epochs", "batch", "optimizer", "lr", "seed", "schedule", "decay", "momentum"),
        *("nesterov", "step_epochs", "step_factor", "norm", "val", "smoothing", "device"),
        *("subset", "patience", "keep", "clip", "precision", "threads", "average", "testcurve"),
        *("compile", "rotation", "shift", "scale", "shear", "elastic", "thickness", "noise"),
        "erasing",
    } <= set(params(TrainConfig))


@pytest.mark.parametrize("name", FIELDS)
def test_each_says_what_it_is_and_then_what_it_does_or_what_to_try(name):
    field = FIELDS[name]
    text = " ".join(field.description.split())
    first, _, rest = text.partition(". ")
    assert len(field.title) < (16 if field.annotation is bool else 26)  # or it is cut
    assert text[0].isupper()
    assert text.endswith(".")
    assert 12 < len(first) < 90
    assert len(rest) < 130


@pytest.mark.parametrize("name", [name for name in FIELDS if form_of(FIELDS[name]).options])
def test_choices_have_titles_for_every_value(name):
    for value in form_of(FIELDS[name]).options:
        assert getattr(TrainConfig(**{name: value}), name) == value


class More(TrainConfig):
    """A recipe with fields that the form has never heard of."""

    warm: Annotated[int, Field(ge=0, le=50)] = 0
    """Number of something. Try 3."""
    limit: Annotated[float | None, Field(gt=0)] = None
    blend: Annotated[float, Form(high=0.5, step=0.1), Field(ge=0, lt=1, title="Mixing")] = 0.1
    sam: bool = False
    fused: bool | None = None


def show_form():
    import streamlit as st

    from digitlab.models.load import load_model
    from digitlab.ui.train.recipe import recipe_form

    name = "two-hidden-64-relu"
    st.session_state["config"] = recipe_form(name, load_model(name), "mnist")


def shown(monkeypatch, *, more=True, **link):
    """The form of such a recipe, opened by a link."""
    for module in (recipe, default_recipe):
        monkeypatch.setattr(module, "TrainConfig", More)
    app = AppTest.from_string(
        "from tests.ui.train.test_recipe_fields import show_form\nshow_form()"
    )
    app.query_params.update(link)
    app.session_state[recipe.MORE] = more
    app.run(timeout=PATIENCE)
    assert not app.exception
    return app


def test_a_new_field_appears_by_itself_stays_in_the_url_and_is_read_back(monkeypatch):
    app = shown(monkeypatch)
    boxes = {box.label: box for box in [*app.number_input, *app.toggle, *app.selectbox]}
    assert boxes["Warm"].help == "Number of something. Try 3."
    assert (boxes["Warm"].min, boxes["Warm"].max) == (0, 50)
    assert (boxes["Mixing"].max, boxes["Mixing"].value) == (0.5, 0.1)
    assert boxes["Fused"].options == ["None", "Yes", "No"]
    boxes["Warm"].set_value(3)
    boxes["Limit (0: none)"].set_value(2.5)
    boxes["Sam"].set_value(True)
    boxes["Fused"].set_value("0")
    app.run()
    assert not app.exception
    expected = {"warm": 3, "limit": 2.5, "sam": True, "fused": False, "blend": 0.1}
    config = app.session_state["config"]
    assert {name: getattr(config, name) for name in expected} == expected
    link = {"warm": "3", "limit": "2.5", "sam": "1", "fused": "0"}
    assert dict(app.query_params) == link
    assert shown(monkeypatch, **link).session_state["config"] == config
    closed = shown(monkeypatch, more=False, **link)
    assert closed.session_state["config"] == config
    assert [fold.label for fold in closed.expander] == ["More settings · 4 changed"]
    assert not closed.toggle
    put = dict(to_params(config))  # by "Change and rerun"
    assert [put[name] for name in link] == [3, 2.5, True, "0"]
