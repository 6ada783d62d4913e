"""The Architecture page: a text that is read at once, with errors beside their lines."""

from __future__ import annotations

import pytest
from visit import find, healthy, words

import digitlab as dl

PAGE = "2_Architecture"


def text(app) -> str:
    return app.text_area[0].value


def write(app, content: str):
    return healthy(app.text_area[0].set_value(content).run())


def metric(app, label: str) -> str:
    return find(app.metric, label).value


def test_a_preset_is_shown_as_text_table_and_diagram(open_page):
    app = open_page(PAGE, preset="cnn-small")
    summary = dl.summarize(dl.load_model("cnn-small"))
    assert dl.ModelSpec.from_yaml(text(app)) == dl.load_model("cnn-small")
    assert metric(app, "Parameters") == f"{summary.parameters:,}"
    table = app.dataframe[0].value
    assert table["Parameters"].sum() == summary.parameters
    assert len(app.get("graphviz_chart")) == 1


@pytest.mark.parametrize("preset", [preset.name for preset in dl.list_presets()])
def test_every_preset_opens_by_a_link(open_page, preset):
    assert f"name: {preset}" in text(open_page(PAGE, preset=preset))


def test_another_preset_replaces_the_text_and_goes_into_the_url(open_page):
    app = open_page(PAGE)
    healthy(find(app.selectbox, "Start from").select("lenet-5").run())
    assert "name: lenet-5" in text(app)
    assert app.query_params["preset"] == "lenet-5"
    assert "spec" not in app.query_params


def test_an_edit_changes_the_cost_and_travels_in_the_link(open_page):
    app = open_page(PAGE)
    write(app, text(app).replace("64", "32"))
    assert metric(app, "Parameters") == f"{784 * 32 + 32 + 32 * 32 + 32 + 32 * 10 + 10:,}"
    assert "spec" in app.query_params

    other = open_page(PAGE, **app.query_params)
    assert text(other) == text(app)


def test_undo_brings_the_preset_back(open_page):
    app = open_page(PAGE)
    before = text(app)
    write(app, before.replace("64", "32"))
    healthy(find(app.button, "Undo").click().run())
    assert text(app) == before
    assert "spec" not in app.query_params


def test_an_unknown_layer_is_shown_at_its_line_with_the_nearest_names(open_page):
    app = open_page(PAGE)
    write(app, text(app).replace("- ReLU", "- Relux", 1))
    line = text(app).splitlines().index("  - Relux") + 1
    (error,) = app.error
    assert f"Line {line}" in error.value
    assert "ReLU" in error.value
    assert any("→" in row and "Relux" in row for row in app.code[0].value.splitlines())


def test_a_mismatch_names_the_layer_and_the_shape_that_reached_it(open_page):
    app = open_page(PAGE, preset="lenet-5")
    write(app, text(app).replace("  - Conv2d", "  - Flatten\n  - Conv2d", 1))
    (error,) = app.error
    assert "Line 5" in error.value
    assert "Conv2d" in error.value
    assert "784" in error.value


@pytest.mark.parametrize("content", ["", "- ", "name: x\nlayers: [", "!!python/object:os.system x"])
def test_a_text_that_is_no_architecture_ends_as_a_sentence(open_page, content):
    app = open_page(PAGE)
    write(app, content)
    assert len(app.error) == 1
    assert not any(button.label.startswith("Train this") for button in app.button)


def test_an_error_mended_is_an_error_gone(open_page):
    app = open_page(PAGE)
    good = text(app)
    write(app, good.replace("Flatten", "Flaten"))
    write(app, good)
    assert not app.error
    assert metric(app, "Parameters") == "55,050"


def test_a_network_that_does_not_tell_ten_classes_apart_is_warned_of(open_page):
    app = open_page(PAGE)
    write(app, text(app).replace("out_features: 10", "out_features: 7"))
    assert "10 classes" in words(app)


def test_a_broken_link_is_said_so_and_the_preset_shown(open_page):
    app = open_page(PAGE, spec="garbage")
    assert app.warning
    assert "name: two-hidden-64-relu" in text(app)


def test_train_this_network_opens_train_with_it(open_page):
    app = open_page(PAGE)
    write(app, text(app).replace("two-hidden-64-relu", "Slim").replace("64", "32"))
    healthy(find(app.button, "Train this network").click().run())
    assert app.title[0].value == "Train"
    assert "Slim" in words(app)
    assert app.query_params["model"] == "own"


def test_train_this_network_takes_a_preset_by_its_name(open_page):
    app = open_page(PAGE, preset="cnn-small")
    healthy(find(app.button, "Train this network").click().run())
    assert app.query_params["model"] == "cnn-small"
    assert "spec" not in app.query_params
    assert find(app.selectbox, "Model").value == "cnn-small"


def test_a_missing_flatten_is_mended_by_a_button(open_page):
    app = open_page(PAGE, preset="lenet-5")
    write(app, text(app).replace("  - Flatten\n", ""))
    (button,) = [one for one in app.button if "Flatten" in one.label]
    healthy(button.click().run())
    assert "- Flatten" in text(app)
    assert not app.warning


def test_pasted_pytorch_becomes_the_architecture(open_page):
    app = open_page(PAGE)
    area = next(one for one in app.text_area if "Sequential" in one.label)
    area.set_value("nn.Sequential(nn.Flatten(), nn.Linear(784, 30), nn.Tanh(), nn.Linear(30, 10))")
    turn = next(one for one in app.button if one.label == "Turn into layers")
    healthy(turn.click().run())
    assert "Tanh" in text(app)
    assert metric(app, "Parameters") == "23,860"


def test_pasted_code_that_is_no_network_is_refused_with_its_line(open_page):
    app = open_page(PAGE)
    before = text(app)
    area = next(one for one in app.text_area if "Sequential" in one.label)
    area.set_value("import os\nos.system('rm -rf /')")
    next(one for one in app.button if one.label == "Turn into layers").click().run()
    assert any("Line" in error.value for error in app.error)
    assert text(app) == before
