"""Mutated texts end in a spec or a SpecError, soon and in bounded memory."""

from __future__ import annotations

import random
import time

import pytest

from digitlab.errors import SpecError
from digitlab.models.paste.read import read_code
from digitlab.models.spec import ModelSpec
from tests.models.paste.mutate import mutated
from tests.models.paste.real_python import CORPUS, read_index

TEXTS = [(CORPUS / name).read_text(encoding="utf-8") for name in sorted(read_index())]


@pytest.mark.parametrize(
    "use",
    [
        "model = nn.Linear(held, 10)",
        "model = keras.Sequential([keras.layers.Dense(held)])",
        "model = keras.Input(held)",
        "model = torchvision.models.resnet18(num_classes=held)",
        "print(str(held), held == held)",
    ],
)
def test_names_that_hold_names_are_read_soon(use):
    text = "import keras, torchvision\nimport torch.nn as nn\nheld = [1]\n"
    text += "held = [held] * 20\n" * 12 + use + "\n"
    start = time.process_time()
    with pytest.raises(SpecError):
        read_code(text)
    assert time.process_time() - start < 2


@pytest.mark.parametrize("seed", range(6))
def test_a_mutated_text_is_a_spec_or_refused(seed):
    rng = random.Random(seed)
    for _ in range(50):
        text = mutated(rng.choice(TEXTS), rng)
        start = time.process_time()
        try:
            spec = read_code(text).spec
        except SpecError:
            spec = None
        assert spec is None or ModelSpec.from_yaml(spec.to_yaml()) == spec
        assert time.process_time() - start < 2
