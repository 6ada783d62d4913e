"""Models as tutorials write them are read; every trick in a text is refused with its line."""

from __future__ import annotations

import sys
import time

import pytest

from digitlab.errors import SpecError
from digitlab.models.build import summarize
from digitlab.models.paste.read import read_code
from digitlab.models.spec import ModelSpec

# In the form of TensorFlow's quickstart for beginners.
TENSORFLOW = """\
import tensorflow as tf

model = tf.keras.models.Sequential([
  tf.keras.layers.Flatten(input_shape=(28, 28)),
  tf.keras.layers.Dense(128, activation='relu'),
  tf.keras.layers.Dropout(0.2),
  tf.keras.layers.Dense(10)
])

loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer='adam', loss=loss_fn, metrics=['accuracy'])
model.fit(x_train, y_train, epochs=5)
model.evaluate(x_test, y_test, verbose=2)
"""
# In the form of PyTorch's "Learn the basics", its stack of layers.
PYTORCH = """\
import torch
from torch import nn

device = torch.device('cpu')
linear_relu_stack = nn.Sequential(
    nn.Flatten(),
    nn.Linear(28*28, 512),
    nn.ReLU(),
    nn.Linear(512, 512),
    nn.ReLU(),
    nn.Linear(512, 10),
).to(device)
print(linear_relu_stack)
"""
# In the form of PyTorch's "What is torch.nn really?", without the layers that reshape by a lambda.
CONVOLUTIONS = """\
model = nn.Sequential(
    nn.Conv2d(1, 16, kernel_size=3, stride=2, padding=1),
    nn.ReLU(),
    nn.Conv2d(16, 16, kernel_size=3, stride=2, padding=1),
    nn.ReLU(),
    nn.Conv2d(16, 10, kernel_size=3, stride=2, padding=1),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
)
opt = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
"""
# In the form of Keras's sequential guide: a model that grows, by names imported one by one.
KERAS = """\
from keras import Sequential
from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D

model = Sequential()
model.add(Conv2D(32, (3, 3), activation='relu', kernel_initializer='he_uniform',
                 input_shape=(28, 28, 1)))
model.add(MaxPooling2D((2, 2)))
model.add(Flatten())
model.add(Dense(100, activation='relu', kernel_initializer='he_uniform'))
model.add(Dense(10, activation='softmax'))
"""


@pytest.mark.parametrize(
    ("text", "parameters"),
    [(TENSORFLOW, 101_770), (PYTORCH, 669_706), (CONVOLUTIONS, 3_930), (KERAS, 542_230)],
)
def test_models_of_tutorials_have_the_parameters_they_have_there(text, parameters):
    summary = summarize(ModelSpec.from_code(text))
    assert summary.parameters == parameters
    assert summary.output_shape == (10,)
    assert summary.input_shape == (1, 28, 28)


CLASS = """\
import torch.nn as nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, x):
        return self.fc(x)
"""
PRINTED_CLASS = """\
NeuralNetwork(
  (flatten): Flatten(start_dim=1, end_dim=-1)
  (linear_relu_stack): Sequential(
    (0): Linear(in_features=784, out_features=512, bias=True)
  )
)
"""


def test_a_class_is_read_and_its_print_offered_with_a_warning():
    assert summarize(ModelSpec.from_code(CLASS)).parameters == 7_850
    reading = read_code(PRINTED_CLASS)
    assert [layer.type for layer in reading.spec.layers] == ["Flatten", "Linear"]
    assert reading.spec.layers[1].name == "linear_relu_stack.0"
    assert "order of the print" in reading.notes[0]


TRICKS = [
    ("m = nn.Sequential(nn.ReLU().__class__.__bases__)", 1),
    ("nn.Sequential(nn.Linear(784, getattr(os, 'x')))", 1),
    ("nn.Sequential(\n nn.Linear(784, (y := x)))", 2),
    ("nn.Sequential(\n nn.ReLU(),\n *layers)", 3),
    ("nn.Sequential(\n **{'a': nn.ReLU()})", None),
    ("nn.Sequential(\n nn.Linear(**args))", 2),
    ("with open('x') as f:\n  pass", 1),
    ("try:\n  import x\nexcept Exception:\n  pass", 1),
    ("def f(): pass\n", 1),
    ("@decorator\nclass A: pass", None),
    ("global x", 1),
    ("del model", 1),
    ("assert True", 1),
    ("raise SystemExit", 1),
    ("while True: pass", 1),
    ("return 3", 1),
    ("import torch, os", 1),
    ("from . import x", 1),
    ("from torch.hub import load\nimport importlib", 1),
    ("x = [nn.ReLU() for _ in range(10**9)]", 1),
    ("x = {n: n for n in y}", 1),
    ("x = (n for n in y)", 1),
    ("x = b'bytes'", 1),
    ("x = `ls`", 1),
    ("nn.Sequential(nn.Linear(784, 0x" + "f" * 500 + "))", 1),
    ("nn.Sequential(nn.Linear(784, 1_0" + "0" * 300 + "))", 1),
    ("nn.Sequential(nn.Linear(784, 2 ** 2 ** 2 ** 2 ** 2))", 1),
    ("nn.Sequential(nn.Linear(784, 1 << 10**9))", 1),
    ("nn.Sequential(nn.Linear(784, [0] * 10**9))", 1),
    ("nn.Sequential(nn.Unflatten(1, (" + "1, " * 5_000 + ")))", 1),
    ("nn.Sequential(" * 60 + "nn.ReLU()" + ")" * 60, 1),
    ("nn.Sequential(nn.Linear(784, 10).weight)", 1),
    ("nn.Sequential(nn.Linear(784, 10)(x))", 1),
    ("nn.Sequential(torch.load('x.pt'))", 1),
    ("nn.Sequential(torch.hub.load('a/b', 'c'))", 1),
    ("nn.Sequential(nn.ReLU())(x)", 1),
    ("print(__import__('os').system('id'))\nnn.Sequential(nn.ReLU(", None),
    ("Sequential([\nLambda(lambda x: os.system(x))])", 2),
    ("Sequential([\nDense(10, activation=lambda x: open(x))])", 2),
    ("Sequential([\nDense(10, kernel_initializer=eval('x'))])", 2),
    ("model = Sequential()\nfor n in data:\n  model.add(Dense(n))", 2),
    ("model = keras.Model(inputs, outputs)", 1),
    ("Sequential(\n  (0): Linear(in_features=784, out_features=10, bias=eval('1'))\n)", 2),
    ("Sequential(\n  (0): " + "Sequential(" * 50 + "\n)", 2),
    ("\ufeff\x00", None),
    ("\ud800", None),
]


@pytest.mark.parametrize(("text", "line"), TRICKS)
def test_a_trick_is_refused_with_a_sentence_and_its_line(text, line):
    def never(event: str, _: object) -> None:
        if event in ("os.system", "subprocess.Popen", "exec") and watching:
            ran.append(event)

    ran: list[str] = []
    watching = [True]
    sys.addaudithook(never)
    start = time.process_time()
    with pytest.raises(SpecError) as caught:
        ModelSpec.from_code(text)
    took = time.process_time() - start
    watching.clear()
    assert took < 2
    assert ran == []
    assert caught.value.message.endswith((".", "?"))
    assert len(caught.value.message) < 400
    assert line is None or caught.value.line == line, caught.value.message
