"""The Train page's recipe explains itself."""

from __future__ import annotations

import pytest

CHOSEN_ABOVE = ("Dataset", "Model")


@pytest.mark.parametrize("model", ["cnn", "svm"])
def test_every_field_of_the_recipe_has_a_help(open_page, model):
    app = open_page("3_Train", more=True, model=model, schedule="step")
    fields = [*app.number_input, *app.selectbox, *app.toggle]
    fields = [one for one in fields if one.label not in CHOSEN_ABOVE]
    assert len(fields) > (3 if model == "svm" else 25)
    assert not [one.label for one in fields if not one.help]
