"""Texts in the forms that people paste: what each of them becomes, layer by layer."""

from __future__ import annotations

import json

import pytest
import torch

from digitlab.errors import SpecError
from digitlab.models.build import build, summarize
from digitlab.models.load import load_model
from digitlab.models.paste.read import read_code

FUNCTIONAL = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 6, 3)
        self.second = nn.Conv2d(6, 12, 3)
        self.drop = nn.Dropout2d(0.1)
        self.hidden = nn.Linear(12 * 5 * 5, 40)
        self.last = nn.Linear(40, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.first(x)), 2)
        x = F.relu(F.max_pool2d(self.drop(self.second(x)), 2))
        x = x.view(-1, 12 * 5 * 5)
        x = F.dropout(F.relu(self.hidden(x)), training=self.training)
        return F.log_softmax(self.last(x), dim=1)
"""
SEQUENTIAL = """\
from torch import nn


class Small(nn.Module):
    def __init__(self, inputs=784, classes=10):
        super(Small, self).__init__()
        self.flatten = nn.Flatten()
        self.stack = nn.Sequential(nn.Linear(inputs, 32), nn.ReLU(), nn.Linear(32, classes))

    def forward(self, x):
        return self.stack(self.flatten(x))
"""
ROWS = """\
import torch.nn as nn


class Rows(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(28, 20, batch_first=True)
        self.out = nn.Linear(20, 10)

    def forward(self, x):
        x = x.view(-1, 28, 28)
        seen, _ = self.rnn(x)
        return self.out(seen[:, -1, :])
"""
KERAS_FUNCTIONAL = """\
from tensorflow import keras
from tensorflow.keras import layers

inputs = keras.Input(shape=(28, 28, 1))
x = layers.Conv2D(4, 3, activation="relu")(inputs)
x = layers.Flatten()(x)
outputs = layers.Dense(10, activation="softmax")(x)
model = keras.Model(inputs=inputs, outputs=outputs)
"""
KERAS_FUNCTION = """\
from tensorflow.keras import Sequential
from tensorflow.keras.layers import Dense, Flatten


def build_model(classes=10):
    model = Sequential()
    model.add(Flatten(input_shape=(28, 28)))
    model.add(Dense(16, activation="relu"))
    model.add(Dense(classes, activation="softmax"))
    return model
"""
KERAS_SCRIPT = """\
import numpy as np
import matplotlib.pyplot as plt
from tensorflow import keras

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0

model = keras.Sequential([
    keras.layers.Flatten(input_shape=(28, 28)),
    keras.layers.Dense(10, activation="softmax"),
])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=2)
loss, right = model.evaluate(x_test, y_test)
model.save("digits.keras")
plt.plot(history.history["loss"])
"""
FRAGMENT = """\
        self.net = nn.Sequential(
            nn.Flatten(),
            nn.Linear(784, 10),
        )
"""
CHANNELS_FIRST = """\
from keras.models import Sequential
from keras.layers import Conv2D, Dense, Flatten

model = Sequential()
model.add(Conv2D(8, (5, 5), input_shape=(1, 28, 28), data_format="channels_first",
                 activation="relu"))
model.add(Flatten())
model.add(Dense(10, activation="softmax"))
"""
SIZES = """\
from torch import nn

drop1, drop2 = 0.2, 0.3
sizes = [28 ** 2, 32]
model = nn.Sequential(
    nn.Flatten(), nn.Linear(sizes[0], sizes[1]), nn.ReLU(), nn.Dropout(drop1),
    nn.Linear(sizes[1], int(20 / 2)),
)
"""
DEVICE = """\
import torch
from torch import nn

device = torch.device("cpu")
model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10).to(device)).to(device)
"""
NOTEBOOK = """\
```python
%matplotlib inline
!pip install torch
from torch import nn
net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
net
```
"""
PRINT = """\
Small(
  (flatten): Flatten(start_dim=1, end_dim=-1)
  (stack): Sequential(
    (0): Linear(in_features=784, out_features=32, bias=True)
    (1): ReLU()
    (2): Linear(in_features=32, out_features=10, bias=True)
  )
)
"""
MLP = "Flatten Linear ReLU Linear"
CASES = {
    "functional": (
        FUNCTIONAL,
        13_170,
        "Conv2d ReLU MaxPool2d Conv2d Dropout2d MaxPool2d ReLU Flatten Linear ReLU Dropout Linear "
        "LogSoftmax",
    ),
    "sequential in a class": (SEQUENTIAL, 25_450, MLP),
    "rows": (ROWS, 4_210, "Rows Linear"),
    "Keras, functional": (KERAS_FUNCTIONAL, 27_090, "Conv2d ReLU Flatten Linear"),
    "Keras, in a function": (KERAS_FUNCTION, 12_730, MLP),
    "Keras, script": (KERAS_SCRIPT, 7_850, "Flatten Linear"),
    "fragment": (FRAGMENT, 7_850, "Flatten Linear"),
    "Keras, keyword": (
        "import keras\nmodel = keras.Sequential(layers=[keras.Input((784,)), "
        "keras.layers.Dense(10)])",
        7_850,
        "Flatten Linear",
    ),
    "sizes": (SIZES, 25_450, "Flatten Linear ReLU Dropout Linear"),
    "device": (DEVICE, 7_850, "Flatten Linear"),
    "notebook": (NOTEBOOK, 7_850, "Flatten Linear"),
    "print": (PRINT, 25_450, MLP),
}


@pytest.mark.parametrize("case", CASES)
def test_a_text_becomes_the_layers_of_its_author(case):
    text, parameters, types = CASES[case]
    spec = read_code(text).spec
    assert " ".join(layer.type for layer in spec.layers) == types
    assert summarize(spec).parameters == parameters


def test_names_lines_and_notes_are_the_texts_own():
    reading = read_code(FUNCTIONAL)
    names = [layer.name for layer in reading.spec.layers if layer.name]
    assert names == ["first", "second", "hidden", "last"]
    assert reading.spec.name == "Digits"
    assert reading.models == ("Digits",)
    assert reading.lines[0] == 9  # where its arguments stand
    (note,) = read_code(KERAS_SCRIPT).notes[-1:]
    assert "Passed over" in note
    assert "12-16" in note


def test_keras_channels_first_is_an_image_of_one_channel():
    spec = read_code(CHANNELS_FIRST).spec
    assert spec.input == (1, 28, 28)
    assert summarize(spec).parameters == 46_298


def test_a_print_of_a_class_says_that_its_order_is_a_guess():
    assert "order of the print" in read_code(PRINT).notes[0]


def test_a_keras_summary_is_refused_with_what_it_lacks():
    text = (
        " Layer (type)                Output Shape              Param #\n"
        "=====================================================\n"
        " dense (Dense)               (None, 10)                7850"
    )
    with pytest.raises(SpecError, match="leaves out kernel sizes"):
        read_code(text)


def test_a_person_chooses_of_several_networks():
    text = """
class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Linear(784, 784), nn.Tanh())
    def forward(self, z):
        return self.main(z.flatten(1)).view(-1, 1, 28, 28)

class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Flatten(), nn.Linear(784, 1))
    def forward(self, x):
        return self.main(x)

G, D = Generator(), Discriminator()
"""
    reading = read_code(text)
    assert reading.models == ("Generator", "Discriminator")
    assert reading.spec.name == "Discriminator"
    assert any("several networks" in note for note in reading.notes)
    assert read_code(text, model="Generator").spec.name == "Generator"
    with pytest.raises(SpecError, match="it has Generator, Discriminator"):
        read_code(text, model="Encoder")


def test_what_changes_in_place_changes_under_all_its_names():
    text = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(inplace=True)
        self.fc = nn.Linear(4 * 784, 10)
    def forward(self, x):
        x = self.conv(x)
        shortcut = x
        x = self.relu(x)
        x = x + shortcut
        return self.fc(x.flatten(1))
"""
    inplace = read_code(text).spec.layers
    assert inplace[2].sources == (inplace[1].name, inplace[1].name)
    apart = read_code(text.replace("inplace=True", "")).spec.layers
    assert apart[2].sources == (apart[1].name, "conv")


WRONG_BATCHES = [
    ("self.rnn = nn.LSTM(28, 10)", "self.rnn(x.squeeze(1))[0][:, -1]", "batch"),
    ("pass", "x.view(28, -1)", "does not fit|mixes|fixes"),
    ("pass", "x.mean(0)", "images of a batch"),
    ("pass", "x.view(64, 784)", "does not fit|fixes"),
    ("pass", "torch.softmax(x.flatten(1), 0)", "images of a batch"),
    ("pass", "torch.cat([x, x], 0).flatten(1)", "images of a batch"),
    ("pass", "x.flatten(1) @ x.flatten(1).t()", "mixes"),
    ("pass", "x[0]", "images of a batch"),
]


@pytest.mark.parametrize(("made", "applied", "words"), WRONG_BATCHES)
def test_what_mixes_the_images_of_a_batch_is_refused(made, applied, words):
    text = (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        {made}\n    def forward(self, x):\n        return {applied}\n"
    )
    with pytest.raises(SpecError, match=words) as caught:
        read_code(text)
    assert caught.value.line == 6


def test_a_statement_that_is_passed_over_spoils_what_it_would_have_changed():
    text = "model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\nfor n in sizes():\n    {}"
    with pytest.raises(SpecError, match="'sizes', which is not defined"):
        read_code(text.format("model.append(nn.Linear(10, n))"))
    assert len(read_code(text.format("print(n)")).spec.layers) == 2


def test_a_file_of_code_is_a_model_and_is_not_executed(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n{SEQUENTIAL}")
    assert summarize(load_model(path)).parameters == 25_450
    notebook = tmp_path / "net.ipynb"
    cells = [{"cell_type": "code", "source": SEQUENTIAL.splitlines(keepends=True)}]
    notebook.write_text(json.dumps({"cells": cells, "nbformat": 4}))
    assert summarize(load_model(str(notebook))).parameters == 25_450
    assert not (tmp_path / "ran").exists()


WAVES = """
class Positions(nn.Module):
    def __init__(self, d_model, max_len=100):
        super().__init__()
        pe = torch.zeros(max_len, d_model)
        position = torch.arange(0, max_len, dtype=torch.float).unsqueeze(1)
        rates = torch.exp(torch.arange(0, d_model, 2).float() * (-math.log(10000.0) / d_model))
        pe[:, 0::2] = torch.sin(position * rates)
        pe[:, 1::2] = torch.cos(position * rates)
        self.register_buffer('pe', pe.unsqueeze(0))
    def forward(self, x):
        return x + self.pe[:, :x.size(1)]

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.positions = nn.Linear(28, 16), Positions(16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(16, 10)
    def forward(self, x):
        return self.head(self.encoder(self.positions(self.embed(x.squeeze(1)))).mean(1))
"""


def test_a_table_of_waves_is_a_constant_and_any_other_table_is_refused():
    spec = read_code(WAVES).spec
    (waves,) = [layer for layer in spec.layers if layer.type == "Constant"]
    assert waves.args == {"shape": (1, 28, 16), "pattern": "sinusoidal"}
    names = {layer.name for layer in spec.layers}
    assert {"encoder.layers.0", "encoder.layers.1", "head"} <= names
    table = dict(build(spec).named_buffers())[f"{waves.name}.tensor"][0]
    position, rate = torch.arange(28.0)[:, None], 10_000 ** (-torch.arange(0, 16, 2) / 16)
    torch.testing.assert_close(table[:, ::2], torch.sin(position * rate))
    torch.testing.assert_close(table[:, 1::2], torch.cos(position * rate))
    with pytest.raises(SpecError, match="table of numbers"):
        read_code(WAVES.replace("torch.cos(", "torch.sin("))
