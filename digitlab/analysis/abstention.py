"""How far a run's answers are trusted: measured when it was bundled, else by its validation."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.drawing.abstention import Trust
from digitlab.errors import DigitlabError
from digitlab.runs import run_folder

if TYPE_CHECKING:
    from digitlab.runs.run import Run

REFUSED = 0.005  # share of its own validation digits that a run may decline …
MOST, LEAST = 0.9, 0.4  # … and the bounds of the confidence that follows
FEWEST = 100  # validation images below which nothing can be measured


def find_trust(run: Run) -> Trust:
    """What the run's answers must reach to be given.

    The default reader's thresholds were chosen on drawings of the tuning writers and are in its
    record. Any other network was never shown what is no digit: its probabilities are made honest
    by the temperature that fits its saved validation logits best, and the least confidence is
    that which all but REFUSED of its validation digits reach. That declines what it is unsure of,
    and no more. A run without validation images, as one fine-tuned on all the drawings there are,
    declines as the one whose weights it began with; where there is none, nothing is declined.
    """
    measured = run.record.data.trust
    if measured:
        return Trust(**measured)
    path = run.folder / run_folder.PREDICTIONS
    found = _from_validation(path, path.stat().st_mtime_ns, run.id) if path.is_file() else None
    return found or _from_start(run)


def _from_start(run: Run) -> Trust:
    """That of the run whose weights this one began with, where it tells the same apart."""
    from digitlab.runs.run import open_run

    parent = run.record.data.start_from
    try:
        start = open_run(parent) if parent else None
    except DigitlabError:  # deleted
        return Trust()
    return find_trust(start) if start and start.classes == run.classes else Trust()


@lru_cache(maxsize=32)
def _from_validation(path: Path, changed: int, run_id: str) -> Trust | None:
    """None where the saved predictions do not say."""
    from digitlab.evaluation.calibration import fit_temperature
    from digitlab.evaluation.metrics import evaluate_logits
    from digitlab.evaluation.softmax import softmax

    try:
        saved = run_folder.read_tensors(path, run_id)
    except DigitlabError:
        return None
    if "val_logits" not in saved or len(saved["val_labels"]) < FEWEST:
        return None
    logits, labels = saved["val_logits"].float().numpy(), saved["val_labels"].long().numpy()
    names = tuple(str(k) for k in range(logits.shape[1]))
    try:
        temperature = fit_temperature(evaluate_logits(logits, labels, names))
    except DigitlabError:  # logits that are no numbers
        return None
    confidence = softmax(logits / np.float32(temperature)).max(axis=1)
    least = float(np.clip(np.quantile(confidence, REFUSED), LEAST, MOST))
    return Trust(temperature=temperature, confidence=least)
