"""`HyperParameters`: the argument `hp` of a function that Keras Tuner calls."""

from __future__ import annotations

from typing import Any

from digitlab.models.paste.native import Function, Native, Unknown


class HyperParameters(Native):
    """Gives the default of each choice, else the first or smallest that is allowed."""

    kind = "the choices of a tuner"

    def __repr__(self) -> str:
        return "the first of all choices"

    def attribute(self, name: str, run: Any) -> Any:
        if name not in ("Int", "Float", "Choice", "Boolean", "Fixed"):
            return Unknown(f"uses .{name} of a tuner's choices", run.line)
        return Function(name, None, self._choose)

    def _choose(self, run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        first = args[1] if len(args) > 1 else False
        for word in ("default", "value", "min_value", "values"):
            if word in kwargs:
                first = kwargs[word]
                break
        return first[0] if isinstance(first, list | tuple) and first else first
