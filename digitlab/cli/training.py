"""Commands that create and manage runs: train, runs, stop, delete."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

import digitlab as dl
from digitlab.cli.app import Json, app
from digitlab.cli.own_code import own_model
from digitlab.cli.table import run_row, show, show_run
from digitlab.errors import ConfigError


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
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL", help="Presets, .yaml files or FILE.py:NAME.")
    ],
    dataset: Annotated[str, typer.Option(help="Name of the dataset.")] = "mnist",
    epochs: Annotated[int | None, typer.Option(help="Short for --set epochs=…")] = None,
    seed: Annotated[int | None, typer.Option(help="Short for --set seed=…")] = None,
    name: Annotated[str, typer.Option(help="A name for the run, or for all.")] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A setting below, key=value; may be repeated. Several values, as in seed=0,1,2, "
            "train every combination.",
        ),
    ] = None,
    keep_weights: Annotated[
        bool, typer.Option(help="Begin with the weights that the module FILE.py:NAME has.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a network with its preset's recipe, or several. Ctrl-C stops; the run is saved."""
    from digitlab.training.config import parse_lists

    lists, single = parse_lists(settings or [])
    recipes = [recipe_of(model, epochs, seed, single) for model in models]
    networks = [own_model(model) for model in models]
    if len(models) == 1 and not lists:
        run = dl.train(networks[0], dataset, recipes[0], name=name, keep_weights=keep_weights)
        show_run(run, as_json)
        return
    if keep_weights:
        raise ConfigError("--keep-weights is for one model and one value of each setting.")
    _train_all(list(zip(networks, recipes, strict=True)), dataset, lists, name, as_json)


def _train_all(
    models: list[tuple[Any, dl.TrainConfig]],
    dataset: str,
    lists: dict[str, list[Any]],
    name: str,
    as_json: bool,
) -> None:
    """Train every combination, one after the other, and list them; Ctrl-C ends it."""
    name = name or " × ".join(["model"] * (len(models) > 1) + [*lists])
    runs = dl.train_sweep(dl.plan_sweep(models, dataset, lists), name)
    rows = [run_row(run) for run in runs]
    if as_json:
        show(rows, True)
        return
    for row, run in zip(rows, runs, strict=True):
        config = run.config.model_dump()
        for key in lists:
            outer, _, inner = key.partition(".")
            row[key] = config[outer][inner] if inner else config[outer]
    columns = ("run_id", "model", *lists, "status", "val_accuracy", "test_accuracy")
    show([{key: row[key] for key in columns} for row in rows], False)


def recipe_of(model: str, epochs: int | None, seed: int | None, texts: list[str]) -> dl.TrainConfig:
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
    rescan: Annotated[
        bool, typer.Option("--rescan", help="First take in runs whose folders are in the home.")
    ] = False,
) -> None:
    """List the runs, the newest first, then the bundled ones."""
    from digitlab.jobs.queue import reconcile

    if rescan:
        from digitlab.runs.database import rescan as take_in

        for run_id, reason in take_in().items():
            typer.echo(f"{run_id} could not be taken in: {reason}", err=True)
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
