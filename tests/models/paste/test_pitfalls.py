"""Texts that look like others and mean something else are read rightly, or refused."""

from __future__ import annotations

import pytest

from digitlab.errors import SpecError
from digitlab.models.build import summarize
from digitlab.models.paste.read import read_code

CLASS = """\
import torch
import torch.nn as nn
import torch.nn.functional as F
{before}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(784, 16)
        self.b = nn.Linear(16, 10)
{init}
    def forward(self, x):
{forward}
model = Net()
{after}
"""


def indented(text):
    return "".join(f"        {line}\n" for line in text.splitlines())


def read(forward="return self.b(self.a(x.flatten(1)))", init="pass", before="", after=""):
    forward, init = indented(forward), indented(init)
    return read_code(CLASS.format(forward=forward, init=init, before=before, after=after))


def types(reading):
    return [layer.type for layer in reading.spec.layers]


@pytest.mark.parametrize(
    ("statement", "type_"),
    [("F.relu_(h)", "ReLU"), ("F.threshold_(h, 0.1, 0)", "Threshold"), ("torch.tanh_(h)", "Tanh")],
)
def test_a_function_in_place_changes_its_tensor(statement, type_):
    reading = read(f"h = self.a(x.flatten(1))\n{statement}\nreturn self.b(h)")
    assert types(reading) == ["Flatten", "Linear", type_, "Linear"]


def test_a_change_in_place_that_cannot_be_read_is_refused():
    with pytest.raises(SpecError, match=r"uses \.erfinv_"):
        read("h = self.a(x.flatten(1))\nh.erfinv_()\nreturn self.b(h)")


def test_a_view_that_is_read_after_a_change_in_place_is_refused():
    after = "h = self.a(x.flatten(1))\ng = h.view(-1, 4, 4)\nh.relu_()\nreturn self.b(g.flatten(1))"
    with pytest.raises(SpecError, match="Line 15 changes in place"):
        read(after)
    with pytest.raises(SpecError, match="Line 15 changes in place"):
        read(after.replace("h.relu_()", "g.relu_()").replace("g.flatten(1)", "h"))
    assert "ReLU" in types(read(after.replace("g", "h")))


def test_a_hook_that_gives_something_is_refused_and_one_that_looks_on_is_not():
    looks = "def hook(m, i, o):\n    seen = o\n"
    hooked = "model.a.register_forward_hook(hook)"
    assert types(read(before=looks, after=hooked)) == ["Flatten", "Linear", "Linear"]
    with pytest.raises(SpecError, match="registers a hook"):
        read(before=looks + "    return o * 2\n", after=hooked)
    with pytest.raises(SpecError, match="registers a hook"):
        read(init="self.a.register_forward_hook(lambda m, i, o: o * 2)")


DOUBLE = """\
def double(f):
    def g(self, x):
        return f(self, x) * 2
    return g

class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(16, 16)
    @double
    def forward(self, x):
        assert super().training is not None
        return self.l(x)
"""


def test_a_decorator_of_the_text_is_applied():
    reading = read("return self.b(self.p(self.a(x.flatten(1))))", "self.p = Part()", DOUBLE)
    assert types(reading) == ["Flatten", "Linear", "Linear", "Scale", "Linear"]


TWICE = """\
NAMES = {}
def twice(name):
    def decorate(cls):
        inner = cls.forward
        cls.forward = lambda self, x: inner(self, x) * 2
        NAMES[name] = cls
        return cls
    return decorate

@twice("part")
class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(16, 16)
    def forward(self, x):
        return self.l(x)
"""


@pytest.mark.parametrize("made", ["Part()", "NAMES['part']()"])
def test_a_decorator_of_a_class_is_applied(made):
    reading = read("return self.b(self.p(self.a(x.flatten(1))))", f"self.p = {made}", TWICE)
    assert types(reading) == ["Flatten", "Linear", "Linear", "Scale", "Linear"]


def test_a_forward_that_an_instance_is_given_is_read():
    reading = read("return x", "self.net = nn.Sequential(nn.Flatten(), self.a)\n"
                   "self.forward = self.net.forward")  # fmt: skip
    assert types(reading) == ["Flatten", "Linear"]
    with pytest.raises(SpecError, match=r"replaces \.forward"):
        read(after="model.a.forward = lambda x: x")


def test_the_transpose_of_an_image_moves_the_batch():
    with pytest.raises(SpecError, match="first dimension is not the batch"):
        read("return x.T")
    twice = types(read("return self.b(self.a(x.T.T.flatten(1)))"))
    assert twice[-3:] == ["Flatten", "Linear", "Linear"]


@pytest.mark.parametrize(
    "colours", ["x.expand(-1, 3, -1, -1)", "x.repeat(1, 3, 1, 1)", "torch.cat([x, x, x], 1)"]
)
def test_a_grey_image_is_repeated_for_a_network_of_coloured_ones(colours):
    reading = read(f"return self.c({colours})", "self.c = nn.Conv2d(3, 4, 3)")
    assert reading.spec.input == (1, 28, 28)
    assert len(types(reading)) == 2  # what repeats the image, and the convolution
    summarize(reading.spec)


def test_a_number_of_each_image_is_no_channel():
    reading = read("return x.new_zeros(x.size(0), 3) + x.mean((1, 2, 3)).unsqueeze(1)")
    assert summarize(reading.spec).output_shape == (3,)


LAZY = """\
import torch
import torch.nn as nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(1, 4, 5)
        x = torch.randn(SIDE, SIDE).view(-1, 1, SIDE, SIDE)
        self._to_linear = None
        self.convs(x)
        self.l = nn.Linear(self._to_linear, 10)

    def convs(self, x):
        x = F.max_pool2d(F.relu(self.c(x)), (2, 2))
        if self._to_linear is None:
            self._to_linear = x[0].shape[0] * x[0].shape[1] * x[0].shape[2]
        return x

    def forward(self, x):
        x = self.convs(x)
        return self.l(x.view(-1, self._to_linear))
"""


@pytest.mark.parametrize("side", [28, 50])
def test_a_size_that_an_example_tells_is_read(side):
    reading = read_code(LAZY.replace("SIDE", str(side)))
    assert reading.spec.input == (1, side, side)
    assert summarize(reading.spec).output_shape == (10,)


def test_the_first_convolution_of_a_list_may_be_applied_later():
    init = "self.late = nn.Conv2d(4, 4, 3)\nself.early = nn.Conv2d(1, 4, 3)"
    assert types(read("return self.late(self.early(x))", init)) == ["Conv2d", "Conv2d"]


@pytest.mark.parametrize("dropped", ["nn.Dropout2d(0.2)(h)", "F.dropout2d(h, 0.2, self.training)"])
def test_dropout_of_channels_drops_single_values_of_vectors(dropped):
    reading = read(f"h = self.a(x.flatten(1))\nreturn self.b({dropped})")
    assert types(reading) == ["Flatten", "Linear", "Dropout", "Linear"]
    assert any("single values" in note for note in reading.notes)


KERAS = """\
from tensorflow import keras
from tensorflow.keras import layers
model = keras.Sequential([keras.Input((28, 28, 1)), {layers}])
"""


def test_keras_gru_that_resets_before_is_refused():
    text = KERAS.format(layers="layers.Reshape((28, 28)), layers.GRU(4, reset_after=False)")
    with pytest.raises(SpecError, match="resets its state before"):
        read_code(text)


def test_keras_resizes_by_the_pixels_centres():
    text = KERAS.format(layers="layers.Resizing(20, 20, interpolation='nearest')")
    (layer,) = read_code(text).spec.layers
    assert layer.args["mode"] == "nearest-exact"


DRAW = """\
class Draw(nn.Module):
    def forward(self, mean, log_variance):
{body}
"""
LATE = "if not self.training:\n    return mean\n"
EARLY = (
    "if self.training:\n    std = torch.exp(0.5 * log_variance)\n"
    "    return mean + std * torch.randn_like(std)\nreturn mean"
)


@pytest.mark.parametrize(
    "body",
    [LATE + "return mean + torch.randn_like(mean) * (0.5 * log_variance).exp()", EARLY],
)
def test_a_draw_in_training_is_a_draw(body):
    reading = read(
        "h = self.a(x.flatten(1))\nreturn self.b(self.draw(self.m(h), self.v(h)))",
        "self.m, self.v, self.draw = nn.Linear(16, 16), nn.Linear(16, 16), Draw()",
        DRAW.format(body=indented(body)),
    )
    assert "Reparameterize" in types(reading)
    assert not any("as in evaluation" in note for note in reading.notes)
