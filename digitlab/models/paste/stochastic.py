"""Functions that draw random numbers in training and give what they draw around in evaluation."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from digitlab.errors import SpecError

_DRAWS = {"randn_like", "randn", "normal_", "normal"}
_LAYERS = ("Reparameterize", "GaussianNoise")
_STATEMENTS = 12  # as many as such a function has at most


def draws(node: ast.AST) -> bool:
    """Whether a function asks `self.training`, draws random numbers, and does little else."""
    known = getattr(node, "is_draw", None)
    if known is None:
        inner = list(ast.walk(node))
        names = {each.attr for each in inner if isinstance(each, ast.Attribute)}
        count = sum(isinstance(each, ast.stmt) for each in inner)
        known = "training" in names and bool(names & _DRAWS) and count <= _STATEMENTS
        node.is_draw = known  # type: ignore[attr-defined]
    return known


def read_draw(call: Callable[[], Any], run: Any) -> Any:
    """What a function gives in evaluation; the layer of a draw where it draws in training around
    just that."""
    notes, calls = list(run.notes), run.calls
    plain = call()
    step, plain_notes = getattr(plain, "step", None), list(run.notes)
    run.notes[:], run.training = notes, True
    try:
        drawn = call()
    except SpecError:
        run.calls = calls
        drawn = None
    finally:
        run.training = False
    made = getattr(drawn, "step", None)
    if step is not None and made is not None and made.type in _LAYERS and made.sources[0] is step:
        return drawn
    run.notes[:] = plain_notes
    return plain
