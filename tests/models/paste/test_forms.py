"""Texts in the forms in which people copy them: each gives the network of the plain text."""

from __future__ import annotations

import json
import time

import pytest

from digitlab.errors import SpecError
from digitlab.models.paste.read import read_code
from digitlab.models.spec import ModelSpec

PLAIN = """\
import torch
from torch import nn


class Small(nn.Module):
    def __init__(self, width='16'):
        super().__init__()
        self.first = nn.Linear(784, int(width))
        self.last = nn.Linear(16, 10)

    def forward(self, x):
        return self.last(torch.relu(self.first(x.flatten(1))))


model = Small()
"""
LINES = PLAIN.rstrip().split("\n")
CELLS = PLAIN.split("\n\n\n")
FORMS = {
    "quoted": "Anna wrote:\n" + "\n".join(f"> {line}".rstrip() for line in LINES),
    "cells": "\n".join(f"In [{n}]:\n{cell}\nOut[{n}]:\nSmall(\n  (a): b\n)\n"
                       for n, cell in enumerate(CELLS, 1)),
    "cells without a word": "\n".join(f"[ ]:\n{cell}\n" for cell in CELLS),
    "numbers": "\n".join(f"{n:3d}  {line}" for n, line in enumerate(LINES, 1)),
    "numbers and tabs": "\n".join(f"{n}\t{line}" for n, line in enumerate(LINES, 40)),
    "diff": "--- a\n+++ b\n@@ -1,2 +1,9 @@\n-import old\n" + "\n".join("+" + x for x in LINES),
    "invisible": PLAIN.replace("(", "(\u200b"),
    "curly quotes": PLAIN.replace("'16'", "’16’"),
    "shell": "files = !ls\n" + PLAIN,
    "printed": PLAIN + "Small(\n  (first): Linear(in_features=784, out_features=16)\n)\n",
    "traceback": PLAIN + "Traceback (most recent call last):\n  File \"a\", line 3\n    model(x)\n"
                         "RuntimeError: mat1 and mat2 (1x2 and 3x4)\n",
    "unfinished loop": PLAIN + "for epoch in range(3:\n    print(epoch\n",
    "unfinished def": PLAIN + "\ndef train(model, loader):\n",
    "cut string": PLAIN + "def train(model):\n    print('epoch",
    "python 2": PLAIN + "print 'done'\ntry:\n    pass\nexcept IOError, e:\n    print >>log, e\n",
    "alias": PLAIN + "type Batch = tuple[int, int]\n",
    "words": f"Hello, I don't know (yet\nwhat to do:\n\n{PLAIN}\nIt says \"\"\"nan.\nThanks!\n",
    "logs": PLAIN + "".join(f"Epoch {n}/99 [====] loss: 0.{n} (acc)\n" for n in range(900)),
    "notebook 3": json.dumps({"worksheets": [{"cells": [
        {"cell_type": "code", "input": cell.splitlines(True)} for cell in CELLS]}]}),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_copied_text_is_the_plain_text(form):
    plain, copied = read_code(PLAIN).spec, read_code(FORMS[form]).spec
    assert (copied.name, copied.layers, copied.input) == (plain.name, plain.layers, plain.input)


def test_a_note_says_which_lines_are_no_python():
    reading = read_code(PLAIN + "for epoch in range(3:\n    print(epoch\n")
    assert "Passed over as no Python: lines 16-17." in reading.notes


@pytest.mark.parametrize(
    "broken",
    [
        "model = nn.Sequential(nn.Flatten(), nn.Linear(784 10))",
        "for n in (1, 2:\n    model.append(nn.ReLU())",
        "class Other(nn.Module):\n    def forward(self, x):\n        return self.a(x",
        "model.add_module('relu' nn.ReLU())",
    ],
)
def test_what_may_belong_to_a_network_is_not_passed_over(broken):
    with pytest.raises(SpecError, match="not Python") as caught:
        read_code(PLAIN + broken + "\n")
    assert caught.value.line >= 16


def test_a_value_in_a_line_that_is_no_python_is_not_taken_from_above():
    sizes = "width = 8\nwidth = 16 32\nmodel = nn.Sequential(nn.Flatten(), nn.Linear(784, width))\n"
    with pytest.raises(SpecError, match="no_Python"):
        read_code("from torch import nn\n" + sizes)


def test_lists_whose_items_stand_at_the_margin_stay_whole():
    text = f"Here it is!\nsizes = [\n784,\n32,\n10\n]\n{PLAIN}model = nn.Sequential(nn.Flatten(), "
    text += "*[nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])])\n"
    spec = read_code(text, model="model").spec
    assert [layer.args.get("out_features") for layer in spec.layers] == [None, 32, 10]


@pytest.mark.parametrize(
    "hostile",
    ["a b\n" * 24_000, "f(\n" * 30_000, "x = (1\ny z\n" * 9_000, "'''\na b\n" * 12_000,
     "if x:\n" * 16_000, "  a b\n c d\n" * 9_000, "@\n" * 49_000, "1 a b\n" * 16_000,
     "def f(:\n  g(\n" * 6_000, "print 'a'\n" * 9_900, "“a”\n" * 24_000, "In [1]:\n" * 12_000],
)  # fmt: skip
def test_a_text_that_fails_at_every_line_is_refused_in_time(hostile):
    start = time.process_time()
    with pytest.raises(SpecError):
        read_code(hostile)
    assert time.process_time() - start < 10


def test_a_network_that_cannot_be_read_leaves_the_others():
    text = PLAIN + (
        "class Odd(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.fc = nn.Linear(28, 10)\n"
        "    def forward(self, x):\n        return torch.fft.fft(self.fc(x))\nodd = Odd()\n"
    )
    reading = read_code(text)
    assert reading.spec.name == reading.model == "Small"
    with pytest.warns(UserWarning, match="Odd cannot be read"):
        assert ModelSpec.from_code(text) == reading.spec
    assert any("Odd cannot be read: Line 21" in note for note in reading.notes)
    with pytest.raises(SpecError, match="fft") as caught:
        read_code(text, model="Odd")
    assert caught.value.line == 21
    with pytest.raises(SpecError, match="fft"):
        ModelSpec.from_code(text, model="Odd")


def test_a_class_that_cannot_be_made_leaves_the_others():
    text = "import torch.nn as nn\ndef part(a, b):\n    made = nn.Sequential(nn.Conv2d(a, b, 3))\n"
    text += "    return made\nmodel = odd_chain(part(16, 16), part(16, 32))\n"
    for name, width in (("Whole", "10"), ("Odd", "mystery()")):
        text += (
            f"class {name}(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            f"        self.add_module('fc', nn.Linear(784, {width}))\n"
            "    def forward(self, x):\n        return self.fc(x.flatten(1))\n"
        )
    assert read_code(text).model == "Whole"


def test_a_result_without_a_batch_is_refused_with_what_to_return():
    with pytest.raises(SpecError, match="first dimension is not the batch"):
        read_code(PLAIN.replace("x.flatten(1))))", "x.flatten(1)))).t()"))


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        ("x.flatten(1)", "x.flatten(1).detach()", "Line 12 stops gradients"),
        ("    return self.last(", "    with torch.no_grad():\n            return self.last(",
         "Line 12 stops gradients"),
        ("model = Small()", "model = Small()\nmodel.first.requires_grad_(False)",
         "Line 16 freezes weights"),
        ("model = Small()", "model = Small()\nwith torch.no_grad():\n    model.train()", ""),
    ],
)  # fmt: skip
def test_a_gradient_that_stops_in_the_text_is_noted(old, new, note):
    reading = read_code(PLAIN.replace(old, new))
    told = [each for each in reading.notes if "gradients" in each or "freezes" in each]
    assert [each.startswith(note) for each in told] == [True] * bool(note)
    assert reading.spec.layers == read_code(PLAIN).spec.layers


def test_what_was_merely_passed_over_is_no_warning(recwarn):
    assert read_code(PLAIN + "print(odd.load())\n").notes
    ModelSpec.from_code(PLAIN + "print(odd.load())\n")
    assert not recwarn


def test_a_refusal_is_that_of_the_likeliest_image():
    text = "import torch\nfrom torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n"
    text += "        super().__init__()\n        self.rnn = nn.LSTM(5, 4)\n"
    text += "    def forward(self, x):\n        return self.rnn(x)[0][-1]\n"
    with pytest.raises(SpecError, match="4 dimensions"):
        read_code(text)


def test_what_a_helper_makes_several_times_is_no_network():
    text = "import torch.nn as nn\ndef part(a, b):\n    made = nn.Sequential(nn.Conv2d(a, b, 3))\n"
    text += "    return made\nmodel = odd_chain(part(16, 16), part(16, 32), part(16, 8))\n"
    with pytest.raises(SpecError, match="odd_chain"):
        read_code(text)


SETTINGS = """\
from torch import nn
class Net(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.fc = nn.Linear(784, args.{name})
    def forward(self, x):
        return self.fc(x.flatten(1))
"""


def test_settings_that_a_text_leaves_open_are_usual_ones_with_a_note():
    reading = read_code(SETTINGS.format(name="num_classes"))
    assert reading.spec.layers[1].args == {"out_features": 10}
    assert "The text leaves args.num_classes open; 10 is taken." in reading.notes
    with pytest.raises(SpecError, match=r"args.zork, which the text does not give") as caught:
        read_code(SETTINGS.format(name="zork"))
    assert caught.value.line == 5


def test_settings_that_the_text_changes_are_not_the_usual_ones():
    text = SETTINGS.format(name="num_classes")
    text += "args = load_settings()\nargs.num_classes = 26\nmodel = Net(args)\n"
    with pytest.raises(SpecError, match=r"args.num_classes, which the text does not give"):
        read_code(text)


ENDING = """\
import torch
import torch.nn.functional as F
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)
    def forward(self, x):
        x = self.fc(x.flatten(1))
        return {}
"""


@pytest.mark.parametrize(
    "end",
    ["x.max(1)[1]", "torch.max(x, 1).indices", "F.softmax(x, dim=1).argmax(dim=1)",
     "torch.argmax(x, dim=-1, keepdim=True)", "x.data.max(1, keepdim=True)[1].squeeze()",
     "x.topk(1, dim=1)[1].view(-1)", "F.log_softmax(x, dim=1).max(1)"],
)  # fmt: skip
def test_a_network_that_ends_with_the_largest_score_is_read_as_its_scores(end):
    reading = read_code(ENDING.format(end))
    assert [layer.type for layer in reading.spec.layers] == ["Flatten", "Linear"]
    assert any(note.startswith("Line 10 gives the class") for note in reading.notes)


@pytest.mark.parametrize(
    "end",
    ["x.argmax(1) + 1", "x.argmax(0)", "x.argmax()", "-x.argmax(1)", "x.min(1)[1]",
     "torch.abs(x.argmax(1))", "torch.mul(x > 0, 2) * x", "(x > 1) * x", "(x > 0) * (x + 1)",
     "torch.where(x > 0, x, -x)", "torch.where(x > 0, x, 0.1 * (x + 1))", "F.linear(x, x)",
     "torch.where(x > 0, 0.1 * x, x)", "self.fc.weight[0] * x", "x.topk(2, dim=1)[1]",
     "F.conv2d(x, torch.ones(1, 1, 3, 3))", "torch.where(x > 0, x, torch.zeros(3, 1, 10))"],
)  # fmt: skip
def test_what_only_looks_like_an_activation_or_argmax_is_refused(end):
    with pytest.raises(SpecError, match="Line 10"):
        read_code(ENDING.format(end))


def test_weights_by_name_and_classes_by_their_files_are_read():
    text = ENDING.format("x").replace(
        "nn.Linear(784, 10)", "torch.nn.modules.linear.Linear(784, 10)"
    )
    loop = "        for name, p in self.named_parameters():\n            if 'weight' in name:\n"
    loop += "                nn.init.xavier_normal_(p)\n    def forward"
    spec = read_code(text.replace("    def forward", loop)).spec
    assert ([layer.type for layer in spec.layers], spec.init) == (["Flatten", "Linear"], "xavier")


def test_a_keras_fragment_knows_the_data_that_it_does_not_import():
    text = "(x_train, y_train), (x_test, y_test) = mnist.load_data()\nmodel = Sequential()\n"
    text += "model.add(Flatten(input_shape=x_train.shape[1:]))\nmodel.add(Dense(10))\n"
    assert read_code(text).spec.input == (1, 28, 28)
