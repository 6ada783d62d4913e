"""Changing what people write about a run: name, note, tags; and deleting it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from digitlab import owners, visitors
from digitlab.errors import RunError
from digitlab.runs import run_folder, store
from digitlab.runs.disk import check_disk
from digitlab.runs.find import find_changeable
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
    record = find_changeable(run_id)
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
        _write(record.id)
    return open_run(record.id)


def adopt(owner: str, new_owner: str) -> int:
    """Give all that `owner` made to `new_owner`, such as to whoever signed in; how many runs.

    What has a name that is taken there stays behind. RunError where it is over a share on the disk.
    """
    with owners.acting_for(owner):
        records = [record for record in store.list_records() if record.changeable]
    with owners.acting_for(new_owner):
        folders = [run_folder.run_folder(record.id) for record in records]
        check_disk(sum(map(visitors.bytes_in, [*folders, visitors.root() / owner])))
    with owners.acting_for(None):
        for record in records:
            store.update_run(record.id, owner=new_owner)
            _write(record.id)
    store.move_sweeps(owner, new_owner)
    visitors.move_things(owner, new_owner)
    return len(records)


def _write(run_id: str) -> None:
    """Write a run's record to its folder, where it was written before."""
    if (run_folder.run_folder(run_id) / run_folder.RECORD).is_file():
        run_folder.write_record(store.get_record(run_id))


def _bounded(what: str, text: str, most: int, run_id: str) -> str:
    if len(text) > most:
        raise RunError(
            f"A run's {what} has at most {most:,} characters; this one has {len(text):,}.",
            run_id=run_id,
        )
    return text


def share_run(run_id: str) -> str:
    """The key of a link that shows a run to others, who cannot change it: `?run=ID&key=KEY`.

    It is the same until `unshare_run`. Raises RunError for a bundled run, and for another's.
    """
    record = find_changeable(run_id)
    if record.share is None:
        store.update_run(record.id, share=secrets.token_urlsafe(16))
        _write(record.id)
    return store.get_record(record.id).share


def unshare_run(run_id: str) -> None:
    """Let links to a run show nothing any more; raises as `share_run` does."""
    record = find_changeable(run_id)
    store.update_run(record.id, share=None)
    _write(record.id)


def publish_run(run_id: str) -> None:
    """Make a run everybody's: all may look at it, and only an admin can change it.

    RunError where a visitor asks who is no admin.
    """
    record = find_changeable(run_id)
    if not owners.may_change(None):
        raise RunError("Only an admin publishes runs.", run_id=record.id)
    store.update_run(record.id, owner=None, share=None)
    _write(record.id)


def delete_run(run_id: str) -> None:
    """Delete a run with its files; RunError for one that is active, bundled or another's."""
    record = find_changeable(run_id, "cannot be deleted")
    if record.active:
        raise RunError(f"Run {record.id} is {record.status}: stop it first.", run_id=record.id)
    store.remove_run(record.id)
    run_folder.remove_folder(record.id)
