"""Forms that libraries in C read (HDF5, MATLAB, Parquet), read in a process of its own.

    python -m digitlab.data.reading.worker FOLDER

`read_in_worker` starts it with the file in FOLDER and kind, name and options as its arguments; it
leaves there the arrays of each part as .npy and what else is known of them as JSON; see `sandbox`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from digitlab import sandbox
from digitlab.data.reading import limits
from digitlab.data.reading.options import Options
from digitlab.data.reading.part import Part
from digitlab.errors import UnclearFileError, UploadError, reason

_MEMORY = 450_000_000  # bytes beyond what the libraries take …
_TIMES = 6  # … and so many times the file's size
_SECONDS = 8.0  # of the processor, beside one for each …
_BYTES_A_SECOND = 1_000_000
_PATIENCE = 4  # times that, by the clock: other processes may be busy


def read_in_worker(kind: str, content: bytes, where: str, options: Options) -> list[Part]:
    """The parts of a file of the kind hdf5, matlab or parquet; UploadError as its reader says."""
    opened = sandbox.open_apart(
        "digitlab.data.reading.worker",
        content,
        kind,
        where,
        json.dumps(asdict(options)),
        seconds=10 + _PATIENCE * _seconds(len(content)),
    )
    with opened as (folder, values):
        if "argument" in values:
            raise UnclearFileError(
                values["question"], argument=values["argument"], choices=tuple(values["choices"])
            )
        return [_load(folder, number, about) for number, about in enumerate(values["parts"])]


def _seconds(size: int) -> float:
    return _SECONDS + size / _BYTES_A_SECOND


def _load(folder: Path, number: int, about: dict[str, Any]) -> Part:
    try:
        images = np.load(folder / f"images{number}.npy", allow_pickle=False)
        labels = folder / f"labels{number}.npy"
        known = np.load(labels, allow_pickle=False) if labels.is_file() else None
    except (OSError, ValueError) as e:
        raise UploadError(f"{about['where']} could not be read: {reason(e)}.") from e
    return Part(
        about["where"], images, known, about["split"], tuple(about["classes"]), about["notes"]
    )


def main() -> None:
    """Read the file and write its parts."""
    folder, (kind, where, options) = sandbox.read_arguments()
    read = _reader(kind)  # imports the libraries before memory is limited

    def write(file: Path) -> dict[str, Any]:
        try:
            parts = read(file, where, Options(**json.loads(options)))
        except UnclearFileError as e:
            return {"question": str(e), "argument": e.argument, "choices": e.choices}
        return {"parts": [_save(folder, number, part) for number, part in enumerate(parts)]}

    size = (folder / "file").stat().st_size
    sandbox.answer(
        folder,
        write,
        memory=_MEMORY + _TIMES * size,
        seconds=_seconds(size),
        largest=limits.MAX_UNPACKED + 1_000,
    )


def _reader(kind: str) -> Callable[[Path, str, Options], list[Part]]:
    if kind == "hdf5":
        from digitlab.data.reading.hdf5 import read_hdf5 as read
    elif kind == "matlab":
        from digitlab.data.reading.matlab import read_matlab as read
    else:
        from digitlab.data.reading.parquet import read_parquet as read
    return read


def _save(folder: Path, number: int, part: Part) -> dict[str, Any]:
    np.save(folder / f"images{number}.npy", part.images, allow_pickle=False)
    if part.labels is not None:
        np.save(folder / f"labels{number}.npy", part.labels, allow_pickle=False)
    return {
        "where": part.where,
        "split": part.split,
        "classes": part.classes,
        "notes": part.notes,
    }


if __name__ == "__main__":
    main()
