"""Wrong keys and codes that were typed just now, and whose they were."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

from digitlab import files, owners

MOST_TRIES = 1_000  # of all visitors, that a file remembers


def list_tries(path: Path, seconds: float) -> list[str]:
    """Who typed something wrong in the last `seconds`, once for each time."""
    return [owner for when, owner in _read(path) if time.time() - when < seconds]


def note_try(path: Path) -> None:
    """Remember that whoever acts typed something wrong; to be called while `changing` lasts."""
    newest = [*_read(path), (time.time(), str(owners.new_owner()))][-MOST_TRIES:]
    files.write_atomically(path, json.dumps(newest), durable=False)


def _read(path: Path) -> list[tuple[float, str]]:
    with suppress(OSError, ValueError):
        return [(when, owner) for when, owner in json.loads(path.read_text(encoding="ascii"))]
    return []
