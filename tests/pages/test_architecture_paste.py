"""Pasted code on the Architecture page: beside its layers, or refused with nothing else shown."""

from __future__ import annotations

import json

import pytest

from digitlab.errors import SpecError
from digitlab.models.load import load_model
from digitlab.models.paste import read
from digitlab.models.paste.reading import CodeReading
from digitlab.models.spec import ModelSpec
from tests.pages.visit import find, healthy, labels, words
from tests.pages.workbench import choose, metric, press, show, spec_of, text, types

PAGE = "2_Architecture"
SEQUENTIAL = """nn.Sequential(
    nn.Flatten(),
    nn.Linear(784, 30),
    nn.Tanh(),
    nn.Linear(30, 10),
)"""


def paste(app, code: str):
    find(app.text_area, "A model of").set_value(code)
    return press(app, "Turn into layers")


def pane(app) -> str:
    """The HTML of the code beside the layers; empty where there is none."""
    return next(
        (item.proto.body for item in app.get("html") if "digitlab-code" in item.proto.body), ""
    )


def test_pasted_pytorch_becomes_the_architecture(open_page):
    app = open_page(PAGE, view="paste", preset="lenet-5")
    assert "Published:" in words(app)
    paste(app, SEQUENTIAL)
    assert types(app) == ["Flatten", "Linear", "Tanh", "Linear"]
    assert metric(app, "Parameters") == "23,860"
    assert "Published:" not in words(app)  # it is not the published architecture any more
    show(app, "yaml")
    assert "Tanh" in text(app)


def test_a_class_called_like_a_preset_is_not_that_preset_changed(open_page):
    code = "class cnn(nn.Sequential):\n    def __init__(self):\n        super().__init__("
    app = paste(open_page(PAGE, view="paste"), code + "nn.Flatten(), nn.Linear(784, 10))")
    assert spec_of(app).name == "Pasted cnn"
    assert not app.error


def test_the_line_of_the_selected_layer_is_marked(open_page):
    app = paste(open_page(PAGE, view="paste"), SEQUENTIAL)
    choose(app, "2")
    assert '<div class="line-4 here">' in pane(app)
    assert "Line 4: `nn.Tanh(),`" in words(app)
    assert ":nth-child(3):hover) .line-4" in pane(app)


def test_lines_are_those_that_python_counts(open_page):
    code = SEQUENTIAL.replace("nn.Sequential(\n", "nn.Sequential(  # a\u2028b\x0cc\n")
    app = choose(paste(open_page(PAGE, view="paste"), code), "2")
    assert "Line 4: `nn.Tanh(),`" in words(app)
    assert pane(app).count("<i>") == 6 + 4  # with a peek for each layer
    paste(app, code.replace("nn.Tanh()", "mystery()"))
    assert any("→" in row and "mystery" in row for row in app.code[0].value.split("\n"))


def test_a_notebook_is_shown_as_the_code_in_its_cells(open_page):
    cell = {"cell_type": "code", "source": SEQUENTIAL.splitlines(True), "outputs": ["A" * 150_000]}
    file = json.dumps({"cells": [cell], "nbformat": 4})
    app = choose(paste(open_page(PAGE, view="paste"), file), "2")
    assert "Line 4: `nn.Tanh(),`" in words(app)
    assert "nbformat" not in pane(app)
    paste(app, file.replace("nn.Tanh()", "mystery()"))
    assert any("→" in row and "mystery" in row for row in app.code[0].value.splitlines())


def test_lines_follow_the_layers_through_edits(open_page):
    app = choose(paste(open_page(PAGE, view="paste"), SEQUENTIAL), "2")
    press(app, "Up")
    assert types(app) == ["Flatten", "Tanh", "Linear", "Linear"]
    choose(app, "0")
    press(app, "Duplicate")
    assert "here" not in pane(app).replace('"here"', "").split("</style>")[-1].split("line-3")[0]
    choose(app, "4")
    assert '<div class="line-5 here">' in pane(app)


def test_pasted_code_that_is_no_network_is_refused_with_its_line(open_page):
    app = open_page(PAGE, view="paste")
    before = spec_of(app)
    paste(app, SEQUENTIAL.replace("nn.Tanh()", "os.system('rm -rf /')"))
    assert any("ine 4" in error.value for error in app.error)
    assert any("→" in row and "os.system" in row for row in app.code[0].value.splitlines())
    assert spec_of(app) == before


def test_after_a_refusal_nothing_shows_or_sends_the_network_before(open_page):
    app = paste(open_page(PAGE, view="paste", preset="lenet-5"), "model = 3")
    assert app.error
    assert find(app.button, "Send to Train").disabled
    assert not app.metric
    assert not app.dataframe
    assert not app.get("graphviz_chart")
    assert "another network, **lenet\\-5**" in words(app)
    healthy(app.run())
    assert app.error  # it stays until the text is changed
    show(app, "layers")
    assert metric(app, "Parameters") == "61,706"
    assert not find(app.button, "Send to Train").disabled


def test_a_text_that_is_not_read_yet_sends_nothing_either(open_page):
    app = paste(open_page(PAGE, view="paste"), SEQUENTIAL)
    healthy(find(app.text_area, "A model of").set_value(SEQUENTIAL.replace("Tanh", "ReLU")).run())
    assert find(app.button, "Send to Train").disabled
    assert "has not been turned into layers yet" in words(app)
    press(app, "Turn into layers")
    assert types(app)[2] == "ReLU"
    assert not find(app.button, "Send to Train").disabled


def test_another_start_is_not_taken_for_the_pasted_text(open_page):
    app = paste(open_page(PAGE, view="paste"), SEQUENTIAL)
    healthy(find(app.selectbox, "Start from").select("resnet-mini").run())
    assert spec_of(app) == load_model("resnet-mini")
    assert not pane(app)
    assert find(app.button, "Send to Train").disabled


@pytest.fixture
def two_models(monkeypatch):
    """Texts in which two models and a recipe are found."""

    def read_code(text, *, model=None):
        if "refuse" in text:
            raise SpecError("Line 1 is refused.", line=1)
        name = model or "Large"
        layers = ["Flatten", {"Linear": {"out_features": 10}}]
        return CodeReading(
            ModelSpec(name=name, layers=layers),
            notes=("Passed over: print.",),
            lines=(None, 1),
            recipe={"epochs": 7, "batch_size": 100, "optimizer": "sgd"},
            models=("Small", "Large"),
            model=name,
        )

    monkeypatch.setattr(read, "read_code", read_code)


@pytest.mark.usefixtures("two_models")
def test_one_of_several_models_is_chosen_and_notes_are_told(open_page):
    app = paste(open_page(PAGE, view="paste"), "anything")
    assert spec_of(app).name == "Large"
    assert "Passed over: print" in app.success[0].value.replace("\\", "")
    healthy(find(app.selectbox, "Model in the text").select("Small").run())
    assert spec_of(app).name == "Small"
    assert not find(app.button, "Send to Train").disabled
    press(app, "Turn into layers")
    assert spec_of(app).name == "Small"
    assert find(app.selectbox, "Model in the text").value == "Small"
    paste(app, "another text")
    assert spec_of(app).name == "Large"


LAST_FAILS = """class Good(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)
    def forward(self, x):
        return self.fc(x.flatten(1))
class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)
    def forward(self, x):
        return self.fc(mystery(x))
good, odd = Good(), Odd()
"""


def test_the_choice_shows_the_model_that_was_read(open_page):
    app = paste(open_page(PAGE, view="paste"), LAST_FAILS)
    assert spec_of(app).name == "Good"
    assert find(app.selectbox, "Model in the text").value == "Good"


@pytest.mark.usefixtures("two_models")
def test_the_recipe_in_the_text_is_handed_to_the_train_page(open_page):
    app = paste(open_page(PAGE, view="paste"), "anything")
    assert "Epochs 7" in words(app)
    press(app, "Use the recipe in the text")
    assert "The Train page uses it" in words(app)
    press(app, "Send to Train")
    assert app.title[0].value == "Train"
    assert find(app.number_input, "Epochs").value == 7
    assert "Your own: Large" in labels(app.selectbox) + find(app.selectbox, "Model").options
