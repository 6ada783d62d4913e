"""The command that lists models."""

from __future__ import annotations

from typing import Annotated

import typer

import digitlab as dl
from digitlab.cli.app import Json, app
from digitlab.cli.own_code import own_model
from digitlab.cli.table import show
from digitlab.models.summary import reads_in_words


@app.command()
def models(
    model: Annotated[
        str, typer.Argument(help="A preset, a .yaml file or FILE.py:NAME to show.")
    ] = "",
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
        show(rows, as_json)
        return

    spec = dl.load_model(own_model(model))
    summary = dl.summarize(spec)
    sources = reads_in_words(summary.rows)
    is_graph = any(row.name or reads for row, reads in zip(summary.rows, sources, strict=True))
    rows = [
        {
            "layer": "  " * row.depth + row.label,
            **({"name": row.name, "from": reads} if is_graph else {}),
            "arguments": row.arguments,
            "output_shape": "×".join(map(str, row.output_shape)),
            "parameters": row.parameters,
        }
        for row, reads in zip(summary.rows, sources, strict=True)
    ]
    whole = {"name": spec.name, "parameters": summary.parameters, "layers": rows}
    show(whole if as_json else rows, as_json)
