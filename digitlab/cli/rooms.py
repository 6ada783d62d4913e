"""The command that opens rooms, lists them, shows a room's learners, pauses and ends it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import digitlab as dl
from digitlab.cli.app import Json, app
from digitlab.cli.table import show
from digitlab.words import ago


@app.command()
def rooms(
    code: Annotated[str, typer.Argument(help="A room, whose learners are shown.")] = "",
    as_json: Json = False,
    title: Annotated[
        str | None, typer.Option("--open", metavar="TITLE", help="Open a room; prints its key.")
    ] = None,
    pause: Annotated[bool, typer.Option(help="Pause the training of the room's learners.")] = False,
    resume: Annotated[bool, typer.Option(help="Let their training go on.")] = False,
    clear_names: Annotated[bool, typer.Option(help="Forget the learners' nicknames.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write everything of the room as a ZIP.")] = None,
    end: Annotated[bool, typer.Option(help="Delete the room, after the ZIP is written.")] = False,
) -> None:
    """List the rooms of this server, or show and change one of them."""
    if title is not None:
        room, key = dl.open_room(title)
        show({**_row(room, as_json), "key": key}, as_json)
        return
    if not code:
        if pause or resume or clear_names or out or end:
            raise typer.BadParameter("name the room by its code, such as `rooms BCDF --pause`")
        show([_row(room, as_json) for room in dl.list_rooms()], as_json)
        return
    acts = {dl.pause_room: pause, dl.resume_room: resume, dl.clear_names: clear_names}
    for act in (act for act, is_asked in acts.items() if is_asked):
        act(code)
    learners = [_learner(learner, as_json) for learner in dl.list_learners(code)]
    if out is not None:
        dl.write_room(code, out)
        print(f"Wrote {out}", file=sys.stderr)
    if end:
        dl.end_room(code)
    show(learners, as_json)


def _row(room: Any, as_json: bool) -> dict[str, Any]:
    return {
        "room": room.code,
        "invitation": room.invitation,
        "title": room.title,
        "opened": room.opened if as_json else ago(room.opened),
        "learners": len(room.members),
        "paused": room.paused,
    }


def _learner(learner: Any, as_json: bool) -> dict[str, Any]:
    facts = ("number", "name", "page", "lesson", "runs", "training", "waiting")
    return {
        **{name: getattr(learner, name) for name in facts},
        "goals": sum(learner.reached.values()),
        "seen": learner.seen if as_json else ago(learner.seen),
    }
