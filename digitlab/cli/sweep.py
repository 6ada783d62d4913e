"""The command that searches the best configuration: sweep."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import digitlab as dl
from digitlab.cli.app import Json, app
from digitlab.cli.table import run_row, show
from digitlab.cli.training import recipe_of
from digitlab.errors import ConfigError, RunError
from digitlab.words import counted, in_short, percent

_EPILOG = """A FILE has model, dataset, recipe, search (from fields of the recipe, and
layers.PLACE.ARGUMENT, to lists such as [32, 64] or ranges such as 0.001 to 0.1 log), method (tpe,
random, grid), pruning (none, median, asha), grace_epochs, trials, minutes, seeds and seed. All but
model and search may be left out."""


@app.command(epilog=" ".join(_EPILOG.split()))
def sweep(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="A search's YAML, the id of a stopped sweep, or a model."
        ),
    ],
    search: Annotated[
        list[str] | None,
        typer.Option(
            help="Of a model: name=values, as in learning_rate=0.1,0.01 or "
            "'learning_rate=0.001 to 0.1 log'; may be repeated."
        ),
    ] = None,
    dataset: Annotated[str, typer.Option(help="Of a model: name of the dataset.")] = "mnist",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Of a model: a setting of its recipe.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="tpe, random or grid.")] = None,
    pruning: Annotated[str | None, typer.Option(help="none, median or asha.")] = None,
    trials: Annotated[int | None, typer.Option(help="At most so many trials.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Of training, all together.")] = None,
    seeds: Annotated[int | None, typer.Option(help="With which the best is trained.")] = None,
    as_json: Json = False,
) -> None:
    """Search the best configuration by validation. Ctrl-C stops; the id lets it go on."""
    options = {"method": method, "pruning": pruning, "trials": trials}
    options |= {"minutes": minutes, "seeds": seeds}
    chosen = {name: value for name, value in options.items() if value is not None}
    if search:
        config = recipe_of(what, None, None, settings or [])
        sweep_id = _start(dl.make_search(what, dataset, search, config, **chosen))
    elif what.startswith("sweep-") and not Path(what).exists():
        dl.resume_sweep(what)
        sweep_id = what
    else:
        sweep_id = _start(dl.read_search(what, **chosen))
    _show(dl.wait_for_sweep(sweep_id), as_json)


def _start(search: Any) -> str:
    sweep_id = dl.start_sweep(search)
    print(f"{sweep_id}: {search.name}", file=sys.stderr, flush=True)
    return sweep_id


def _show(result: dl.SweepResult, as_json: bool) -> None:
    from digitlab.sweeps.sweep import STOPPED

    if as_json:
        show(result.to_dict() | {"retrained": [run_row(run) for run in result.retrained]}, True)
    else:
        _show_tables(result)
    again = f"Go on with `python -m digitlab sweep {result.id}`."
    if result.phase == "stopped" and result.message == STOPPED:
        print(f"Stopped. {again}", file=sys.stderr)
        raise typer.Exit(130)
    if result.phase == "stopped":
        raise RunError(f"{result.message} {again}")


def _show_tables(result: dl.SweepResult) -> None:
    names = [dimension.name for dimension in result.search.dimensions]
    rows = [
        {
            "trial": trial.number,
            "run_id": trial.run_id,
            **{name: in_short(trial.values.get(name, "–")) for name in names},
            "validation": result.in_words(trial.score),
            "status": trial.status,
        }
        for trial in result.trials
    ]
    if not rows:
        raise ConfigError("No trial has begun.")
    show(rows, False)
    for trial in result.trials:
        if trial.pruned:
            print(f"trial {trial.number}: {trial.pruned}")
    if result.importance:
        shares = ", ".join(f"{name} {percent(v, 0)}" for name, v in result.importance.items())
        print(f"importance: {shares}")
    if result.best:
        print(f"best by validation: {result.in_words(result.best.score)}, {result.best.words}")
    if result.test:
        seeds = counted(len(result.retrained), "other seed")
        print(f"test, {seeds}: {result.test_in_words}")
