"""The Architecture page with graphs: names, sources, joins, and groups that open and close."""

from __future__ import annotations

from digitlab.models.build import summarize
from digitlab.models.spec import ModelSpec
from digitlab.ui.model_picker import pack
from digitlab.ui.train.recipe import MORE
from tests.pages.visit import find, healthy, labels
from tests.pages.workbench import choose, press, spec_of, types

PAGE = "2_Architecture"
CONV = {"out_channels": 4, "kernel_size": 3, "padding": 1}
HEAD = ["Flatten", {"Linear": {"name": "fc", "out_features": 10}}]


def residual(*names: str) -> list:
    """Groups of two convolutions with a shortcut around them."""
    layers, before = [{"Conv2d": {"name": "stem", **CONV}}], "stem"
    for name in names:
        layers += [
            {"Conv2d": {"name": f"{name}.conv1", "from": before, **CONV}},
            "ReLU",
            {"Conv2d": {"name": f"{name}.conv2", **CONV}},
            {"Add": {"name": f"{name}.add", "from": [f"{name}.conv2", before]}},
        ]
        before = f"{name}.add"
    return layers


SMALL = ModelSpec(name="Small", layers=[*residual("layer1"), *HEAD])
LARGE = ModelSpec(
    name="Large", layers=[*residual(*(f"layer{n // 3}.{n % 3}" for n in range(3, 15))), *HEAD]
)


def opened(open_page, spec: ModelSpec):
    return open_page(PAGE, spec=pack(spec))


def rows(app) -> list[str]:
    return find(app.radio, "Layers").options


def test_the_list_shows_names_and_where_a_layer_reads_from(open_page):
    app = opened(open_page, SMALL)
    row = next(row for row in rows(app) if "**Add**" in row)
    assert "`add`" in row
    assert "← layer1\\.conv2, stem" in row
    assert spec_of(app) == SMALL


def test_groups_of_a_long_network_are_closed_and_opened(open_page):
    app = opened(open_page, LARGE)
    assert len(rows(app)) == 7
    assert "12 layers" in rows(app)[1]
    choose(app, "group.layer1")
    assert "48 layers" not in str(rows(app))
    press(app, "Open")
    assert len(rows(app)) == 10
    press(app, "Close")
    press(app, "Open all")
    assert len(rows(app)) == len(LARGE.layers) + 4 + 12
    choose(app, "3")
    press(app, "Close all")
    assert find(app.radio, "Layers").value == "group.layer1"


def test_an_error_in_a_closed_group_is_marked_and_the_group_tells_its_cost(open_page):
    layers = list(LARGE.layers)
    layers[2] = layers[2].named("layer1.0.x").reading("nowhere")
    app = opened(open_page, LARGE.with_layers(layers))
    assert ":red[" in rows(app)[1]
    app = choose(opened(open_page, LARGE), "group.layer2")
    parameters = sum(row.parameters for row in summarize(LARGE).rows[13:25])
    assert any(f"{parameters:,} parameters" in caption.value for caption in app.caption)
    assert find(app.button, "Delete").disabled


def test_a_layer_is_renamed_and_its_readers_follow(open_page):
    app = choose(opened(open_page, SMALL), "0")
    healthy(find(app.text_input, "Layer name").set_value("first").run())
    assert spec_of(app).layers[4].sources == ("layer1.conv2", "first")
    healthy(find(app.text_input, "Layer name").set_value("fc").run())
    assert any("another layer" in error.value for error in app.error)
    assert find(app.text_input, "Layer name").value == "fc"  # to be mended
    assert spec_of(app).layers[0].name == "first"
    healthy(find(app.text_input, "Layer name").set_value("third").run())
    assert spec_of(app).layers[0].name == "third"
    assert not app.error


def test_a_layer_is_connected_by_choosing_its_sources(open_page):
    app = choose(opened(open_page, SMALL), "4")
    assert find(app.multiselect, "Reads").value == [3, 0]
    healthy(find(app.multiselect, "Reads").set_value([3, 0, 2]).run())
    assert spec_of(app).layers[4].sources == ("layer1.conv2", "stem", "layer1.relu")
    assert spec_of(app).layers[2].name == "layer1.relu"
    assert not app.error


def test_a_source_that_is_read_twice_is_kept(open_page):
    square = {"Multiply": {"from": ["a", "a"]}}
    layers = [{"Conv2d": {**CONV, "name": "a"}}, square, *HEAD]
    app = choose(opened(open_page, ModelSpec(name="x", layers=layers)), "1")
    assert find(app.multiselect, "Reads").disabled
    assert any("1 Conv2d a, 1 Conv2d a" in caption.value for caption in app.caption)
    assert spec_of(app).layers[1].sources == ("a", "a")


def test_a_join_is_added_with_a_second_source_that_fits(open_page):
    app = choose(opened(open_page, ModelSpec(name="x", layers=[{"Conv2d": CONV}, *HEAD])), "0")
    healthy(find(app.selectbox, "Kind of layer").select("join").run())
    assert all("(join)" in option for option in find(app.selectbox, "Add a layer").options)
    healthy(find(app.selectbox, "Add a layer").select("Add").run())
    press(app, "Add after")
    assert types(app)[:2] == ["Conv2d", "Add"]
    assert not app.error
    press(app, "Undo")
    healthy(find(app.selectbox, "Kind of layer").select("parameter").run())
    healthy(find(app.selectbox, "Add a layer").select("Parameter").run())
    press(app, "Add after")
    assert types(app)[:3] == ["Conv2d", "Parameter", "Add"]
    assert not app.error


def test_an_earlier_layer_is_used_again_where_it_fits(open_page):
    app = choose(opened(open_page, SMALL), "4")
    healthy(find(app.selectbox, "Add a layer").select("Reuse").run())
    press(app, "Add after")
    assert spec_of(app).layers[5].args == {"layer": "layer1.conv2"}
    assert not app.error
    press(app, "Undo")
    choose(app, "6")
    press(app, "Add after")
    assert any("No earlier layer with weights" in error.value for error in app.error)


def test_a_layer_is_replaced_by_another_kind_in_its_place(open_page):
    app = choose(opened(open_page, SMALL), "4")
    healthy(find(app.selectbox, "Add a layer").select("Concatenate").run())
    press(app, "Replace")
    assert spec_of(app).layers[4].to_data() == {
        "Concatenate": {"name": "layer1.add", "from": ["layer1.conv2", "stem"]}
    }
    assert not app.error


def test_deleting_a_join_says_that_its_branch_goes_too(open_page):
    layers = list(SMALL.layers)
    shortcut = {"Conv2d": {"name": "side", "from": "stem", **CONV}}
    spec = SMALL.with_layers([*layers[:4], shortcut, layers[4].reading("layer1.conv2", "side")])
    app = choose(opened(open_page, spec.with_layers([*spec.layers, *layers[5:]])), "5")
    press(app, "Delete")
    assert "side" not in [layer.name for layer in spec_of(app).layers]
    assert "was deleted, too" in app.toast[0].value


def test_a_move_that_cannot_be_is_refused_with_a_sentence(open_page):
    app = choose(opened(open_page, SMALL), "4")
    press(app, "Up")
    assert any("before what it reads" in error.value for error in app.error)
    assert spec_of(app) == SMALL
    assert "Duplicate" in labels(app.button)


def test_an_autoencoder_is_sent_to_train_with_its_loss(open_page):
    autoencoder = ModelSpec(
        name="Autoencoder",
        layers=[
            "Flatten",
            {"Linear": {"out_features": 16}},
            {"Linear": {"out_features": 784}},
            {"Unflatten": {"dim": 1, "unflattened_size": [1, 28, 28]}},
        ],
    )
    app = opened(open_page, autoencoder)
    assert any("autoencoder" in info.value for info in app.info)
    assert not app.warning
    app.session_state[MORE] = True
    press(app, "Send to Train")
    assert app.title[0].value == "Train"
    assert find(app.selectbox, "Loss").value == "reconstruction"
    assert not app.error


def test_images_of_another_size_are_told_with_the_button_that_adapts_to_them(open_page):
    layers = ["Flatten", {"Linear": {"out_features": 10}}]
    app = opened(open_page, ModelSpec(name="Wide", input=(3, 64, 64), layers=layers))
    (warning,) = app.warning
    assert "spec" not in warning.value
    assert "Adapt it to 1×28×28 images" in warning.value
    press(app, "Adapt it to 1×28×28 images")
    assert spec_of(app).input == (1, 28, 28)
