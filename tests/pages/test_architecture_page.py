"""The Architecture page: an architecture as list, YAML and pasted code, checked as it changes."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab.models.spec import ModelSpec
from digitlab.ui.model_picker import pack
from tests.pages.visit import find, healthy, words
from tests.pages.workbench import choose, metric, press, show, spec_of, text, types, write

PAGE = "2_Architecture"
LENET = dl.load_model("lenet-5")


# ---- what is shown -----------------------------------------------------------------------------


def test_a_preset_is_shown_as_list_table_totals_and_diagram(open_page):
    app = open_page(PAGE, preset="cnn-small")
    summary = dl.summarize(dl.load_model("cnn-small"))
    assert spec_of(app) == dl.load_model("cnn-small")
    labels = find(app.radio, "Layers").options
    assert len(labels) == len(summary.rows)
    assert "Conv2d" in labels[0]
    assert metric(app, "Parameters") == f"{summary.parameters:,}"
    assert metric(app, "Multiply-adds") == f"{summary.operations:,}"
    table = app.dataframe[0].value
    assert table["Parameters"].sum() == summary.parameters
    assert table["Multiply-adds"].sum() == summary.operations
    assert table["Activations"].sum() * 1000 == pytest.approx(summary.activation_bytes)
    assert table["Receptive field"].iloc[-1] == "28×28"
    assert table["Arguments"].iloc[0].split(", ")[1] == "3×3"
    assert len(app.get("graphviz_chart")) == 1


@pytest.mark.parametrize("preset", [preset.name for preset in dl.list_presets()])
def test_every_preset_opens_by_a_link(open_page, preset):
    app = open_page(PAGE, preset=preset)
    assert spec_of(app) == dl.load_model(preset)
    assert not app.error


def test_a_whole_model_of_torchvision_is_chosen_like_a_preset(open_page):
    app = open_page(PAGE, preset="torchvision/squeezenet1_1")
    assert types(app) == ["torchvision/squeezenet1_1"]
    assert metric(app, "Parameters") == f"{dl.summarize(spec_of(app)).parameters:,}"
    options = find(app.selectbox, "Start from").options
    assert sum("torchvision · " in option for option in options) == 80


def test_a_layer_without_a_form_is_shown_as_it_is_written(open_page):
    spec = ModelSpec(name="x", layers=["Flatten", {"Nonsense": {"size": 3, "word": "x"}}])
    app = choose(open_page(PAGE, spec=pack(spec)), "1")
    assert "no form for this layer" in words(app)
    assert find(app.text_input, "size").value == "3"
    healthy(find(app.text_input, "size").set_value("").run())
    assert spec_of(app).layers[1].args == {"word": "x"}


# ---- the list ----------------------------------------------------------------------------------


def test_a_layer_is_moved_duplicated_and_deleted_and_all_is_undone(open_page):
    app = choose(open_page(PAGE, preset="lenet-5"), "0")
    press(app, "Down")
    assert types(app)[:2] == ["Tanh", "Conv2d"]
    press(app, "Up")
    press(app, "Duplicate")
    assert types(app)[:3] == ["Conv2d", "Conv2d", "Tanh"]
    press(app, "Delete")
    press(app, "Delete")
    assert types(app)[:2] == ["Conv2d", "AvgPool2d"]
    for _ in range(5):
        press(app, "Undo")
    assert spec_of(app) == LENET
    assert find(app.button, "Undo").disabled
    for _ in range(5):
        press(app, "Redo")
    assert types(app)[:2] == ["Conv2d", "AvgPool2d"]


def test_a_row_of_a_list_that_has_changed_meanwhile_selects_nothing(open_page):
    app = choose(open_page(PAGE, preset="lenet-5"), "1")
    gone = find(app.radio, "Layers").options[1]
    press(app, "Up")
    find(app.radio, "Layers").options.append(gone)  # as a browser that still shows the old list
    choose(app, gone)
    assert find(app.radio, "Layers").value == "0"
    press(app, "Undo")
    assert types(app)[:2] == ["Conv2d", "Tanh"]


def test_a_layer_is_added_after_the_selected_one_and_is_then_selected(open_page):
    app = choose(open_page(PAGE, preset="lenet-5"), "0")
    assert len(find(app.selectbox, "Add a layer").options) > 180
    healthy(find(app.selectbox, "Add a layer").select("BatchNorm2d").run())
    press(app, "Add after")
    assert types(app)[:3] == ["Conv2d", "BatchNorm2d", "Tanh"]
    assert find(app.radio, "Layers").value == "1"
    assert not app.error


def test_a_layer_is_added_before_the_selected_one(open_page):
    app = choose(open_page(PAGE, preset="lenet-5"), "1")
    healthy(find(app.selectbox, "Add a layer").select("BatchNorm2d").run())
    press(app, "Add before")
    assert types(app)[:3] == ["Conv2d", "BatchNorm2d", "Tanh"]
    assert find(app.radio, "Layers").value == "1"


def test_a_changed_preset_has_a_name_of_its_own_until_it_is_named(open_page):
    app = choose(open_page(PAGE, preset="lenet-5"), "1")
    press(app, "Delete")
    press(app, "Delete")
    assert find(app.text_input, "Name of the network").value == "lenet-5 with 2 changes"
    healthy(find(app.text_input, "Name of the network").set_value("Slim").run())
    press(app, "Delete")
    assert spec_of(app).name == "Slim"
    healthy(find(app.text_input, "Name of the network").set_value("").run())
    assert spec_of(app).name == "lenet-5 with 3 changes"
    press(app, "Send to Train")
    assert find(app.selectbox, "Model").options[0] == "Your own: lenet-5 with 3 changes"
    assert "**lenet\\-5 with 3 changes** has" in words(app)


def test_a_link_under_a_presets_name_does_not_announce_the_preset(open_page):
    changed = LENET.with_layers(LENET.layers[:-1])
    assert changed.name == "lenet-5"
    train = open_page("3_Train", model="own", spec=pack(changed))
    assert find(train.selectbox, "Model").options[0] == "Your own: lenet-5 with 1 change"
    assert spec_of(open_page(PAGE, spec=pack(changed))).name == "lenet-5 with 1 change"


def test_a_visitors_yaml_keeps_its_comments_when_its_name_changes(open_page):
    app = open_page(PAGE, preset="lenet-5", view="yaml")
    write(app, text(app).replace("layers:", "layers:  # mine").replace("- Tanh", "- ReLU", 1))
    assert spec_of(app).name == "lenet-5 with 1 change"
    assert text(app).startswith("name: lenet-5 with 1 change\n")
    assert "layers:  # mine" in text(app)


def test_layers_inside_a_block_are_added_and_edited(open_page):
    app = choose(open_page(PAGE, preset="resnet-mini"), "0")
    healthy(find(app.selectbox, "Add a layer").select("Residual").run())
    press(app, "Add after")
    healthy(find(app.selectbox, "Add a layer").select("Dropout").run())
    press(app, "Add inside")
    inside = [layer.type for layer in spec_of(app).layers[1].args["layers"]]
    assert inside == ["Conv2d", "ReLU", "Dropout"]
    assert find(app.radio, "Layers").value == "1.layers.2"
    healthy(find(app.text_input, "p").set_value("0.25").run())
    assert spec_of(app).layers[1].args["layers"][2].args == {"p": 0.25}


def test_branches_have_rows_of_their_own_and_are_filled_and_removed(open_page):
    app = choose(open_page(PAGE, preset="lenet-5"), "1")
    press(app, "Parallel")
    assert types(app)[1] == "Parallel"
    choose(app, "1.branches.1")
    healthy(find(app.selectbox, "Add a layer").select("ReLU").run())
    press(app, "Add inside")
    assert [len(branch) for branch in spec_of(app).layers[1].args["branches"]] == [1, 1]
    choose(app, "1.branches.0")
    press(app, "Delete")
    assert len(spec_of(app).layers[1].args["branches"]) == 1


def test_fields_are_made_from_the_signature_and_change_the_layer(open_page):
    app = choose(open_page(PAGE, preset="lenet-5"), "0")
    assert find(app.number_input, "out channels").value == 6
    healthy(find(app.number_input, "out channels").set_value(12).run())
    healthy(find(app.text_input, "kernel size").set_value("3, 5").run())
    healthy(find(app.selectbox, "padding mode").select("reflect").run())
    healthy(find(app.toggle, "bias").set_value(False).run())
    assert spec_of(app).layers[0].args == {
        "out_channels": 12,
        "kernel_size": (3, 5),
        "padding": 2,
        "padding_mode": "reflect",
        "bias": False,
    }
    healthy(find(app.toggle, "bias").set_value(True).run())
    assert "bias" not in spec_of(app).layers[0].args  # what equals the default is left out


def test_every_field_says_what_it_means(open_page):
    app = choose(open_page(PAGE, preset="lenet-5"), "0")
    fields = [*app.number_input, *app.text_input, *app.toggle, *app.selectbox]
    assert all(field.help for field in fields if field.label != "Name"), fields


def test_a_field_that_holds_no_value_changes_nothing(open_page):
    app = choose(open_page(PAGE, preset="lenet-5"), "0")
    healthy(find(app.text_input, "kernel size").set_value("[3").run())
    assert "neither a number nor a list" in words(app)
    assert spec_of(app) == LENET


def test_a_list_of_no_layers_takes_a_first_one(open_page):
    app = open_page(PAGE, spec=pack(ModelSpec(name="x", layers=[])))
    healthy(find(app.selectbox, "Add a layer").select("Flatten").run())
    press(app, "Add it")
    assert types(app) == ["Flatten"]


def test_initial_weights_are_chosen(open_page):
    app = open_page(PAGE, preset="lenet-5")
    healthy(find(app.selectbox, "Initial weights").select("orthogonal").run())
    assert spec_of(app).init == "orthogonal"


# ---- YAML ----------------------------------------------------------------------


def test_the_views_stay_in_step(open_page):
    app = open_page(PAGE, preset="lenet-5", view="yaml")
    assert ModelSpec.from_yaml(text(app)) == LENET
    write(app, text(app).replace("out_channels: 6", "out_channels: 7"))
    show(app, "layers")
    choose(app, "0")
    assert find(app.number_input, "out channels").value == 7
    healthy(find(app.number_input, "out channels").set_value(9).run())
    show(app, "yaml")
    assert "out_channels: 9" in text(app)


def test_an_edit_changes_the_cost_and_travels_in_the_link(open_page):
    app = open_page(PAGE, view="yaml")
    write(app, text(app).replace("64", "32"))
    assert metric(app, "Parameters") == f"{784 * 32 + 32 + 32 * 32 + 32 + 32 * 10 + 10:,}"
    other = open_page(PAGE, **app.query_params)
    assert spec_of(other) == spec_of(app)


def test_an_invalid_text_is_reported_at_its_line_and_the_rest_stays(open_page):
    app = open_page(PAGE, preset="lenet-5", view="yaml")
    write(app, text(app).replace("layers:", "layers: ["))
    (error,) = app.error
    assert "Line" in error.value
    assert len(app.get("graphviz_chart")) == 1
    assert metric(app, "Parameters") == "61,706"
    show(app, "layers")
    assert "The YAML has an error" in words(app)
    assert spec_of(app) == LENET
    show(app, "yaml")
    assert "layers: [" in text(app)
    write(app, LENET.to_yaml())
    assert not app.error


@pytest.mark.parametrize("content", ["", "- ", "name: x\nlayers: [", "!!python/object:os.system x"])
def test_any_invalid_text_is_reported_in_a_sentence(open_page, content):
    app = write(open_page(PAGE, view="yaml"), content)
    assert len(app.error) == 1
