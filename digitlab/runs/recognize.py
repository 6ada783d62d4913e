"""`recognize`: where a run and a drawing meet."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import RunError
from digitlab.runs import artifacts
from digitlab.runs.run import Run, list_bundled, open_run

if TYPE_CHECKING:
    from digitlab.drawing.recognition import Recognition


def recognize(source: Any, run: Run | str | None = None) -> Recognition:
    """Read a drawing: an RGBA, RGB or grey array, a PIL image or an image file's path.

    `run` is a Run or an id; without one, the recogniser that comes with digitlab reads. Raises
    DrawingError where the source cannot be read as a drawing (EmptyDrawingError: nothing on it)
    and RunError where the run cannot read digits.
    """
    from digitlab.drawing.recognition import recognize_drawing

    reader = run if isinstance(run, Run) else _loaded(run)
    return recognize_drawing(source, reader.predict)


def _loaded(run_id: str | None) -> Run:
    """The run as it stands now, its network kept from one drawing to the next."""
    run = default_reader() if run_id is None else open_run(run_id)
    weights = run.folder / artifacts.WEIGHTS
    return _keep(weights, weights.stat().st_mtime_ns, run.id) if weights.is_file() else run


@lru_cache(maxsize=4)
def _keep(weights: Path, changed: int, run_id: str) -> Run:
    return open_run(run_id)


def default_reader() -> Run:
    """The bundled run that reads drawings where none is chosen."""
    bundled = list_bundled()
    if not bundled:
        raise RunError("No bundled run is installed. Train a run and name it: run='latest'.")
    return max(bundled, key=lambda run: run.record.test_accuracy or 0)
