"""Commands that list datasets and models."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import digitlab as dl
from digitlab.cli.app import Json, app
from digitlab.cli.own_code import own_model
from digitlab.cli.table import show


@app.command()
def datasets(
    as_json: Json = False,
    download: Annotated[str, typer.Option(help="Download this dataset first.")] = "",
) -> None:
    """List the datasets and which of them are on this machine."""
    from digitlab.data.download import download_dataset
    from digitlab.data.registry import find_dataset, is_available

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
    show(rows, as_json)


def _with_download_bar(download_dataset: Any, name: str) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        download_dataset(name, lambda done, total: bar.update(task, completed=done, total=total))


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
    from digitlab.models.summary import reads_in_words

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
