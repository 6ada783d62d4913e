"""`recognize` and `read_form`: a drawing, or the boxes of a photographed form, read by a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.drawing.form import read_cells
from digitlab.drawing.grid import Grid, find_grid
from digitlab.drawing.recognition import recognize_drawing
from digitlab.drawing.sheet import find_sheet
from digitlab.drawing.source import read_pixels
from digitlab.drawing.stages import DEFAULT
from digitlab.errors import DrawingError, RunError
from digitlab.evaluation.softmax import softmax
from digitlab.runs import run_folder
from digitlab.runs.abstention import find_abstention
from digitlab.runs.graph import find_graph, read_graph
from digitlab.runs.run import Run, list_bundled, open_run

if TYPE_CHECKING:
    from digitlab.drawing.form import Form
    from digitlab.drawing.recognition import Recognition
    from digitlab.drawing.segmentation import Predictor
    from digitlab.drawing.stages import Framing

READER = "reader"  # the bundled run that is trained for drawings


def recognize(
    source: Any,
    run: Run | str | None = None,
    *,
    strokes: Sequence[Any] | None = None,
    framing: Framing | None = None,
    keep_ruling: bool = False,
) -> Recognition:
    """Read a drawing: an RGBA, RGB or grey array, a PIL image or an image file's path.

    `run` is a Run or an id; without one, the recogniser that comes with digitlab reads. `strokes`
    are those that drew it, arrays `[n, 2]` of x, y in the drawing's pixels, where they are known:
    digits that touch are told apart by them. `framing` turns steps of MNIST's framing off or on.
    What is printed or ruled on a photo (lines, frames, boxes, circles, underlines) is left out, or
    kept with `keep_ruling`; `Recognition.ruling` shows it. A drawing on a transparent canvas, or
    one whose strokes are known, loses nothing.

    What does not look like one digit is declined: its `Digit.declined` says why, and the text has
    '?' in its place. Raises DrawingError where the source cannot be read as a drawing
    (EmptyDrawingError: nothing on it) and RunError where the run cannot read digits.
    """
    reader = run if isinstance(run, Run) else _loaded(run)
    return recognize_drawing(
        source,
        find_predictor(reader),
        strokes=strokes,
        framing=framing or DEFAULT,
        keep_ruling=keep_ruling,
        abstention=find_abstention(reader),
    )


def read_form(photo: Any, run: Run | str | None = None) -> Form:
    """Read a photo of boxes: a sudoku, a form, or the sheet that digitlab prints.

    `photo` is anything that `recognize` reads, or a `Grid` that was found in it; `run` as there.
    The photo is straightened, and each box that is not empty is read by itself. The app's own
    sheet may lie on its side; its cells know their labels. Raises DrawingError where the photo
    cannot be read or has no boxes in rows.
    """
    grid = photo if isinstance(photo, Grid) else find_grid(read_pixels(photo))
    if grid is None:
        raise DrawingError(
            "No boxes in rows were found in the photo: take it from above, with all lines of the "
            "grid in it, sharp and larger; or read it as a drawing."
        )
    reader = run if isinstance(run, Run) else _loaded(run)
    read = partial(
        recognize_drawing,
        predictor=find_predictor(reader),
        abstention=find_abstention(reader),
        keep_ruling=True,  # of which a cell's ink has none
    )
    sheet = find_sheet(grid)
    return read_cells(sheet or grid, read, is_sheet=sheet is not None)


def find_predictor(run: Run) -> Predictor:
    """The run's probabilities as a predictor; they sum to less than 1 for what may be no digit.

    The run's graph answers where it has one, without torch.
    """
    graph = find_graph(run)
    if graph is None and not tells_no_digit(run):
        return run.predict
    find_logits = read_graph(graph) if graph else _logits_of(run)

    def predict(images: np.ndarray) -> np.ndarray:
        logits = find_logits(images)
        if run.record.data.no_digit == "logit 0":
            return softmax(np.concatenate([logits, np.zeros((len(logits), 1))], 1))[:, :-1]
        if run.config.loss == "binary":  # divided by the sum only where that is more than 1
            sigmoids = np.exp(logits)
            return sigmoids / np.maximum(sigmoids.sum(1, keepdims=True), 1)
        return softmax(logits)

    return predict


def _logits_of(run: Run) -> Callable[[np.ndarray], np.ndarray]:
    def find_logits(images: np.ndarray) -> np.ndarray:
        return np.asarray(run.predict_logits(images))

    return find_logits


def find_calibrated_predictor(run: Run) -> Predictor:
    """The run's probabilities as `recognize` tells them: those of `find_predictor`, calibrated."""
    predict, abstention = find_predictor(run), find_abstention(run)
    return lambda images: abstention.calibrate(np.asarray(predict(images)))


def tells_no_digit(run: Run) -> bool:
    """Whether the run's probabilities can sum to less than 1: the rest is that of no digit."""
    return run.record.data.no_digit == "logit 0" or run.config.loss == "binary"


def _loaded(run_id: str | None) -> Run:
    """The run with its present weights; its network is cached from one drawing to the next."""
    run = default_reader() if run_id is None else open_run(run_id)
    weights = run.folder / run_folder.WEIGHTS
    return _keep(weights, weights.stat().st_mtime_ns, run.id) if weights.is_file() else run


@lru_cache(maxsize=4)
def _keep(weights: Path, changed: int, run_id: str) -> Run:
    return open_run(run_id)


def default_reader() -> Run:
    """The bundled run that reads drawings where none is chosen."""
    bundled = list_bundled()
    if not bundled:
        raise RunError("No bundled run is installed. Train a run and name it: run='latest'.")
    trained = [run for run in bundled if run.id == READER]
    return trained[0] if trained else max(bundled, key=lambda run: run.record.test_accuracy or 0)
