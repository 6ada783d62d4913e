"""Pasted models: PyTorch code, printed models and Keras listings become specs; nothing runs."""

from __future__ import annotations

import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from digitlab.errors import SpecError
from digitlab.models.build import build, summarize
from digitlab.models.layers import list_layers
from digitlab.models.load import load_model
from digitlab.models.paste.read import read_code
from digitlab.models.spec import ModelSpec

# From the tutorials of PyTorch and Keras, shortened to their models.
PYTORCH = """\
import torch
from torch import nn

input_size = 784
hidden_sizes = [128, 64]
model = nn.Sequential(nn.Linear(input_size, 128),
                      nn.ReLU(),
                      nn.Linear(128, 64),
                      nn.ReLU(inplace=True),
                      nn.Linear(64, 10),
                      nn.LogSoftmax(dim=1)).to(device)
criterion = nn.NLLLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.003, momentum=0.9)
print(model)
"""
LENET = """\
net = torch.nn.Sequential(
    nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Sigmoid(),
    nn.AvgPool2d(kernel_size=2, stride=2),
    nn.Conv2d(6, 16, kernel_size=5), nn.Sigmoid(),
    nn.AvgPool2d(kernel_size=2, stride=2),
    nn.Flatten(),
    nn.Linear(16 * 5 * 5, 120), nn.Sigmoid(),
    nn.Linear(120, 84), nn.Sigmoid(),
    nn.Linear(84, 10))
"""
KERAS = """\
from tensorflow import keras
from tensorflow.keras import layers

num_classes = 10
input_shape = (28, 28, 1)
model = keras.Sequential(
    [
        keras.Input(shape=input_shape),
        layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(num_classes, activation="softmax"),
    ]
)
model.summary()
"""


def test_pytorch_code_becomes_a_spec():
    spec = ModelSpec.from_code(PYTORCH)
    assert [layer.type for layer in spec.layers] == [
        *("Flatten", "Linear", "ReLU", "Linear", "ReLU", "Linear", "LogSoftmax"),
    ]
    assert spec.input == (1, 28, 28)
    assert spec.layers[1].args == {"out_features": 128}
    assert summarize(spec).output_shape == (10,)


def test_sizes_that_are_written_as_products_are_read_and_then_inferred():
    spec = ModelSpec.from_code(LENET)
    assert summarize(spec).parameters == summarize(load_model("lenet-5")).parameters
    assert spec.layers[0].args == {"out_channels": 6, "kernel_size": 5, "padding": 2}
    assert spec.layers[7].args == {"out_features": 120}
    assert spec.for_data((1, 8, 8), 10).input == (1, 8, 8)


def test_the_image_is_the_one_that_the_sizes_were_computed_for():
    code = "nn.Sequential(nn.Conv2d(3, 6, 5), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6*14*14, 9))"
    assert ModelSpec.from_code(code).input == (3, 32, 32)
    assert ModelSpec.from_code("nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))").input == (
        3,
        32,
        32,
    )
    assert ModelSpec.from_code("nn.Sequential(nn.Flatten(), nn.Linear(64, 10))").input == (1, 8, 8)


def test_keras_listings_become_specs():
    spec = ModelSpec.from_code(KERAS)
    assert summarize(spec).parameters == 34_826  # as its tutorial says
    assert [layer.type for layer in spec.layers] == [
        *("Conv2d", "ReLU", "MaxPool2d", "Conv2d", "ReLU", "MaxPool2d", "Flatten", "Dropout"),
        "Linear",
    ]


def test_keras_models_that_grow_by_add_are_read():
    spec = ModelSpec.from_code(
        "model = tf.keras.models.Sequential()\n"
        "model.add(Conv2D(8, (5, 5), strides=(2, 2), padding='same', input_shape=(28, 28, 1)))\n"
        "model.add(BatchNormalization())\n"
        "model.add(Activation(tf.nn.relu))\n"
        "model.add(LeakyReLU(alpha=0.1))\n"
        "model.add(SeparableConv2D(16, 3, padding='same'))\n"
        "model.add(GlobalAveragePooling2D())\n"
        "model.add(Dense(10, kernel_initializer='he_normal'))\n"
        "model.compile(optimizer='adam', loss='x', metrics=['accuracy'])\n"
        "history = model.fit(x_train, y_train, epochs=5)\n"
    )
    assert summarize(spec).output_shape == (10,)
    convolution = next(row for row in summarize(spec).rows if row.label == "Conv2d")
    assert convolution.output_shape == (8, 14, 14)
    assert spec.init == "kaiming"
    (norm,) = [layer for layer in spec.layers if layer.type == "BatchNorm2d"]
    assert norm.args == {"eps": 0.001, "momentum": 0.01}


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ("Input((28, 28)), LSTM(12, return_sequences=True), GRU(8), Dense(10)", (10,)),
        ("Dense(16, activation='tanh', input_shape=(784,)), Dense(10, 'softmax')", (10,)),
        ("Dense(16, activation='selu', input_dim=64), BatchNormalization(), Dense(10)", (10,)),
        ("Reshape((28, 28, 1), input_shape=(784,)), Conv2D(4, 3), Flatten()", (4 * 26 * 26,)),
        ("Flatten(), Dense(49), Reshape((7, 7, 1)), Conv2DTranspose(3, 4, 2, 'same')", (3, 14, 14)),
        ("ZeroPadding2D(((1, 2), (3, 4))), Conv2D(2, 1)", (2, 31, 35)),
        ("Rescaling(1./255, input_shape=(28, 28, 1)), AveragePooling2D(padding='same')",
         (1, 14, 14)),
        ("MaxPooling2D((3, 3), 2, padding='same'), UpSampling2D(), ReLU(max_value=6)", (1, 28, 28)),
    ],
)  # fmt: skip
def test_keras_layers_keep_their_shapes(layers, shape):
    spec = ModelSpec.from_code(f"Sequential([{layers}])")
    assert summarize(spec).output_shape == shape
    build(spec)(torch.rand(2, *spec.input))


def test_an_ordered_dict_and_nested_sequentials_are_one_chain():
    spec = ModelSpec.from_code(
        "from collections import OrderedDict\n"
        "block = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())\n"
        "model = nn.Sequential(OrderedDict([('a', block), ('flat', nn.Flatten()),\n"
        "    ('end', nn.Linear(2704, 10))]))\n"
    )
    assert [layer.type for layer in spec.layers] == ["Conv2d", "ReLU", "Flatten", "Linear"]


PRINTABLE = nn.Sequential(
    nn.Conv2d(1, 8, 3, stride=2, padding=1, padding_mode="reflect"),
    nn.BatchNorm2d(8, affine=False),
    nn.Sequential(nn.LeakyReLU(0.2), nn.MaxPool2d((2, 1))),
    nn.GroupNorm(4, 8),
    nn.Dropout2d(0.1),
    nn.Flatten(),
    nn.LayerNorm(784),
    nn.Linear(784, 32, bias=False),
    nn.GELU(approximate="tanh"),
    nn.PReLU(),
    nn.Linear(32, 10),
)


def test_a_printed_model_is_the_model():
    spec = ModelSpec.from_code(str(PRINTABLE))
    flat = [m for m in PRINTABLE.modules() if not isinstance(m, nn.Sequential)]
    network = build(spec).eval()
    layers = [m for m in network.modules() if not list(m.children())]
    assert [type(layer) for layer in layers] == [type(layer) for layer in flat]
    names = [key for key in network.state_dict() if not key.startswith("flatten")]
    assert names == list(PRINTABLE.state_dict())
    network.load_state_dict(PRINTABLE.state_dict())
    images = torch.rand(4, 1, 28, 28)
    assert torch.equal(network(images), PRINTABLE.eval()(images))


@pytest.mark.parametrize("name", ["lenet-5", "cnn-small", "four-hidden-dropout", "record"])
def test_a_preset_survives_being_printed_and_pasted(name):
    spec = load_model(name)
    again = ModelSpec.from_code(str(build(spec)))
    assert [row.output_shape for row in summarize(again).rows] == [
        row.output_shape for row in summarize(spec).rows
    ]
    assert summarize(again).parameters == summarize(spec).parameters


def one(layer: str) -> str:
    return f"import torch.nn as nn\nnn.Sequential(\n    nn.Flatten(),\n    {layer},\n)"


MISFIT = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 64)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        return self.fc2(self.fc1(x.flatten(1)))
"""

REFUSED = [
    (MISFIT, 5, "in_features 32, but 64 reaches it; leave in_features out or set it to 64"),
    (one("os.system('rm -rf /')"), 4, "'os', which is not defined"),
    (one("__import__('os').system('x')"), 4, "calls __import__, and nothing is executed"),
    (one("nn.Linear.__init__.__globals__"), 4, "__globals__"),
    (one("nn.Linear(10, (lambda: 3)())"), 4, "in_features 10, but"),
    (one("*[nn.ReLU() for _ in range(10**9)]"), 4, "more than 20,000 items"),
    (one("nn.Linear([x for x in y], 3)"), 4, "'y', which is not defined"),
    (one("nn.Linear(784, hidden)"), 4, "'hidden', which is not defined"),
    (one("nn.Linear(784, 9**9**9)"), 4, "a power beyond"),
    (one("nn.Linear(784, 10**100)"), 4, "a power beyond"),
    (one("nn.Linear(784, 2000000 * 2000000)"), 4, "at most"),
    (one("nn.Linear(784, 1 // 0)"), 4, "divides by zero"),
    (one("nn.Linear(784, 'a' * 999999999)"), 4, "more than 20,000 items"),
    (one("nn.Linear(784, " + "9" * 4000 + ")"), 4, "at most"),
    (one("nn.Linear(784, " + "9" * 9000 + ")"), 4, "not Python"),
    (one("nn.Linear(784, 1e999)"), 4, "at most"),
    (one("nn.Linear(784, 10, device='cuda', colour=3)"), 4, "'colour' to Linear that it does"),
    (one("nn.Linear(784, 10, 3, 4, 5, 6, 7)"), 4, "it takes 5"),
    (one("nn.Linear(784, 10, in_features=4)"), 4, "in_features to Linear twice"),
    (one("nn.Linaer(784, 10)"), 4, "did you mean torch.nn.Linear"),
    (one("nn.LSTM(28, 10)"), 4, "tensor of 2 dimensions; it takes three"),
    (one("5"), 2, "is not a layer"),
    (one("nn.Linear(f'{x}', 3)"), 4, "'x', which is not defined"),
    (one("nn.Linear(a[0], 3)"), 4, "'a', which is not defined"),
    (one("nn.Linear(3 if x else 4, 3)"), 4, "'x', which is not defined"),
    ("from subprocess import run\n", 1, "no network in the text"),
    ("import torch\nclass Net(nn.Module):\n    pass\n", 1, "no network in the text"),
    ("for i in range(9):\n    pass\n", 1, "no network in the text"),
    ("x = open('/etc/passwd').read()\n", 1, "no network in the text"),
    ("exec('1')\n", 1, "calls exec, and nothing is executed"),
    ("model = nn.Sequential(nn.ReLU())\nmodel[0] = f\n", 2, "'f', which is not defined"),
    ("x = 3", 1, "no network in the text"),
    ("nn.Sequential()\n", 1, "no layers"),
    ("nn.Sequential(nn.ReLU(),\n\n", 3, "not Python"),
    ("a b c", 1, "not Python"),
    ("", None, "empty"),
    (" \n\t", None, "empty"),
    ("x = '\0'", None, "Python"),
    ("(" * 90_000, 1, "nests brackets"),
    ("[" * 30 + "]" * 30, 1, "nests brackets"),
    ("x = " + "-" * 50_000 + "1", 1, "too many operators"),
    ("x = 1" + "+1" * 20_000, 1, "too many operators"),
    ("x = a" + ".b" * 20_000, 1, "too many operators"),
    ("x = " + "not " * 20_000 + "1", 1, "too many operators"),
    ("x = " + "lambda: " * 9_000 + "1", 1, "too many operators"),
    ("x = " + "await " * 9_000 + "y", None, "Python|await"),
    ("if 1:\n  pass\n" + "elif 1:\n  pass\n" * 6_000, None, "Python|an if statement"),
    ("x" * 100_001, None, "at most 100,000"),
    ("Sequential([\nDense(8),\nEmbedding(8, 3)])", 3, "Embedding"),
    ("Sequential([Dense(8, activation='zork')])", 1, "activation 'zork'"),
    ("Sequential([Dense()])", 1, "leaves out units"),
    ("Sequential([Dense('a')])", 1, "must be a whole number"),
    ("Sequential([Flatten(input_shape=(28, None, 'a'))])", 1, "input shape"),
    ("Net(\n  (fc): Linear(in_features=5, out_features=2, bias=True)\n)", 2, "in_features 5, but"),
    ("Sequential(\n  (0): ReLU()\n", None, "last bracket"),
    ("Sequential(\n  (0): ReLU()\n  hello\n)", 3, "not part of"),
    ("Sequential(\n  (0): Zork(3)\n)", 2, "Zork, which is not a layer"),
    ("Sequential(\n  (0): ReLU(__import__('os'))\n)", 2, "but not as a number|cannot"),
]


@pytest.mark.parametrize(("text", "line", "words"), REFUSED)
def test_what_is_not_a_model_is_refused_with_its_line(text, line, words):
    start = time.process_time()
    with pytest.raises(SpecError, match=words) as caught:
        ModelSpec.from_code(text)
    assert line is None or caught.value.line == line
    assert len(caught.value.message) < 400
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    "first",
    [
        "Input(shape=(32, 24, 3)), Conv2D(4, 3)",
        "InputLayer((32, 24, 3)), Conv2D(4, 3)",
        "keras.Input(shape=(None, 32, 24, 3)), Conv2D(4, 3)",
        "Conv2D(4, 3, input_shape=(32, 24, 3))",
        "Conv2D(4, 3, batch_input_shape=(None, 32, 24, 3))",
        "Conv2D(4, 3, batch_input_shape=(16, 32, 24, 3))",
    ],
)
def test_the_input_of_a_keras_model_is_the_shape_that_it_names(first):
    spec = ModelSpec.from_code(f"Sequential([{first}, Flatten(), Dense(10)])")
    assert spec.input == (3, 32, 24)  # Keras writes height, width, channels


def test_a_keras_input_of_vectors_is_a_square_image():
    for first in ("Input(shape=(100,)), Dense(7)", "Dense(7, input_dim=100)", "Input(100)"):
        assert ModelSpec.from_code(f"Sequential([{first}, Dense(10)])").input == (1, 10, 10)
    for wrong in ("'a'", "5.5", "(None, 0)"):
        with pytest.raises(SpecError, match="input shape"):
            ModelSpec.from_code(f"Sequential([Dense(3, batch_input_shape={wrong})])")


def test_a_huge_text_is_refused_at_once():
    start = time.process_time()
    with pytest.raises(SpecError, match="at most"):
        ModelSpec.from_code("nn.ReLU(), " * 1_000_000)
    assert time.process_time() - start < 2
    for wrong in (None, 3, b"nn.ReLU()"):
        with pytest.raises(SpecError):
            ModelSpec.from_code(wrong)


PIECES = st.sampled_from(
    ["nn.", "Sequential",
     "(", ")", "[", "]", ",", "Linear", "784", "10", "Dense", "=", "\n", "ReLU",
     "model", ".add", ":", "'", '"', "{", "}", "lambda", "*", "-", "  (0): ", "import os", "\\",
     "Conv2D", "kernel_size", "Input", "shape", "None", "1e9", "'same'", " for x in y", "\t", "é"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_text_is_a_spec_or_refused(text):
    _check_read_or_refused(text)


@settings(max_examples=100)
@given(st.sampled_from(list_layers()), st.lists(st.integers(-3, 40), max_size=6), st.booleans())
def test_any_layer_by_position_is_a_spec_or_refused(name, numbers, keras):
    call = f"{name}({', '.join(map(str, numbers))})"
    text = f"Sequential([{call}])" if keras else f"nn.Sequential(nn.{call})"
    _check_read_or_refused(text)


def _check_read_or_refused(text: str) -> None:
    try:
        spec = ModelSpec.from_code(text)
    except SpecError as error:
        message = error.message
    else:
        assert ModelSpec.from_yaml(spec.to_yaml()) == spec
        return
    assert message.endswith((".", "?"))


def test_lines_that_gave_the_recipe_are_not_called_unread():
    text = "model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\nprint(model)\n"
    trained = text + "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\noptimizer.step()\n"
    where = "Passed over as no part of the network"
    notes = [" ".join(read_code(code).notes) for code in (text, trained)]
    assert f"{where}: line" in notes[0]
    assert f"{where}, but read for the recipe: line" in notes[1]
