"""`recognize`: a drawing read by a run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.analysis.abstention import find_abstention
from digitlab.drawing.recognition import recognize_drawing
from digitlab.drawing.stages import DEFAULT
from digitlab.errors import RunError
from digitlab.runs import run_folder
from digitlab.runs.run import Run, list_bundled, open_run

if TYPE_CHECKING:
    import numpy as np

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
) -> Recognition:
    """Read a drawing: an RGBA, RGB or grey array, a PIL image or an image file's path.

    `run` is a Run or an id; without one, the recogniser that comes with digitlab reads. `strokes`
    are those that drew it, arrays `[n, 2]` of x, y in the drawing's pixels, where they are known:
    digits that touch are told apart by them. `framing` turns steps of MNIST's framing off or on.

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
        abstention=find_abstention(reader),
    )


def find_predictor(run: Run) -> Predictor:
    """The run's probabilities as a predictor; they sum to less than 1 for what may be no digit."""
    if run.record.data.no_digit != "logit 0":
        return _binary_predictor(run) if run.config.loss == "binary" else run.predict

    def predict(images: np.ndarray) -> np.ndarray:
        import torch

        logits = run.predict_logits(torch.from_numpy(images))
        none = torch.zeros(len(logits), 1)
        return torch.cat([logits, none], 1).softmax(1)[:, :-1].numpy()

    return predict


def _binary_predictor(run: Run) -> Predictor:
    """The sigmoids themselves, divided by their sum only where that is more than 1."""

    def predict(images: np.ndarray) -> np.ndarray:
        import torch

        sigmoids = run.predict_logits(torch.from_numpy(images)).exp()
        return (sigmoids / sigmoids.sum(1, keepdim=True).clamp(min=1)).numpy()

    return predict


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
