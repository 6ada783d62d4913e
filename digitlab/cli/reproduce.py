"""The command that trains presets and compares them with published results: reproduce."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

import digitlab as dl
from digitlab.cli.app import Json, app
from digitlab.cli.table import show
from digitlab.errors import ConfigError


@app.command()
def reproduce(
    names: Annotated[list[str] | None, typer.Argument(help="Presets; see `models`.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All presets: hours on a CPU.")] = False,
    seeds: Annotated[int, typer.Option(help="Number of runs of each, with seeds 0, 1, …")] = 1,
    dataset: Annotated[str, typer.Option(help="Name of the dataset.")] = "mnist",
    again: Annotated[
        bool, typer.Option("--again", help="Train again what has been trained.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    as_json: Json = False,
) -> None:
    """Train presets by their recipes and compare the results with the published figures.

    Runs that have finished are not trained again: after Ctrl-C, the same command continues.
    """
    if bool(names) == every:
        raise ConfigError("Name the presets to reproduce, or say --all.")
    rows: list[Any] = []
    try:
        work = dl.reproduce(
            names or None, dataset, seeds=seeds, again=again, on_start=_say_what_starts
        )
        for row in work:
            rows.append(row)
            _say(f"{row.preset}: {row.problem or 'done'}")
    finally:
        if rows:
            _print(rows, markdown, as_json)


def _say_what_starts(preset: dl.Preset, seed: int) -> None:
    _say(f"{preset.name}, seed {seed}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _print(rows: list[Any], markdown: bool, as_json: bool) -> None:
    from digitlab.execution.reproduce import FIGURES, markdown_table, published_and_ours

    if as_json:
        show([row.to_dict() for row in rows], True)
    elif markdown:
        print(markdown_table(rows), end="")
    else:
        print("published → ours in percent, mean ± sd over the seeds\n")
        show(
            [
                {
                    "preset": row.preset,
                    "parameters": row.parameters,
                    **{name: published_and_ours(row, name) for name in FIGURES},
                    "seconds": row.mean("seconds"),
                    "seeds": len(row.attempts),
                }
                for row in rows
            ],
            False,
        )
