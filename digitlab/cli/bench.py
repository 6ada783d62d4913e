"""The command that measures: bench."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from digitlab.cli.app import Json, app
from digitlab.cli.table import show


@app.command()
def bench(
    peers: Annotated[
        bool, typer.Option("--peers", help="Keras, skorch, Lightning too, where installed.")
    ] = False,
    growth: Annotated[
        bool, typer.Option("--growth", help="Seconds and memory for 60k, 240k and 1M images.")
    ] = False,
    race: Annotated[
        bool, typer.Option("--race", help="Time to 99 % against PyTorch's MNIST example.")
    ] = False,
    drawing: Annotated[
        bool, typer.Option("--drawing", help="How well and how fast drawings are read.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Benchmark this machine; by default, the speed of training compared with other loops."""
    chosen = {"growth": growth, "race": race, "drawing": drawing}
    wanted = [name for name, on in chosen.items() if on] or ["training"]
    show(
        [row for name in wanted for row in _MEASURES[name](_tell, peers)],
        as_json,
    )


def _training(tell: Callable[[str], None], peers: bool) -> list[dict[str, Any]]:
    from digitlab.bench.training import measure_training

    return measure_training(tell, peers=peers)


def _growth(tell: Callable[[str], None], _peers: bool) -> list[dict[str, Any]]:
    from digitlab.bench.training import measure_growth

    return measure_growth(tell)


def _race(tell: Callable[[str], None], _peers: bool) -> list[dict[str, Any]]:
    from digitlab.bench.race import measure_race

    return measure_race(tell)


def _drawing(tell: Callable[[str], None], _peers: bool) -> list[dict[str, Any]]:
    from digitlab.bench.drawing import measure_drawing

    return measure_drawing(tell)


_MEASURES = {
    "training": _training,
    "growth": _growth,
    "race": _race,
    "drawing": _drawing,
}


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
