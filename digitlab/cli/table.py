"""What commands print: a table for people, or one JSON document with --json."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import digitlab as dl
from digitlab.files import finite
from digitlab.words import duration, percent


def run_row(run: dl.Run) -> dict[str, Any]:
    record = run.record
    fields = ("name", "model", "dataset", "status", "parameters", "seed", "epochs", "epochs_done")
    figures = ("val_accuracy", "val_loss", "test_accuracy", "test_loss", "train_seconds")
    return {
        "run_id": record.id,
        **{field: getattr(record, field) for field in fields + figures},
        "claimed": record.claimed,
        "best_epoch": record.best_epoch,
        "created": record.created,
        "message": record.message,
        "note": record.note,
        "tags": record.tags,
        "notices": record.notices,
        "parent": record.parent,
    }


def show_run(run: dl.Run, as_json: bool) -> None:
    row = run_row(run)
    if as_json:
        show(row, True)
        return
    shown = {key: ", ".join(map(str, v)) if isinstance(v, list) else v for key, v in row.items()}
    shown["created"] = (
        datetime.fromtimestamp(row["created"]).astimezone().strftime("%Y-%m-%d %H:%M")
    )
    shown["train_seconds"] = duration(row["train_seconds"])
    for key in ("val_accuracy", "test_accuracy"):
        shown[key] = percent(row[key])
    shown["notices"] = " ".join(row["notices"])
    words = {key.replace("_", " "): "–" if v in ("", None) else v for key, v in shown.items()}
    show([{"field": key, "value": value} for key, value in words.items()], False)


def show(value: Mapping[str, Any] | Sequence[Mapping[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(finite(value)))
        return
    from rich.console import Console
    from rich.table import Table

    rows = [value] if isinstance(value, Mapping) else value
    table = Table(box=None, pad_edge=False)
    for key in rows[0] if rows else ():
        numeric = all(isinstance(row[key], int | float | None) for row in rows)
        title = key if "." in key else key.replace("_", " ")  # of a layer: what one writes
        table.add_column(title, justify="right" if numeric else "left")
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
