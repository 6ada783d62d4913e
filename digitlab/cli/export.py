"""Commands that export a run, import one, and join runs into an ensemble."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import digitlab as dl
from digitlab.cli.app import Json, app
from digitlab.cli.table import show, show_run
from digitlab.errors import ExportError
from digitlab.exports.formats import FORMATS, needs_run

_OF_RUNS = [name for name, form in FORMATS.items() if needs_run in form.needs]
_HELP = (
    f"Of a run or an architecture: {', '.join(name for name in FORMATS if name not in _OF_RUNS)}. "
    f"Of a run: {', '.join(_OF_RUNS)}."
)


@app.command()
def export(
    what: Annotated[
        str, typer.Argument(help="A run's id, its beginning, or latest; a preset or .yaml file.")
    ],
    format: Annotated[str, typer.Option(help=_HELP)] = "",
    out: Annotated[
        str, typer.Option(help="The file or folder to write; a file's ending says the format.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Write a run, or an architecture with initial weights, as a file."""
    from digitlab.exports.export import format_of

    chosen = format or format_of(out)
    if not chosen:
        raise ExportError(f"Choose a format with --format: {', '.join(FORMATS)}.")
    path = dl.export(what, chosen, out or None)
    show({"path": str(path), "bytes": path.stat().st_size}, as_json)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The ZIP of a run that another digitlab wrote.")],
    as_json: Json = False,
) -> None:
    """Add a run from its ZIP, after checking all that is in it."""
    show_run(dl.import_run(file), as_json)


@app.command()
def ensemble(
    runs: Annotated[list[str], typer.Argument(help="2 to 20 runs: ids or their beginnings.")],
    how: Annotated[str, typer.Option(help="mean or vote.")] = "mean",
    name: Annotated[str, typer.Option(help="A name for it.")] = "",
    as_json: Json = False,
) -> None:
    """Join runs into one that answers by the mean of their probabilities, or by a vote."""
    show_run(dl.ensemble(runs, how, name=name), as_json)
