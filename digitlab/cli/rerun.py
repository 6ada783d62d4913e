"""Commands for runs that were left: pause, resume, longer, repeat, label."""

from __future__ import annotations

from typing import Annotated

import typer

import digitlab as dl
from digitlab.cli.app import Json, app
from digitlab.cli.table import show_run

RunId = Annotated[str, typer.Argument(help="The run's id, its beginning, or latest.")]


@app.command()
def pause(run: RunId, as_json: Json = False) -> None:
    """Let a running or waiting run save its state and leave."""
    dl.pause(run)
    show_run(dl.open_run(run), as_json)


@app.command()
def resume(run: RunId, as_json: Json = False) -> None:
    """Go on with a paused, interrupted, stopped or failed run, in the background."""
    dl.resume(run)
    show_run(dl.open_run(run), as_json)


@app.command()
def longer(
    run: RunId,
    epochs: Annotated[int, typer.Option(min=1, help="So many more.")],
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
    """Queue a new run like this one but for what is changed."""
    from digitlab.training.config import parse_assignments

    changes = parse_assignments(settings or []) | ({} if seed is None else {"seed": seed})
    show_run(dl.open_run(dl.repeat(run, name=name, **changes)), as_json)


@app.command()
def label(
    run: RunId,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    note: Annotated[str | None, typer.Option(help="A note beside it.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Name a run, or write a note and tags beside it."""
    show_run(dl.label_run(run, name=name, note=note, tags=tag), as_json)
