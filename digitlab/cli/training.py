"""Commands that create and manage runs: train, runs, stop, delete."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

import digitlab as dl
from digitlab.cli.app import Json, app
from digitlab.cli.own_code import own_model
from digitlab.cli.table import run_row, show, show_run


class _ListsSettings(TyperCommand):
    """A command whose help lists all settings, which it reads from TrainConfig when asked."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        from digitlab.training.config import Augmentation, TrainConfig, summary

        rows = []
        for name, field in TrainConfig.model_fields.items():
            if field.annotation is not Augmentation:
                rows.append((name, f"{summary(field)}  [default: {field.default}]"))
                continue
            inner = Augmentation.model_fields.items()
            rows += [(f"{name}.{inside}", summary(field)) for inside, field in inner]
        with formatter.section("Settings, for --set"):
            formatter.write_dl(rows)


@app.command(cls=_ListsSettings)
def train(
    model: Annotated[str, typer.Argument(help="A preset, a .yaml file or FILE.py:NAME.")],
    dataset: Annotated[str, typer.Option(help="Name of the dataset.")] = "mnist",
    epochs: Annotated[int | None, typer.Option(help="Short for --set epochs=…")] = None,
    seed: Annotated[int | None, typer.Option(help="Short for --set seed=…")] = None,
    name: Annotated[str, typer.Option(help="A name for the run.")] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting below, key=value; may be repeated."),
    ] = None,
    keep_weights: Annotated[
        bool, typer.Option(help="Begin with the weights that the module FILE.py:NAME has.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a network with its preset's recipe. Ctrl-C stops; the run is saved."""
    config = _recipe(model, epochs, seed, settings or [])
    run = dl.train(own_model(model), dataset, config, name=name, keep_weights=keep_weights)
    show_run(run, as_json)


def _recipe(model: str, epochs: int | None, seed: int | None, texts: list[str]) -> dl.TrainConfig:
    """The preset's recipe where the model is one, changed by what the command says."""
    from digitlab.models.load import known_recipe
    from digitlab.training.config import parse_assignments

    flags = {"epochs": epochs, "seed": seed}
    changes = {key: value for key, value in flags.items() if value is not None}
    return dl.TrainConfig.from_dict({**known_recipe(model), **parse_assignments(texts), **changes})


@app.command()
def runs(
    as_json: Json = False,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, the newest first.")] = 50,
) -> None:
    """List the runs, the newest first, then the bundled ones."""
    from digitlab.jobs.queue import reconcile

    reconcile()
    rows = [run_row(run) for run in dl.list_runs(limit=limit)[:limit]]
    if as_json:
        show(rows, True)
        return
    columns = ("run_id", "model", "dataset", "status", "epochs", "val_accuracy", "test_accuracy")
    show([{key: row[key] for key in columns} for row in rows], False)


@app.command()
def stop(run: Annotated[str, typer.Argument(help="The run's id.")], as_json: Json = False) -> None:
    """Stop a waiting or running run; its weights are saved."""
    from digitlab.jobs.queue import stop as stop_run

    stop_run(run)
    show_run(dl.open_run(run), as_json)


@app.command()
def delete(
    run: Annotated[str, typer.Argument(help="The run's id.")], as_json: Json = False
) -> None:
    """Delete a run that has ended, with its files."""
    from digitlab.jobs.queue import mark_interrupted

    mark_interrupted()  # a run whose process died can be deleted
    run_id = dl.open_run(run).id
    dl.delete_run(run_id)
    show({"deleted": run_id}, as_json)
