"""The command line, thin over the public API: `python -m digitlab COMMAND --help`.

Every command takes `--json` for machine output on stdout; progress goes to stderr; a user's
mistake ends with exit status 1 and one clear line.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import digitlab as dl
from digitlab.errors import DigitlabError
from digitlab.runs.artifacts import finite

app = typer.Typer(
    help="A lab for handwritten digits: look, build, train, compare, draw.",
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.callback(invoke_without_command=True)
def without_command(context: typer.Context) -> None:
    """Show the help where no command is given."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def datasets(
    as_json: Json = False,
    download: Annotated[str, typer.Option(help="Download this dataset first.")] = "",
) -> None:
    """List the datasets and which of them are on this machine."""
    from digitlab.data.catalog import find_dataset, is_available
    from digitlab.data.download import download_dataset

    if download:
        _with_download_bar(download_dataset, find_dataset(download).name)
    rows = [
        {
            "name": info.name,
            "title": info.title,
            "train_images": info.train_size,
            "test_images": info.test_size,
            "classes": len(info.classes),
            "available": is_available(info.name),
            "download_bytes": info.download_bytes,
        }
        for info in dl.list_datasets()
    ]
    _print(rows, as_json)


def _with_download_bar(download_dataset: Any, name: str) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        download_dataset(name, lambda done, total: bar.update(task, completed=done, total=total))


@app.command()
def models(
    model: Annotated[str, typer.Argument(help="A preset or a .yaml file to show whole.")] = "",
    as_json: Json = False,
) -> None:
    """List the presets, or show one architecture layer by layer."""
    if not model:
        rows = [
            {
                "name": preset.name,
                "title": preset.title,
                "parameters": dl.summarize(preset.spec).parameters,
                "source": preset.source,
            }
            for preset in dl.list_presets()
        ]
        _print(rows, as_json)
        return
    spec = dl.load_model(model)
    summary = dl.summarize(spec)
    rows = [
        {
            "layer": "  " * row.depth + row.label,
            "arguments": row.arguments,
            "output_shape": "×".join(map(str, row.output_shape)),
            "parameters": row.parameters,
        }
        for row in summary.rows
    ]
    whole = {"name": spec.name, "parameters": summary.parameters, "layers": rows}
    _print(whole if as_json else rows, as_json)


@app.command()
def train(
    model: Annotated[str, typer.Argument(help="A preset's name or a .yaml file.")],
    dataset: Annotated[str, typer.Option(help="Name of the dataset.")] = "mnist",
    epochs: Annotated[int | None, typer.Option(help="Passes over the training set.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.")] = None,
    name: Annotated[str, typer.Option(help="A name for the run.")] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any other setting, key=value; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a network here and now, with its preset's recipe; Ctrl-C stops and keeps the run."""
    config = _recipe(model, epochs, seed, settings or [])
    run = dl.train(model, dataset, config, name=name)
    _print_run(run, as_json)


def _recipe(model: str, epochs: int | None, seed: int | None, texts: list[str]) -> dl.TrainConfig:
    """The preset's recipe where the model is one, changed by what the command says."""
    from digitlab.models.presets import known_recipe
    from digitlab.training.config import parse_assignments

    flags = {"epochs": epochs, "seed": seed}
    given = {key: value for key, value in flags.items() if value is not None}
    return dl.TrainConfig.from_dict({**known_recipe(model), **parse_assignments(texts), **given})


@app.command()
def runs(
    as_json: Json = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many of the newest.")] = 50,
) -> None:
    """List the runs, newest first, then those that come with digitlab."""
    from digitlab.jobs.queue import reconcile

    reconcile()
    found = [_run_row(run) for run in dl.list_runs()[:limit]]
    if as_json:
        _print(found, True)
        return
    shown = ("run_id", "model", "dataset", "status", "epochs", "val_accuracy", "test_accuracy")
    _print([{key: row[key] for key in shown} for row in found], False)


@app.command()
def stop(run: Annotated[str, typer.Argument(help="The run's id.")], as_json: Json = False) -> None:
    """Stop a waiting or running run; what it learnt is kept."""
    from digitlab.jobs.queue import stop as stop_run

    stop_run(run)
    _print_run(dl.open_run(run), as_json)


@app.command()
def delete(
    run: Annotated[str, typer.Argument(help="The run's id.")], as_json: Json = False
) -> None:
    """Delete a run that has ended, with its files."""
    from digitlab.jobs.queue import mark_interrupted

    mark_interrupted()  # a run whose process died can be deleted
    run_id = dl.open_run(run).id
    dl.delete_run(run_id)
    _print({"deleted": run_id}, as_json)


@app.command()
def evaluate(
    run: Annotated[str, typer.Argument(help="The run's id, its beginning, or latest.")],
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    as_json: Json = False,
) -> None:
    """Accuracy, loss, confusion matrix and per-class figures of a run."""
    opened = dl.open_run(run)
    result = opened.evaluate(split)
    if as_json:
        _print({"run_id": opened.id, "split": split, **result.to_dict()}, True)
        return
    low, high = result.accuracy_interval
    print(f"{opened.id} on {split}: accuracy {result.accuracy:.2%} ({low:.2%} to {high:.2%})")
    print(f"loss {result.loss:.4f} nats, {result.n:,} images\n")
    _print(
        [
            {
                "class": row.name,
                "precision": row.precision,
                "recall": row.recall,
                "f1": row.f1,
                "support": row.support,
            }
            for row in result.per_class
        ],
        False,
    )


@app.command()
def recognize(
    image: Annotated[Path, typer.Argument(help="A PNG, JPEG, WebP or BMP file.")],
    run: Annotated[str, typer.Option(help="The run that reads; without it, the bundled one.")] = "",
    as_json: Json = False,
) -> None:
    """Read the digit drawn on an image."""
    read = dl.recognize(image, run or None)
    if as_json:
        _print(read.to_dict(), True)
        return
    print(read.text)
    for digit in read.digits:
        print(f"{digit.label}: {max(digit.probabilities):.1%}")


def _run_row(run: dl.Run) -> dict[str, Any]:
    record = run.record
    fields = ("name", "model", "dataset", "status", "parameters", "seed", "epochs", "epochs_done")
    figures = ("val_accuracy", "val_loss", "test_accuracy", "test_loss", "train_seconds")
    return {
        "run_id": record.id,
        **{field: getattr(record, field) for field in fields + figures},
        "best_epoch": record.best_epoch,
        "created": record.created,
        "message": record.message,
    }


def _print_run(run: dl.Run, as_json: bool) -> None:
    row = _run_row(run)
    _print(
        row if as_json else [{"field": key, "value": value} for key, value in row.items()], as_json
    )


def _print(value: Mapping[str, Any] | Sequence[Mapping[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(finite(value)))
        return
    from rich.console import Console
    from rich.table import Table

    rows = [value] if isinstance(value, Mapping) else value
    table = Table(box=None, pad_edge=False)
    for key in rows[0] if rows else ():
        numeric = all(isinstance(row[key], int | float | None) for row in rows)
        table.add_column(key.replace("_", " "), justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(_cell(item) for item in row.values()))
    # Names come from people: brackets and colons in them are no markup and no emoji.
    width = None if sys.stdout.isatty() else 200
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def _cell(item: Any) -> str:
    if isinstance(item, bool):
        return "yes" if item else "no"
    if isinstance(item, float):
        return f"{item:.4f}"
    return f"{item:,}" if isinstance(item, int) else ("–" if item is None else str(item))


def main(arguments: list[str] | None = None) -> None:
    """Run a command; leaves with status 0, 1 for a user's mistake, 130 after Ctrl-C."""
    try:
        status = app(arguments, prog_name="python -m digitlab", standalone_mode=False)
    except typer.TyperException as e:
        message = getattr(e, "format_message", e.__str__)()
        status = _complain(f"{message.rstrip('.')}. See `python -m digitlab --help`.")
    except DigitlabError as e:
        status = _complain(str(e))
    except (typer.Abort, KeyboardInterrupt):
        print("Interrupted.", file=sys.stderr)
        status = 130
    sys.exit(status if isinstance(status, int) else 0)


def _complain(message: str) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return 1
