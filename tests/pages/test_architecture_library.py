"""The Architecture page repairs, measures, saves, shares, compares, and sends to Train."""

from __future__ import annotations

import random

import digitlab as dl
from digitlab.models.library import list_saved, load_saved, save_model
from digitlab.models.spec import ModelSpec
from digitlab.ui.model_picker import LONGEST_LINK, pack, unpack
from tests.pages.visit import code_of, find, healthy, words
from tests.pages.workbench import choose, press, spec_of, text, write

PAGE = "2_Architecture"
LENET = dl.load_model("lenet-5")


# ---- errors and repairs ------------------------------------------------------------------------


def test_a_mismatch_names_the_layer_and_the_shape_and_is_repaired_by_a_button(open_page):
    layers = [layer for layer in LENET.layers if layer.type != "Flatten"]
    layers[6] = layers[6].with_args(in_features=400)
    app = open_page(PAGE, preset="lenet-5", spec=pack(LENET.with_layers(layers)))
    (error,) = app.error
    assert "Layer 7, Linear" in error.value
    assert "16×5×5" in error.value
    assert "red" in find(app.radio, "Layers").options[6]
    assert find(app.button, "Send to Train").disabled
    press(app, "Insert Flatten before layer 7")
    assert not app.error
    assert "All shapes fit" in app.success[0].value
    assert dl.summarize(spec_of(app)).output_shape == (10,)


def test_the_diagram_stays_while_the_architecture_is_broken(open_page):
    app = open_page(PAGE, preset="lenet-5", view="yaml")
    write(app, text(app).replace("- Tanh", "- Tahn", 1))
    (error,) = app.error
    assert "Layer 2, Tahn" in error.value
    assert len(app.get("graphviz_chart")) == 1
    assert "This is the last architecture whose shapes fit" in words(app)
    press(app, "Use Tanh")
    assert spec_of(app) == LENET


def test_a_network_that_does_not_tell_ten_classes_apart_is_warned_of(open_page):
    app = open_page(PAGE, preset="lenet-5", view="yaml")
    write(app, text(app).replace("out_features: 10}", "out_features: 7}"))
    assert "10 classes" in words(app)
    press(app, "Let it end with 10 values")
    assert spec_of(app) == LENET


def test_a_network_over_the_limits_is_not_sent_to_train(open_page, monkeypatch):
    monkeypatch.setenv("DIGITLAB_MAX_MULTIPLY_ADDS", "1000")
    app = open_page(PAGE, preset="lenet-5")
    assert "multiply\\-adds" in words(app)
    assert find(app.button, "Send to Train").disabled
    assert not [button for button in app.button if button.label.startswith("Measure")]


def test_the_speed_is_measured_on_demand(open_page):
    app = open_page(PAGE, preset="logistic-regression")
    assert "per epoch" not in words(app)
    press(app, "Measure the speed on this machine")
    assert "per epoch" in words(app)
    assert "images per second" in words(app)


# ---- starting over, saving, sharing ------------------------------------------------------------


def test_another_start_replaces_the_layers_and_can_be_undone(open_page):
    app = choose(open_page(PAGE, preset="lenet-5"), "0")
    press(app, "Delete")
    changed = spec_of(app)
    healthy(find(app.selectbox, "Start from").select("resnet-mini").run())
    assert spec_of(app) == dl.load_model("resnet-mini")
    assert app.query_params["preset"] == "resnet-mini"
    assert "spec" not in app.query_params
    press(app, "Undo")
    assert spec_of(app) == changed
    assert find(app.selectbox, "Start from").value == "lenet-5"


def test_a_broken_link_is_reported_and_the_preset_shown(open_page):
    app = open_page(PAGE, spec="garbage", preset="lenet-5")
    assert app.warning
    assert spec_of(app) == LENET


def test_an_architecture_is_saved_overwritten_and_deleted(open_page):
    app = choose(open_page(PAGE, preset="lenet-5"), "1")
    press(app, "Delete")
    find(app.text_input, "Name").set_value("slim").run()
    press(app, "Save it")
    assert list_saved() == ("slim",)
    assert load_saved("slim").layers == spec_of(app).layers
    assert find(app.selectbox, "Start from").value == "slim"
    assert "spec" not in app.query_params
    choose(app, "0")
    press(app, "Delete")
    press(app, "Overwrite slim")
    assert load_saved("slim").layers == spec_of(app).layers
    unsaved = spec_of(app)
    press(app, "Delete slim")
    assert list_saved() == ()
    assert spec_of(app) == unsaved


def test_a_name_that_cannot_be_is_refused_with_a_sentence(open_page):
    app = open_page(PAGE, preset="lenet-5")
    find(app.text_input, "Name").set_value("../x").run()
    press(app, "Save it")
    assert any("letters, digits" in error.value for error in app.error)
    assert list_saved() == ()


def test_a_saved_architecture_is_in_the_lists_of_both_pages(open_page):
    save_model(LENET.with_layers(LENET.layers[:-1]), "headless")
    app = open_page(PAGE, preset="headless")
    assert spec_of(app) == load_saved("headless")
    train = open_page("3_Train", model="headless")
    assert find(train.selectbox, "Model").value == "headless"


def test_an_architecture_too_long_for_a_link_is_kept_for_the_visit(open_page):
    chance = random.Random(0)
    layers = [{"LeakyReLU": {"negative_slope": chance.random()}} for _ in range(700)]
    spec = ModelSpec(name="long", layers=["Flatten", *layers])
    app = open_page(PAGE, view="yaml")
    write(app, spec.to_yaml())
    assert len(pack(spec)) > LONGEST_LINK
    assert "spec" not in app.query_params
    assert "too long for a link" in words(app)
    assert spec_of(healthy(app.run())) == spec


def test_the_link_that_is_offered_holds_the_architecture(open_page):
    app = choose(open_page(PAGE, preset="lenet-5"), "1")
    press(app, "Delete")
    assert unpack(app.query_params["spec"]) == spec_of(app)
    link = next(code for code in code_of(app) if "spec=" in code)
    assert app.query_params["spec"] in link


# ---- comparison, and sending to Train ----------------------------------------------------------


def test_two_architectures_are_shown_side_by_side(open_page):
    app = open_page(PAGE, preset="lenet-5", compare="cnn-small")
    assert "fewer multiply\\-adds" in words(app)
    totals = app.dataframe[1].value
    assert list(totals.columns[1:]) == ["lenet-5", "cnn-small"]
    assert len(app.dataframe[3].value) == len(dl.summarize(dl.load_model("cnn-small")).rows)


def test_send_to_train_opens_train_with_the_custom_architecture(open_page):
    app = open_page(PAGE, view="yaml")
    write(app, text(app).replace("two-hidden-64-relu", "Slim").replace("64", "32"))
    press(app, "Send to Train")
    assert app.title[0].value == "Train"
    assert "Slim" in words(app)
    assert app.query_params["model"] == "own"


def test_send_to_train_takes_a_preset_by_its_name(open_page):
    app = open_page(PAGE, preset="cnn-small")
    press(app, "Send to Train")
    assert app.query_params["model"] == "cnn-small"
    assert "spec" not in app.query_params
    assert find(app.selectbox, "Model").value == "cnn-small"
