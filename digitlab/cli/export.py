"""Commands that export a run, import one, and join runs into an ensemble."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import digitlab as dl
from digitlab.cli.app import Json, app
from digitlab.cli.own_code import own_model
from digitlab.cli.table import show, show_run
from digitlab.errors import ExportError
from digitlab.exports.formats import FORMATS, needs_run
from digitlab.words import percent

if TYPE_CHECKING:
    from digitlab.imports.import_network import Trial

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
    file: Annotated[
        Path,
        typer.Argument(
            help="The ZIP of a run that another digitlab wrote, or a network that was trained "
            "elsewhere: .onnx, .keras, .h5, .pt, .pth, .safetensors."
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            help="What a state dict is of: a preset, a .yaml or .py file; FILE.py:NAME is run."
        ),
    ] = "",
    dataset: Annotated[str, typer.Option(help="The dataset that it reads.")] = "mnist",
    normalization: Annotated[
        str, typer.Option(help="none, mnist, half, 255, or MEAN,DEVIATION; else tried.")
    ] = "",
    inverted: Annotated[
        bool | None, typer.Option(help="It reads dark ink on white; else tried.")
    ] = None,
    transposed: Annotated[
        bool | None, typer.Option(help="Its rows and columns are swapped; else tried.")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Import what fits, though not all does.")
    ] = False,
    name: Annotated[str, typer.Option(help="A name for the run.")] = "",
    as_json: Json = False,
) -> None:
    """Add a run from its ZIP or a trained network, after checking all that is in the file."""
    from digitlab.imports.archive import holds_run

    if holds_run(file):
        show_run(dl.import_run(file), as_json)
        return
    run = dl.import_network(
        file,
        own_model(model) if model else None,
        dataset,
        normalization=normalization or None,
        inverted=inverted,
        transposed=transposed,
        partial=partial,
        name=name,
        on_trials=_tell,
    )
    show_run(run, as_json)


def _tell(trials: list[Trial]) -> None:
    from digitlab.imports.import_network import explain_choice

    print(f"Of {trials[0].images:,} training images read right, and the loss:", file=sys.stderr)
    for trial in trials:
        figures = f"{percent(trial.accuracy):>8}  {trial.loss:8.4f}"
        print(f"{figures}  {trial.form.describe()}", file=sys.stderr)
    print(f"Taken: {trials[0].form.describe()}. {explain_choice(trials)}", file=sys.stderr)


@app.command()
def ensemble(
    runs: Annotated[list[str], typer.Argument(help="2 to 20 runs: ids or their beginnings.")],
    how: Annotated[str, typer.Option(help="mean or vote.")] = "mean",
    name: Annotated[str, typer.Option(help="A name for it.")] = "",
    as_json: Json = False,
) -> None:
    """Join runs into one that answers by the mean of their probabilities, or by a vote."""
    show_run(dl.ensemble(runs, how, name=name), as_json)
