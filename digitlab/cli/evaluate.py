"""Commands that use a trained run: evaluate, recognize."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import digitlab as dl
from digitlab.cli.app import Json, app
from digitlab.cli.table import show
from digitlab.words import interval, percent


@app.command()
def evaluate(
    run: Annotated[str, typer.Argument(help="The run's id, its beginning, or latest.")],
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    as_json: Json = False,
) -> None:
    """Accuracy, loss, confusion matrix and per-class figures of a run; an autoencoder's error."""
    opened = dl.open_run(run)
    if opened.task == "reconstruct":
        _show_reconstruction(opened, split, as_json)
        return
    result = opened.evaluate(split)
    if as_json:
        show({"run_id": opened.id, "split": split, **result.to_dict()}, True)
        return
    within = interval(result.accuracy_interval)
    print(f"{opened.id} on {split}: accuracy {percent(result.accuracy)} ({within})")
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
    as_json: Json = False,
) -> None:
    """Read the digit drawn on an image."""
    read = dl.recognize(image, run or None)
    if as_json:
        show(read.to_dict(), True)
        return
    print(read.text)
    for digit in read.digits:
        print(f"{digit.label}: {percent(max(digit.probabilities), 1)}")
