"""Keras code as people write it has the parameters here that it has in Keras."""

from __future__ import annotations

import ast

import pytest
import torch
from torch import nn

from digitlab.errors import SpecError
from digitlab.models.build import build, summarize
from digitlab.models.paste.interpreter import Interpreter
from digitlab.models.paste.keras.library import keras_modules, keras_names
from digitlab.models.paste.keras.network import is_model, read_network
from digitlab.models.paste.keras.trace import Trace
from digitlab.models.paste.native import Unknown
from digitlab.models.paste.objects import UserFunction
from digitlab.models.spec import ModelSpec
from tests.models.paste.keras.texts import IMPORTS, TEXTS


class Reading:
    """The last model of a text, or what its last function makes."""

    def __init__(self, text, exact=False):
        self.trace = Trace(exact=exact)
        modules = keras_modules(self.trace)
        run = Interpreter(modules, keras_names(self.trace, modules))
        run.run(ast.parse(text).body)
        values = list(run.scope.names.values())
        models = [value for value in values if is_model(value)]
        makers = [value for value in values if isinstance(value, UserFunction)]
        if isinstance(run.scope.names.get("model"), Unknown):
            run.scope.names["model"].refuse()
        model = models[-1] if models else run.call(makers[-1], [], {})
        network = read_network(model, self.trace, run)
        self.notes, self.recipe = self.trace.notes, self.trace.recipe
        self.lines = [line for _, line in network.layers]
        layers = [layer for layer, _ in network.layers]
        self.spec = ModelSpec(name="K", input=network.input, init=network.init, layers=layers)


def read(layers, **options):
    """The reading of a Sequential with these layers, the first in line 5."""
    text = IMPORTS + "model = keras.Sequential([\n" + layers + "\n])\n"
    return Reading(text.replace("L.", "layers."), **options)


def second_biases(model):
    """Biases that an LSTM or a plain RNN has in torch and not in Keras."""
    layers = [m for m in model.modules() if isinstance(m, nn.LSTM | nn.RNN)]
    parameters = [named for layer in layers for named in layer.named_parameters()]
    return sum(p.numel() for name, p in parameters if name.startswith("bias_hh"))


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_has_the_parameters_it_has_in_keras(name):
    text, parameters = TEXTS[name]
    for exact in (False, True):
        reading = Reading(text, exact)
        more = second_biases(build(reading.spec))
        assert summarize(reading.spec).parameters - more == parameters
        assert bool(more) == any("two biases" in note for note in reading.notes)
        lines = text.count("\n")
        assert all(line is None or 4 < line <= lines for line in reading.lines)
        assert ModelSpec.from_yaml(reading.spec.to_yaml()) == reading.spec


def types(layers, **options):
    return [layer.type for layer in read(layers, **options).spec.layers]


def test_flatten_needs_no_order_where_a_dense_learns_it():
    layers = "L.Input((9, 9, 3)), L.Conv2D(4, 3, activation='relu'), L.Dropout(0.1), "
    layers += "L.Flatten(), L.Dense(5)"
    assert types(layers) == ["Conv2d", "ReLU", "Dropout", "Flatten", "Linear"]
    exact = read(layers, exact=True).spec
    assert [layer.type for layer in exact.layers][3:] == ["Permute", "Flatten", "Linear"]
    images = torch.randn(2, 3, 9, 9)
    loose, ordered = build(read(layers).spec).eval(), build(exact).eval()
    weights = ordered.state_dict()
    order = torch.arange(7 * 7 * 4).reshape(7, 7, 4).permute(2, 0, 1).flatten()
    first, last = weights["0.weight"], weights["5.weight"][:, order]
    loose.load_state_dict({"0.weight": first, "0.bias": weights["0.bias"],
                           "4.weight": last, "4.bias": weights["5.bias"]})  # fmt: skip
    torch.testing.assert_close(loose(images), ordered(images))


def test_a_dense_learns_the_order_of_what_it_is_reshaped_to():
    layers = (
        "L.Input((784,)), L.Dense(7*7*6, 'relu'), L.Reshape((7, 7, 6)), L.Conv2DTranspose(1, 4, 4)"
    )
    assert types(layers) == ["Flatten", "Linear", "ReLU", "Unflatten", "ConvTranspose2d"]
    exact = read(layers, exact=True).spec
    images = torch.randn(2, 1, 28, 28)
    loose, ordered = build(read(layers).spec), build(exact)
    weights = ordered.state_dict()
    order = torch.arange(7 * 7 * 6).reshape(7, 7, 6).permute(2, 0, 1).flatten()
    tail = {name.replace("5.", "4."): value for name, value in weights.items() if name[0] == "5"}
    loose.load_state_dict({"1.weight": weights["1.weight"][order],
                           "1.bias": weights["1.bias"][order], **tail})  # fmt: skip
    torch.testing.assert_close(loose(images), ordered(images))


@pytest.mark.parametrize(
    "layers",
    [
        "L.Conv2D(4, 3), L.Flatten(), L.Reshape((26, 104)), L.LSTM(5), L.Dense(3)",
        "L.Conv2D(4, 3), L.Flatten(), L.Softmax(), L.Reshape((26, 104)), L.GRU(3)",
        "L.Conv2D(4, 3), L.Flatten()",
    ],
)
def test_the_order_stays_where_it_matters(layers):
    assert "Permute" in types(
        "L.Input((28, 28, 1)), " + layers.replace("L.Dense(3)", "L.Flatten(), L.Dense(3)")
    )


@pytest.mark.parametrize(
    ("first", "image"),
    [
        ("L.Input((32, 24, 3))", (3, 32, 24)),
        ("L.Input(shape=(28, 28))", (1, 28, 28)),
        ("L.Input((100,))", (1, 10, 10)),
        ("L.InputLayer(input_shape=(28, 28, 1))", (1, 28, 28)),
        ("L.Input(batch_shape=(None, 8, 8, 1))", (1, 8, 8)),
        ("L.Flatten(input_shape=(20, 20))", (1, 20, 20)),
        ("L.Dense(9, input_dim=64), L.Dense(9)", (1, 8, 8)),
        ("L.Conv2D(2, 3, batch_input_shape=(16, 12, 10, 1))", (1, 12, 10)),
        ("L.Conv2D(2, 3, data_format='channels_first', input_shape=(1, 28, 28))", (1, 28, 28)),
        ("L.Conv2D(2, 3)", (1, 28, 28)),
        ("L.Dense(9)", (1, 28, 28)),
        ("L.LSTM(9)", (1, 28, 28)),
        ("L.Reshape((28, 28, 1), input_shape=(784,)), L.Conv2D(2, 3)", (1, 28, 28)),
    ],
)
def test_the_image_is_the_one_that_the_text_names(first, image):
    assert read(f"{first}, L.Flatten(), L.Dense(10)").spec.input == image


def test_keras_1_is_read_as_keras_3_is():
    old = Reading(
        "from keras.models import Sequential\n"
        "from keras.layers.core import Dense, Dropout, Activation, Flatten\n"
        "from keras.layers.convolutional import Convolution2D, MaxPooling2D\n"
        "from keras.layers.advanced_activations import LeakyReLU\n"
        "from keras.layers.normalization import BatchNormalization\n"
        "model = Sequential()\n"
        "model.add(Convolution2D(32, 3, 3, border_mode='same', init='he_normal',\n"
        "                        input_shape=(28, 28, 1)))\n"
        "model.add(LeakyReLU(alpha=0.1))\n"
        "model.add(Convolution2D(nb_filter=16, nb_row=5, nb_col=3, subsample=(2, 2)))\n"
        "model.add(BatchNormalization(mode=0, axis=-1))\n"
        "model.add(MaxPooling2D(pool_size=(2, 2), strides=(1, 1), border_mode='same'))\n"
        "model.add(Dropout(p=0.25))\n"
        "model.add(Flatten())\n"
        "model.add(Dense(output_dim=10, init='he_normal', bias=False, W_regularizer='l2'))\n"
        "model.add(Activation('softmax'))\n"
    )
    new = read(
        "L.Input((28, 28, 1)), L.Conv2D(32, 3, padding='same', kernel_initializer='he_normal'),"
        "L.LeakyReLU(negative_slope=0.1), L.Conv2D(16, (5, 3), 2), L.BatchNormalization(),"
        "L.MaxPooling2D(2, 1, 'same'), L.Dropout(0.25), L.Flatten(), L.Dense(10, use_bias=False)"
    )
    assert old.spec.layers == new.spec.layers
    assert old.spec.init == new.spec.init == "kaiming"
    assert any("W_regularizer" in note for note in old.notes)


def test_what_belongs_to_the_recipe_goes_there():
    reading = read(
        "L.Input((28, 28, 1)), L.RandomRotation(0.05), L.RandomTranslation(0.1, 0.08),\n"
        "L.RandomZoom(0.15), L.RandomFlip('horizontal'), L.Rescaling(1./255), L.Flatten(),\n"
        "L.Dense(10, activation='sigmoid')"
    )
    assert [layer.type for layer in reading.spec.layers] == ["Flatten", "Linear"]
    assert reading.recipe == {
        "augmentation": {"rotation": 18.0, "shift": 0.1, "scale": 0.15},
        "normalization": "none",
    }
    said = " ".join(reading.notes)
    for word in ("RandomRotation", "RandomFlip in line 6", "scaling of the pixels", "sigmoid"):
        assert word in said


def test_an_attribute_is_the_name_of_its_layer():
    text, _ = TEXTS["model-subclass"]
    names = [layer.name for layer in Reading(text).spec.layers if layer.name]
    assert names == [*(f"blocks.{i}.{part}" for i in (0, 1) for part in ("conv", "norm")), "head"]
    text, _ = TEXTS["regularised"]
    assert [layer.name for layer in Reading(text).spec.layers if layer.type == "Linear"] == [
        *("hidden", "scores"),
    ]


REFUSED = [
    ("L.Input((28, 28, 1)),\nL.Conv2D(8, 3),\nL.Dense(16),\nL.Dense(10)", 8, "Flatten is missing"),
    ("L.Input((28, 28)),\nL.Conv2D(8, 3)", 6, "takes .height, width, channels."),
    ("L.Input((28, 28, 1)),\nL.Flatten(),\nL.Conv2D(8, 3)", 7, "before Flatten"),
    ("L.Input((28, 28, 1)),\nL.Conv2D(8, 33)", 6, "kernel of 33 by 33"),
    ("L.Input((28, 28, 1)),\nL.MaxPool2D(30)", 6, "windows of 30 by 30"),
    ("L.Input((28, 28, 1)),\nL.Reshape((27, 28))", 6, "784 values"),
    ("L.Input((28, 28, 1)),\nL.LSTM(8)", 6, "steps, features"),
    ("L.Input((28, 28)),\nL.LSTM(8, activation='relu')", 6, "use tanh"),
    ("L.Input((28, 28)),\nL.LSTM(8, return_state=True)", 6, "returns its state"),
    ("L.Input((28, 28)),\nL.TimeDistributed(L.Conv1D(3, 3))", 6, "TimeDistributed"),
    ("L.Input((28, 28)),\nL.Embedding(10, 3)", 6, "no words"),
    ("L.Input((28, 28)),\nL.Zork(3)", 6, "Zork"),
    ("L.Dense(8, activation='zork')", 5, "activation 'zork'"),
    ("L.Dense(8, colour='red')", 5, "colour='red'"),
    ("L.Dense()", 5, "leaves out units"),
    ("L.Dense(-3)", 5, "whole number"),
    ("L.Dense('a')", 5, "whole number"),
    ("L.Conv2D(8, (3, 3, 3))", 5, "2 whole numbers"),
    ("L.Conv2D(8, 3, padding='around')", 5, "padding"),
    ("L.Dense(1, 2, 3, 4, 5)", 5, "takes 3"),
    ("L.Input((28, 'a'))", 5, "input shape"),
    ("L.Lambda(lambda x: open(x))", 5, "open"),
    ("5", 4, "not a layer"),
]


@pytest.mark.parametrize(("layers", "line", "words"), REFUSED)
def test_what_has_no_translation_is_refused_at_its_line(layers, line, words):
    with pytest.raises(SpecError, match=words) as caught:
        read(layers)
    assert caught.value.line == line
    assert caught.value.message.endswith(".")
    assert len(caught.value.message) < 400
