"""How much work a text may cause: steps, values, nested calls. All else is refused at once."""

from __future__ import annotations

import math
from typing import Any

from digitlab.errors import SpecError

MAX_STEPS = 200_000  # expressions and statements that are evaluated
MAX_VALUES = 1_000_000  # items of lists, characters of text that are made
CALL_STEPS = 20  # which a call of a text's own function takes as long as
MAX_CALLS = 48  # of functions inside each other
MAX_ITEMS = 20_000  # of one list, characters of one text
MAX_HELD = 100_000  # of lists within lists, each counted as often as it is held
MAX_INTEGER = 10**12


class LimitError(SpecError):
    """A text that causes too much work to be read."""


class Budget:
    """What a reading has used so far."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.steps = steps
        self.values = MAX_VALUES

    def step(self, line: int, count: int = 1) -> None:
        """Count an evaluation. Raises LimitError beyond the steps that are allowed."""
        self.steps -= count
        if self.steps < 0:
            raise LimitError(
                f"Line {line} takes too long to read. Is it in an endless loop? If not, paste the "
                f"model alone, without the code for data and training.",
                line=line,
            )

    def charge(self, line: int, count: int) -> None:
        """Count values that are made. Raises LimitError for too many, at once or in all."""
        self.values -= count
        if count > MAX_ITEMS or self.values < 0:
            limit = MAX_ITEMS if count > MAX_ITEMS else MAX_VALUES
            raise LimitError(
                f"Line {line} makes a list or text of more than {limit:,} items; nothing that "
                f"long belongs to a model.",
                line=line,
            )

    def weigh(self, line: int, arguments: list[Any]) -> None:
        """Count all that lists hold. Raises LimitError for more than anything of a model has.

        A list of twenty times the same list of twenty … is written in a few lines, and whatever
        walks through it never ends.
        """
        held, waiting = 0, [arguments]
        while waiting:
            items = waiting.pop()
            held += len(items)
            if held > MAX_HELD:
                raise LimitError(
                    f"Line {line} passes lists that hold more than {MAX_HELD:,} items; nothing "
                    "that long belongs to a model.",
                    line=line,
                )
            items = items.values() if isinstance(items, dict) else items
            waiting += [item for item in items if isinstance(item, list | tuple | dict)]
        self.charge(line, held // 16)


def checked(value: Any, line: int) -> Any:
    """A number that was computed, if it is not too large. Raises SpecError."""
    if type(value) is int and abs(value) > MAX_INTEGER:
        raise SpecError(
            f"Line {line} computes a number beyond {MAX_INTEGER:,}; whole numbers may be at most "
            f"that large.",
            line=line,
        )
    if isinstance(value, complex) or (type(value) is float and math.isnan(value)):
        raise SpecError(f"Line {line} computes something that is no number.", line=line)
    return value
