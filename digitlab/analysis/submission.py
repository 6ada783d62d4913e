"""A network's answers for images without labels, as a submission to Kaggle's digit recogniser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from digitlab.data.reading.options import Options
from digitlab.data.reading.read import read_unlabelled
from digitlab.evaluation.tables import submission_csv
from digitlab.files import write_atomically
from digitlab.runs.run import Run, open_run


@dataclass(frozen=True, eq=False)
class Answers:
    """What a run answers for the images of a file: `images` uint8 [N, C, H, W], `probabilities`
    float32 [N, classes], `labels` int64 [N], positions in `classes`, and `notes` on how the file
    was read.
    """

    images: np.ndarray
    probabilities: np.ndarray
    classes: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def labels(self) -> np.ndarray:
        return self.probabilities.argmax(axis=1)

    def to_csv(self) -> str:
        """`ImageId,Label`, ids from 1 in the file's order."""
        return submission_csv(self.labels.tolist(), self.classes)


def answer_file(
    run: Run | str,
    source: bytes | str | Path | BinaryIO,
    name: str = "",
    *,
    paper: str | None = None,
    orientation: str | None = None,
) -> Answers:
    """Read a file of images without labels, such as Kaggle's test.csv, and answer each.

    `paper` and `orientation` are those of `read_images`. Raises UploadError where the file cannot
    be read or has labels, RunError where the run is no classifier or reads other images.
    """
    run = run if isinstance(run, Run) else open_run(run)
    run.check_task("classify")
    channels, side, _ = run.spec.input
    options = Options(paper=paper, orientation=orientation, size=side, colour=channels == 3)
    images, notes = read_unlabelled(source, name, options)
    return Answers(images, run.predict(images), run.classes, tuple(notes))


def write_submission(
    run: Run | str,
    source: bytes | str | Path | BinaryIO,
    path: str | Path = "submission.csv",
    **reading: str | None,
) -> Path:
    """Write what a run answers for a file without labels, as `ImageId,Label`; the path.

    Arguments and errors are those of `answer_file`; StoreError where it cannot be written.
    """
    answers = answer_file(run, source, **reading)
    write_atomically(Path(path), answers.to_csv())
    return Path(path)
