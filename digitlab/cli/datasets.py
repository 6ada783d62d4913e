"""The command that lists datasets, and adds, renames, removes and exports those of one's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import digitlab as dl
from digitlab.cli.app import Json, app
from digitlab.cli.table import show
from digitlab.errors import DatasetError, UnclearFileError


def _of_add(help: str) -> Any:
    return typer.Option(help=f"Of --add: {help}")


LabelColumn = Annotated[str | None, _of_add("where the labels are, a name or a position.")]
FirstLabel = Annotated[int | None, _of_add("the number of the first class.")]
Classes = Annotated[str, _of_add("the names of the classes, separated by commas.")]
Orientation = Annotated[str | None, _of_add("as it is, transposed, mirrored, upside down, …")]
Framing = Annotated[str | None, _of_add("of photos: digit (found and framed) or whole.")]
Size = Annotated[str | None, _of_add("8 to 128 pixels a side, or 'as it is' (28 by default).")]
Colour = Annotated[bool, _of_add("keep red, green and blue.")]
TestFraction = Annotated[float, _of_add("the test part, where the file has none.")]
DrawTest = Annotated[bool, _of_add("draw the test part although the file has one.")]
Seed = Annotated[int, _of_add("by which the test part is drawn.")]
Paper = Annotated[
    str | None, _of_add("light, dark or as it is. Of --sheet: a4 or letter (a4 by default).")
]


Add = Annotated[
    Path | None,
    typer.Option(help="Add this file or folder of labelled images, in any form, as --name."),
]
Sheet = Annotated[
    str, typer.Option(help="Instead, write the sheet for collecting digits: a .pdf or .png.")
]


@app.command()
def datasets(
    as_json: Json = False,
    download: Annotated[str, typer.Option(help="Download this dataset first.")] = "",
    add: Add = None,
    rename: Annotated[str, typer.Option(help="Rename this dataset of your own to --name.")] = "",
    remove: Annotated[str, typer.Option(help="Delete this dataset of your own.")] = "",
    export: Annotated[str, typer.Option(help="Write this dataset to --out.")] = "",
    name: Annotated[str, typer.Option(help="The new name, for --add and --rename.")] = "",
    out: Annotated[Path | None, typer.Option(help="Of --export: the .npz or .zip.")] = None,
    label_column: LabelColumn = None,
    first_label: FirstLabel = None,
    classes: Classes = "",
    paper: Paper = None,
    orientation: Orientation = None,
    framing: Framing = None,
    size: Size = None,
    colour: Colour = False,
    test_fraction: TestFraction = 0.2,
    seed: Seed = 0,
    draw_test: DrawTest = False,
    sheet: Sheet = "",
) -> None:
    """List the datasets and which of them are on this machine; add and change your own."""
    if sheet:
        from digitlab.drawing.sheet import write_sheet

        show({"path": str(write_sheet(sheet, paper or "a4"))}, as_json)
    elif add is not None:
        reading = {
            "label_column": label_column,
            "first_label": first_label,
            "classes": tuple(part.strip() for part in classes.split(",")) if classes else None,
            "paper": paper,
            "orientation": orientation,
            "framing": framing,
            "size": int(size) if size and size.isdecimal() else size,
            "colour": colour or None,
        }
        _add(
            name or add.stem,
            add,
            as_json,
            test_fraction=test_fraction,
            seed=seed,
            draw_test=draw_test,
            **reading,
        )
    elif rename or remove or export:
        _change(rename, remove, export, name, out, as_json)
    else:
        _list(download, as_json)


def _add(name: str, path: Path, as_json: bool, **options: Any) -> None:
    from digitlab.data.own import read_facts

    try:
        info = dl.add_dataset(name, path, **options)
    except UnclearFileError as e:
        raise DatasetError(f"{e} {tell_option(e)}", name=name) from e
    facts = read_facts(info.name)
    for note in facts.notes:
        print(note, file=sys.stderr)
    if as_json:
        show({"name": info.name, **facts.model_dump(mode="json")}, True)
        return
    show([_row(info)], False)
    print(f"\n{facts.split}\nTrain on it with --dataset {info.name}.")


def tell_option(error: UnclearFileError) -> str:
    """The option that answers what a file leaves open, and its choices."""
    option = "--" + error.argument.replace("_", "-")
    choices = f": {', '.join(error.choices)}" if error.choices else ""
    return f"Here {option} answers it{choices}."


def _change(
    rename: str, remove: str, export: str, name: str, out: Path | None, as_json: bool
) -> None:
    if export:
        if out is None:
            raise DatasetError("Choose the file to write: --out digits.npz, or .zip.", name=export)
        path = dl.export_dataset(export, out)
        show({"path": str(path), "bytes": path.stat().st_size}, as_json)
        return
    if rename and not name:
        raise DatasetError(f"What is {rename} to be called? Give the new name with --name.")
    from digitlab.runs.run import list_runs_on

    runs = [run.id for run in list_runs_on(rename or remove)]
    if rename:
        info = dl.rename_dataset(rename, name)
        show({"name": info.name, "former_name": rename, "runs": runs}, as_json)
        return
    dl.delete_dataset(remove)
    if runs:
        print(
            f"{len(runs)} of your runs were made with {remove}: their results stay, but they are "
            "not measured, resumed or repeated without it.",
            file=sys.stderr,
        )
    show({"removed": remove, "runs": runs}, as_json)


def _row(info: dl.DatasetInfo) -> dict[str, Any]:
    from digitlab.data.registry import is_available

    return {
        "name": info.name,
        "title": info.title,
        "train_images": info.train_size,
        "test_images": info.test_size,
        "classes": len(info.classes),
        "available": is_available(info.name),
        "own": info.own,
        "download_bytes": info.download_bytes,
    }


def _list(download: str, as_json: bool) -> None:
    from digitlab.data.download import download_dataset
    from digitlab.data.own import list_damaged
    from digitlab.data.registry import find_dataset

    if download:
        _with_download_bar(download_dataset, find_dataset(download).name)
    for damaged in list_damaged():
        print(f"{damaged} is damaged: --remove {damaged} deletes it.", file=sys.stderr)
    show([_row(info) for info in dl.list_datasets()], as_json)


def _with_download_bar(download_dataset: Any, name: str) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        download_dataset(name, lambda done, total: bar.update(task, completed=done, total=total))
