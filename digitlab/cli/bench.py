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
    fast: Annotated[
        bool, typer.Option("--fast", help="The preset fast alone, with ten seeds: a minute.")
    ] = False,
    drawing: Annotated[
        bool, typer.Option("--drawing", help="How well and how fast drawings are read.")
    ] = False,
    gpu: Annotated[
        bool, typer.Option("--gpu", help="What a CUDA GPU does here, and whether to the bit.")
    ] = False,
    photos: Annotated[
        str, typer.Option(metavar="FOLDER", help="How well its photos are read, by its labels.csv.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Benchmark this machine; by default, the speed of training compared with other loops."""
    if photos:
        from digitlab.bench.photos import measure_photos

        show(measure_photos(photos), as_json)
        return
    chosen = {"growth": growth, "race": race, "fast": fast, "drawing": drawing, "gpu": gpu}
    names = [name for name, on in chosen.items() if on] or ["training"]
    show(
        [row for name in names for row in _MEASURES[name](_tell, peers)],
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


def _fast(tell: Callable[[str], None], _peers: bool) -> list[dict[str, Any]]:
    from digitlab.bench.race import measure_fast

    return measure_fast(tell)


def _drawing(tell: Callable[[str], None], _peers: bool) -> list[dict[str, Any]]:
    from digitlab.bench.drawing import measure_drawing

    return measure_drawing(tell)


def _gpu(tell: Callable[[str], None], _peers: bool) -> list[dict[str, Any]]:
    from digitlab.bench.gpu import measure_gpu

    return measure_gpu(tell)


_MEASURES = {
    "training": _training,
    "growth": _growth,
    "race": _race,
    "fast": _fast,
    "drawing": _drawing,
    "gpu": _gpu,
}


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
