"""`read_images` and `add_dataset`: a person's labelled images, looked at by the bundled reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from digitlab.analysis.recognize import default_reader, find_predictor
from digitlab.data import own
from digitlab.data.info import INPUT_SHAPE, DatasetInfo
from digitlab.data.reading.images import LabelledImages
from digitlab.data.reading.options import Options
from digitlab.data.reading.read import read_file
from digitlab.errors import RunError
from digitlab.runs.run import Run


def read_images(
    source: bytes | str | Path | BinaryIO,
    name: str = "",
    *,
    classes: Sequence[str] | None = None,
    label_column: str | int | None = None,
    first_label: int | None = None,
    paper: str | None = None,
    orientation: str | None = None,
    framing: str | None = None,
    size: int | str | None = None,
    colour: bool | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> LabelledImages:
    """Read labelled images from a file, a folder, bytes or an open file, in any form people use.

    Images in folders or with a table of labels (ZIP, TAR, folder), CSV, NPZ, NPY, IDX, Parquet,
    MAT, HDF5, ARFF, libsvm and JSON lines, also packed by gzip, bzip2 or xz; the README lists them.
    The result has `images` uint8 [N, 1, 28, 28] (0 paper, 255 ink), `labels` int64 [N], `classes`,
    `splits` where the file has train and test, and `notes`: how it was read and all that was
    changed.

    `classes` are names that labels must be of; without them they are found. What a file leaves
    open is answered by `label_column` (a name, a position, the "outer" or "inner" folder),
    `first_label` (the number of the
    first class; 10 where 10 is 0), `paper` ("light", "dark", "as it is"), `orientation` ("as it
    is", "transposed", …) and `framing` of large images ("digit": found and framed as in a drawing,
    "whole"). Images become grey and 28×28, as MNIST's are: `size` keeps them at 8 to 128 pixels a
    side or "as it is", `colour` with three channels; networks are then trained on such images.
    `on_progress` is called with images done and in all.

    Raises UploadError for what cannot be read or is not safe to open, and UnclearFileError, which
    names the argument and its choices, where a file can be read in several ways.
    """
    options = Options(label_column, first_label, paper, orientation, framing, size, colour)
    return read_file(source, name, classes, look, options, on_progress)


def add_dataset(
    name: str,
    source: bytes | str | Path | BinaryIO | LabelledImages,
    *,
    test_fraction: float = own.TEST_FRACTION,
    seed: int = 0,
    draw_test: bool = False,
    **reading: object,
) -> DatasetInfo:
    """Add labelled images as a dataset of your own, kept in the home: `load_dataset(name)`.

    `source` is what `read_images` reads, with its arguments as `reading`, or what it returned.
    Train and test are those of the file; where it has no test part, or with `draw_test`,
    `test_fraction` of each class is drawn with `seed`. `own.read_facts(name)` has the notes on how
    it was read.

    Raises UploadError and UnclearFileError as `read_images` does, and DatasetError for a name that
    is not allowed or taken and for images that are no dataset: fewer than two classes, too large.
    """
    own.check_free(name)
    if not isinstance(source, LabelledImages):
        source = read_images(source, **reading)
    elif reading:
        raise TypeError(f"{', '.join(reading)}: these images are read already")
    return own.add_images(name, source, test_fraction=test_fraction, seed=seed, draw_test=draw_test)


def options_for(run: Run) -> dict[str, Any]:
    """The arguments of `read_images` by which a file fits a run: its classes, size and colours."""
    channels, side, _ = run.spec.input
    options: dict[str, Any] = {"classes": run.classes}
    return (
        options
        if run.spec.input == INPUT_SHAPE
        else {**options, "size": side, "colour": channels == 3}
    )


def look(images: np.ndarray) -> np.ndarray:
    """The bundled reader's probabilities [N, 10]; all alike where no reader is installed."""
    try:
        return find_predictor(default_reader())(images)
    except RunError:
        return np.zeros((len(images), 10))
