"""Functions as text, with all that they use: what is written runs without their modules."""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace

import pytest

from digitlab.exports import function_source
from digitlab.exports.function_source import Source, leave_out

CONSTANTS = """
from __future__ import annotations

SIZE = 3
FACTORS: dict[str, int] = {"half": SIZE}
FIRST, LAST = 1, 2
"""
FUNCTIONS = """
from __future__ import annotations

import math
from collections import OrderedDict
from collections import Counter as Count

from sample import constants
from sample.constants import FACTORS, LAST, SIZE

OFFSET: float = 0.5


def scaled(value: float) -> float:
    return OFFSET + math.floor(value) * FACTORS["half"] * SIZE


def ordered(value: float) -> OrderedDict:
    return OrderedDict(value=scaled(value))


def renamed() -> Count:
    return Count()


def of_module() -> int:
    return constants.SIZE


def unpacked() -> int:
    return LAST
"""


@pytest.fixture
def functions(tmp_path, monkeypatch):
    """The module of these functions; for the time of a test, their package is "ours"."""
    (tmp_path / "sample").mkdir()
    for name, text in (
        ("__init__", '"""Ours."""'),
        ("constants", CONSTANTS),
        ("functions", FUNCTIONS),
    ):
        (tmp_path / "sample" / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(function_source, "OURS", "sample.")
    yield importlib.import_module("sample.functions")
    for name in [name for name in sys.modules if name.partition(".")[0] == "sample"]:
        del sys.modules[name]


def test_constants_of_other_modules_and_annotated_ones_come_along(functions):
    source = Source({}).add(functions.ordered)
    assert source.imports == {"import math", "from collections import OrderedDict"}
    assert list(source.parts) == ["SIZE", "FACTORS", "OFFSET", "scaled", "ordered"]
    text = "\n\n".join(["from __future__ import annotations", *source.imports])
    names: dict = {}
    exec("\n".join([text, *source.parts.values()]), names)
    assert names["ordered"](2.7) == {"value": 18.5}


@pytest.mark.parametrize("name", ["renamed", "of_module", "unpacked"])
def test_what_has_no_place_in_a_script_is_not_dropped(functions, name):
    with pytest.raises(AssertionError, match="binds"):
        Source({}).add(getattr(functions, name))


LOOP = """\
def count(values, config):
    total = 0
    for value in values:
        if config.average:
            if config.average > 1:
                total += value
    if config.clip:
        total += 1
    elif config.average:
        total += 2
    else:
        if config.average:
            total += 3
    return total
"""


def test_a_block_of_which_nothing_is_left_passes():
    text = leave_out(LOOP, {"config": SimpleNamespace(average=0.0, clip=0)})
    assert "average" not in text.replace("elif config.average", "")
    assert text.count("pass") == 2
    names: dict = {}
    exec(text, names)
    assert names["count"]([1, 2], SimpleNamespace(average=0.0, clip=0)) == 0


def test_the_last_branch_of_a_chain_leaves_nothing():
    text = leave_out(
        "if config.clip:\n    a = 1\nelif config.average:\n    a = 2\n",
        {"config": SimpleNamespace(average=0, clip=1)},
    )
    assert text == "if config.clip:\n    a = 1\n"
