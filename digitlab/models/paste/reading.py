"""`CodeReading`: what was found in a pasted text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from digitlab.models.spec import ModelSpec


@dataclass(frozen=True)
class CodeReading:
    """The architecture of a pasted text, and what a person should know of it.

    `notes` are sentences: what was passed over, and where the network differs from the text.
    `lines` has the 1-based line of the text for each layer of the spec. `recipe` holds the fields
    of a TrainConfig that the text names. `models` names all networks of the text, `model` the one
    that was read: the last that can be, unless another was asked for. `text` is what was read: of a
    notebook's file its code cells.
    """

    spec: ModelSpec
    notes: tuple[str, ...] = ()
    lines: tuple[int | None, ...] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    model: str = ""
    text: str = ""
