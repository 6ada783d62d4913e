"""When a run declines to answer: thresholds from its record, else from its validation images."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.drawing.abstention import Abstention
from digitlab.errors import DigitlabError
from digitlab.evaluation.calibration import fit_temperature
from digitlab.evaluation.metrics import evaluate_logits
from digitlab.evaluation.softmax import softmax
from digitlab.runs import run_folder

if TYPE_CHECKING:
    from digitlab.runs.run import Run

REFUSED = 0.005  # share of its own validation digits that a run may decline …
MOST, LEAST = 0.9, 0.4  # … and the bounds of the confidence that follows
FEWEST = 100  # validation images below which nothing can be measured


def find_abstention(run: Run) -> Abstention:
    """The thresholds below which a run declines to answer.

    The default reader's thresholds were chosen on drawings of the tuning writers and are stored in
    its record. Any other network has never seen anything but digits: its probabilities are
    calibrated by the temperature that fits its saved validation logits best, and the smallest
    confidence is the one that all but the share REFUSED of its validation digits reach. A run
    without validation images (one fine-tuned on all drawings, for example) uses the thresholds of
    the run whose weights it started from; without such a run, nothing is declined.
    """
    measured = run.record.data.trust
    if measured:
        return Abstention(**measured)
    path = run.folder / run_folder.PREDICTIONS
    if path.is_file():
        fitted = _from_validation(path, path.stat().st_mtime_ns, run.id)
        if fitted:
            return fitted
    return _from_start(run)


def _from_start(run: Run) -> Abstention:
    """The thresholds of the run whose weights this one started from, if it has the same classes."""
    from digitlab.runs.run import open_run

    parent = run.record.data.start_from
    try:
        start = open_run(parent) if parent else None
    except DigitlabError:  # deleted
        return Abstention()
    return find_abstention(start) if start and start.classes == run.classes else Abstention()


@lru_cache(maxsize=32)
def _from_validation(path: Path, changed: int, run_id: str) -> Abstention | None:
    """Thresholds from saved validation logits; None where there are too few."""
    try:
        saved = run_folder.read_arrays(path, run_id)
    except DigitlabError:
        return None
    if "val_logits" not in saved or len(saved["val_labels"]) < FEWEST:
        return None
    logits, labels = saved["val_logits"].astype(np.float32), saved["val_labels"].astype(np.int64)
    names = tuple(str(k) for k in range(logits.shape[1]))
    try:
        temperature = fit_temperature(evaluate_logits(logits, labels, names))
    except DigitlabError:  # logits that are no numbers
        return None
    confidence = softmax(logits / np.float32(temperature)).max(axis=1)
    least = float(np.clip(np.quantile(confidence, REFUSED), LEAST, MOST))
    return Abstention(temperature=temperature, confidence=least)
