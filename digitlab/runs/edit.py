"""Changing what people write about a run: name, note, tags; and deleting it."""

from __future__ import annotations

from collections.abc import Sequence

from digitlab.errors import RunError
from digitlab.runs import run_folder, store
from digitlab.runs.run import Run, open_run

NAME = 120  # characters at most
NOTE = 5_000
TAGS = 20
TAG = 40


def label_run(
    run_id: str,
    *,
    name: str | None = None,
    note: str | None = None,
    tags: Sequence[str] | None = None,
) -> Run:
    """Change a run's name, note or tags; what is None stays. Returns the run as it is now.

    Raises RunError for a bundled run, an empty name, and what is too long.
    """
    record = open_run(run_id).record
    if record.bundled:
        raise RunError(
            f"Run {record.id} comes with digitlab and cannot be changed.", run_id=record.id
        )
    values: dict[str, object] = {}
    if name is not None:
        values["name"] = _bounded("name", name.strip(), NAME, record.id)
        if not values["name"]:
            raise RunError("A run's name needs at least one character.", run_id=record.id)
    if note is not None:
        values["note"] = _bounded("note", note.strip(), NOTE, record.id)
    if tags is not None:
        clean = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
        if len(clean) > TAGS:
            raise RunError(
                f"A run has at most {TAGS} tags; {len(clean)} were given.", run_id=record.id
            )
        values["tags"] = [_bounded("tag", tag, TAG, record.id) for tag in clean]
    if values:
        store.update_run(record.id, **values)
    return open_run(record.id)


def _bounded(what: str, text: str, most: int, run_id: str) -> str:
    if len(text) > most:
        raise RunError(
            f"A run's {what} has at most {most:,} characters; this one has {len(text):,}.",
            run_id=run_id,
        )
    return text


def delete_run(run_id: str) -> None:
    """Delete a run with its files; RunError for one that is active or bundled."""
    record = open_run(run_id).record
    if record.bundled:
        raise RunError(
            f"Run {record.id} comes with digitlab and cannot be deleted.", run_id=record.id
        )
    if record.active:
        raise RunError(f"Run {record.id} is {record.status}: stop it first.", run_id=record.id)
    store.remove_run(record.id)
    run_folder.remove_folder(record.id)
