"""Where results that are computed from a finished run are cached: robustness card, embedding."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from digitlab import owners
from digitlab.errors import RunError
from digitlab.runs import run_folder
from digitlab.settings import read_settings

if TYPE_CHECKING:
    from digitlab.runs.run import Run


def cache_folder(run: Run) -> Path:
    """The run's folder; of a bundled run, which is read-only, one in the home."""
    return read_settings().home / "beside" / run.id if run.record.bundled else run.folder


def may_keep(run: Run) -> bool:
    """Whether results may be cached now: of a run of one's own, or of a bundled one, in the home.

    Who was sent a link to another's run is not to fill that one's disk.
    """
    return run.record.bundled or run.record.changeable


def check_keeping(run: Run) -> None:
    """RunError unless `may_keep`."""
    if not may_keep(run):
        raise RunError(owners.not_yours(f"Run {run.id}"), run_id=run.id)


def is_cached(run: Run, path: Path) -> bool:
    """Whether `path` was written after the run's present weights."""
    weights = run.folder / run_folder.WEIGHTS
    return path.is_file() and weights.is_file() and path.stat().st_mtime >= weights.stat().st_mtime


def require_weights(run: Run) -> None:
    """RunError unless the run has weights to compute with."""
    if not (run.folder / run_folder.WEIGHTS).is_file():
        raise RunError(
            f"Run {run.id} has no weights any more, so it cannot be evaluated. Train it again.",
            run_id=run.id,
        )
