"""How far the measurements of robustness are that go on in this home."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import NamedTuple

from digitlab import files
from digitlab.settings import read_settings

PROGRESS = "robustness.progress.json"
LOCK = "robustness.lock"
STARTING_SECONDS = 60.0  # which a process may take to import torch on a busy machine


class Progress(NamedTuple):
    """The progress of a measurement: `done` of `total` steps, `what` it does; or why it failed."""

    done: int
    total: int
    what: str
    failed: str = ""


def read_progress_in(folder: Path) -> Progress | None:
    """The progress of the measurement whose files are in a folder; None without one."""
    path = folder / PROGRESS
    try:
        written = path.stat().st_mtime
        progress = Progress(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    if progress.failed:
        return progress
    young = progress.done == 0 and abs(time.time() - written) < STARTING_SECONDS
    if files.is_locked(folder / LOCK) or young:
        return progress
    return progress._replace(failed="Its process ended unexpectedly. Start it again.")


def list_measured() -> list[str]:
    """The ids of the runs that are measured now, or wait for their turn to be."""
    roots = (read_settings().runs, read_settings().home / "beside")
    folders = [path.parent for root in roots for path in root.glob(f"*/{PROGRESS}")]
    progress = {folder.name: read_progress_in(folder) for folder in folders}
    return [run_id for run_id, state in progress.items() if state and not state.failed]
