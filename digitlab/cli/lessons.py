"""The command that lists lessons, shows one, and checks its goals."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import digitlab as dl
from digitlab.cli.app import Json, app
from digitlab.cli.table import show


@app.command()
def lessons(
    name: Annotated[str, typer.Argument(help="A lesson, whose goals are checked.")] = "",
    as_json: Json = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the lesson instead: a .ipynb or, to print, an .html. Without a lesson, "
            "what you reached in all of them: an .html."
        ),
    ] = None,
) -> None:
    """List the lessons, or check the goals of one on your own runs and drawings."""
    if out is not None:
        dl.write_lesson(name, out) if name else dl.write_progress(out)
        print(f"Wrote {out}", file=sys.stderr)
        return
    if not name:
        from digitlab.lessons.catalog import list_damaged

        for reason in list_damaged():
            print(f"note: {reason}", file=sys.stderr)
    show(_check(name) if name else [_row(lesson) for lesson in dl.list_lessons()], as_json)


def _row(lesson: dl.Lesson) -> dict[str, Any]:
    return {
        "lesson": lesson.id,
        "title": lesson.title,
        "minutes": lesson.minutes,
        "goals": len(lesson.goals),
        "needs": ", ".join(lesson.needs),
    }


def _check(name: str) -> list[dict[str, Any]]:
    lesson = dl.find_lesson(name)
    return [
        {"goal": goal.says, "reached": outcome.reached, "because": outcome.sentence}
        for goal, outcome in zip(lesson.goals, dl.check_lesson(name), strict=True)
    ]
