"""Commands that use a trained run: evaluate, recognize."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import digitlab as dl
from digitlab.cli.app import Json, app
from digitlab.cli.datasets import tell_option
from digitlab.cli.table import show
from digitlab.errors import UnclearFileError, UnlabelledFileError, UploadError
from digitlab.words import interval, percent, probability


@app.command()
def evaluate(
    run: Annotated[str, typer.Argument(help="The run's id, its beginning, or latest.")],
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    file: Annotated[
        Path | None,
        typer.Option(help="Labelled images instead; of those without labels, answers are written."),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Of a --file without labels: the answers, ImageId,Label.")
    ] = Path("submission.csv"),
    label_column: Annotated[
        str | None, typer.Option(help="Of --file: where the labels are, a name or a position.")
    ] = None,
    first_label: Annotated[
        int | None, typer.Option(help="Of --file: the number of the first class.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Accuracy, loss, confusion matrix and per-class figures of a run; an autoencoder's error."""
    opened = dl.open_run(run)
    if file is not None:
        reading = {"label_column": label_column, "first_label": first_label}
        _evaluate_file(opened, file, out, as_json, **reading)
        return
    if opened.task == "reconstruct":
        _show_reconstruction(opened, split, as_json)
        return
    _show(opened, split, opened.evaluate(split), as_json)


def _evaluate_file(run: dl.Run, file: Path, out: Path, as_json: bool, **reading: Any) -> None:
    from digitlab.analysis.read_images import options_for

    try:
        images = dl.read_images(file, **options_for(run), **reading)
    except UnclearFileError as e:
        raise UploadError(f"{e} {tell_option(e)}") from e
    except UnlabelledFileError:
        path = dl.write_submission(run, file, out)
        show({"path": str(path), "bytes": path.stat().st_size}, as_json)
        return
    for note in images.notes:
        print(note, file=sys.stderr)
    _show(run, file.name, run.evaluate("test", images.as_dataset()), as_json)


def _show(run: dl.Run, split: str, result: dl.Evaluation, as_json: bool) -> None:
    if as_json:
        show({"run_id": run.id, "split": split, **result.to_dict()}, True)
        return
    within = interval(result.accuracy_interval)
    print(f"{run.id} on {split}: accuracy {percent(result.accuracy)} ({within})")
    print(f"loss {result.loss:.4f} nats, {result.n:,} images\n")
    show(
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


def _show_reconstruction(run: dl.Run, split: str, as_json: bool) -> None:
    result = run.measure_reconstruction(split)
    if as_json:
        show({"run_id": run.id, "split": split, **result.to_dict()}, True)
        return
    low, high = result.interval
    print(f"{run.id} on {split}: {run.config.loss_title} {result.error:.4f}")
    print(f"95 %: {low:.4f} to {high:.4f}, {result.n:,} images\n")
    show([row._asdict() for row in result.per_class], False)


@app.command()
def recognize(
    image: Annotated[Path, typer.Argument(help="A PNG, JPEG, WebP or BMP file.")],
    run: Annotated[
        str, typer.Option(help="The run that reads it; by default, the bundled one.")
    ] = "",
    form: Annotated[
        bool, typer.Option("--form", help="Read a photo of boxes: a grid, a form, the sheet.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read the digits drawn on an image."""
    if form:
        table = dl.read_form(image, run or None).table
        show(table, True) if as_json else print("\n".join("\t".join(row) for row in table))
        return
    read = dl.recognize(image, run or None)
    if as_json:
        show(read.to_dict(), True)
        return
    print(read.text)
    if read.turned:
        print(f"The image was {read.turned} to be read.", file=sys.stderr)
    for digit in read.digits:
        print(f"{digit.label}: {probability(digit.confidence, short=True)}")
