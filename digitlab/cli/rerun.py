"""Commands that change or rerun runs: pause, resume, longer, repeat, label."""

from __future__ import annotations

from typing import Annotated

import typer

import digitlab as dl
from digitlab.cli.app import Json, app
from digitlab.cli.table import show_run

RunId = Annotated[str, typer.Argument(help="The run's id, its beginning, or latest.")]


@app.command()
def pause(run: RunId, as_json: Json = False) -> None:
    """Pause a running or waiting run; its state is saved."""
    dl.pause(run)
    show_run(dl.open_run(run), as_json)


@app.command()
def resume(run: RunId, as_json: Json = False) -> None:
    """Continue a paused, interrupted, stopped or failed run in the background."""
    dl.resume(run)
    show_run(dl.open_run(run), as_json)


@app.command()
def longer(
    run: RunId,
    epochs: Annotated[int, typer.Option(min=1, help="Number of epochs to add.")],
    as_json: Json = False,
) -> None:
    """Train a finished run for more epochs, from where it ended, in the background."""
    dl.train_longer(run, epochs)
    show_run(dl.open_run(run), as_json)


@app.command()
def repeat(
    run: RunId,
    seed: Annotated[int | None, typer.Option(help="Another seed.")] = None,
    name: Annotated[str, typer.Option(help="A name for the new run.")] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A changed setting, key=value; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Queue a new run like this one, with the given changes."""
    from digitlab.training.config import parse_assignments

    changes = parse_assignments(settings or []) | ({} if seed is None else {"seed": seed})
    show_run(dl.open_run(dl.repeat(run, name=name, **changes)), as_json)


@app.command()
def label(
    run: RunId,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    note: Annotated[str | None, typer.Option(help="A note.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Change a run's name, note or tags."""
    show_run(dl.label_run(run, name=name, note=note, tags=tag), as_json)
