"""Models as people paste them are read as the networks that Python makes of the same texts.

corpus/ holds texts in the forms that are in use: scripts, notebook cells, blog posts. Each is run
as real Python in one process of its own and is read by `read_code`; both networks get the same
weights and the same images.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from importlib.util import find_spec

import pytest
import torch
from torch import nn

from digitlab.errors import SpecError
from digitlab.models.build import build, summarize
from digitlab.models.paste.read import read_code
from tests.conftest import ROOT
from tests.models.paste.real_python import (
    CORPUS,
    constants,
    images_for,
    read_index,
    weights_for,
)

ALL = read_index()
REFUSED = {name: facts for name, facts in ALL.items() if "refused" in facts}
INDEX = {name: facts for name, facts in ALL.items() if name not in REFUSED}
PYTORCH = [name for name in INDEX if name.startswith("pytorch")]
KERAS = [name for name in INDEX if name.startswith("keras")]


def _texts(names):
    """The parameters of a test: each name, those that wait for the reader as failing."""
    for name in names:
        waits = pytest.mark.xfail(reason=INDEX[name].get("waiting", ""), strict=True)
        yield pytest.param(name, marks=waits if "waiting" in INDEX[name] else ())


def _runs_here(name):
    return "needs" not in INDEX[name] or find_spec(INDEX[name]["needs"]) is not None


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What real Python says of each PyTorch text: sizes, names, logits."""
    result = tmp_path_factory.mktemp("real") / "answers.pt"
    texts = [name for name in PYTORCH if _runs_here(name)]
    command = [sys.executable, "-m", "tests.models.paste.real_python", str(result), *texts]
    subprocess.run(command, cwd=ROOT, check=True)
    return torch.load(result)


@cache
def read(name):
    """What `read_code` makes of a text of the corpus."""
    return read_code((CORPUS / name).read_text(encoding="utf-8"), model=ALL[name].get("model"))


def matched(ours, theirs):
    """{our name: their name} of tensors: by name, the others by shape and order."""
    same_names = set(ours) == set(theirs)
    pairs = {
        name: name
        for name, shape in ours.items()
        if theirs.get(name) == shape and (same_names or not name[0].isdigit())
    }
    left = {name: shape for name, shape in theirs.items() if name not in pairs}
    for name, shape in ours.items():
        if name in pairs:
            continue
        same = next((their for their in left if left[their] == shape), None)
        assert same, f"{name} {shape} fits none of {left}"
        pairs[name] = same
        del left[same]
    assert not left, f"nothing of ours takes {left}"
    return pairs


def load(model, answer):
    """Give a network the weights that real Python gave the text's."""
    theirs = {
        name: shape or (1,)  # a single number is a tensor of one
        for name, shape in answer["tensors"].items()
        if name not in answer["constants"]
    }
    tensors = dict(model.named_parameters()) | {
        name: buffer for name, buffer in model.named_buffers() if name not in constants(model)
    }
    tensors = {name: t for name, t in tensors.items() if t.is_floating_point()}
    ours = {name: tuple(tensor.shape) or (1,) for name, tensor in tensors.items()}
    with torch.no_grad():
        for name, their_name in matched(ours, theirs).items():
            values = weights_for(their_name, answer["tensors"][their_name])
            tensors[name].copy_(values.reshape(tensors[name].shape))


def test_the_index_names_each_text_of_the_corpus():
    assert set(ALL) == {path.name for path in CORPUS.iterdir()} - {"index.yaml"}


@pytest.mark.parametrize("name", [name for name in PYTORCH if _runs_here(name)])
def test_texts_are_true_models(name, answers):
    assert "error" not in answers[name], answers[name].get("error")
    assert answers[name]["parameters"] == INDEX[name]["parameters"]


@pytest.mark.parametrize("name", _texts(PYTORCH))
def test_a_pasted_text_answers_as_it_does_in_python(name, answers):
    facts, spec = INDEX[name], read(name).spec
    assert list(spec.input) == facts.get("input", [1, 28, 28])
    assert summarize(spec).parameters == facts["parameters"]
    if not _runs_here(name):
        return
    answer = answers[name]
    model = build(spec).eval()
    load(model, answer)
    with torch.no_grad():
        logits = model(images_for(spec.input))
    if answer["logits"].ndim == 1:  # one number for each image
        logits = logits.flatten()
    assert logits.shape == answer["logits"].shape
    torch.testing.assert_close(logits, answer["logits"], rtol=1e-5, atol=1e-5)


def second_biases(model):
    """Biases that an LSTM or a plain RNN has in torch and not in Keras."""
    layers = [m for m in model.modules() if isinstance(m, nn.LSTM | nn.RNN)]
    parameters = [named for layer in layers for named in layer.named_parameters()]
    return sum(p.numel() for name, p in parameters if name.startswith("bias_hh"))


@pytest.mark.parametrize("name", _texts(KERAS))
def test_a_pasted_keras_text_has_the_parameters_it_has_in_keras(name):
    """The answers are compared by tests/benchmarks/keras_texts.py, which needs Keras."""
    spec = read(name).spec
    assert list(spec.input) == INDEX[name].get("input", [1, 28, 28])
    assert summarize(spec).parameters - second_biases(build(spec)) == INDEX[name]["parameters"]


@pytest.mark.parametrize("name", [name for name in INDEX if "recipe" in INDEX[name]])
def test_the_recipe_of_a_text_is_offered(name):
    recipe = read(name).recipe
    assert {field: recipe.get(field) for field in INDEX[name]["recipe"]} == INDEX[name]["recipe"]


@pytest.mark.parametrize("name", _texts(INDEX))
def test_each_layer_has_its_line(name):
    reading = read(name)
    count = len((CORPUS / name).read_text(encoding="utf-8").splitlines())
    assert len(reading.lines) == len(reading.spec.layers)
    assert all(line is None or 1 <= line <= count for line in reading.lines)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_named(name):
    with pytest.raises(SpecError, match=REFUSED[name]["refused"]):
        read(name)
