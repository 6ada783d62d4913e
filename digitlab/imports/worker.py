"""The process that opens a file from outside, within bounds of memory and time.

    python -m digitlab.imports.worker FOLDER

It reads FOLDER/file and writes FOLDER/answer.json (the graph or config as plain data, or an error
as a sentence) and FOLDER/tensors (safetensors); the kind is among the arguments: see `sandbox`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from digitlab import sandbox
from digitlab.imports.contents import most_bytes

_SPARE = 600_000_000  # bytes beyond what the libraries take and what the file's size explains
_CPU_SECONDS = 100

Reading = tuple[dict[str, Any], dict[str, Any]]  # tensors (torch or numpy) by name, and plain data


def main() -> None:
    """Open the file and write what it holds."""
    folder, (kind,) = sandbox.read_arguments()
    read = _reader(kind)  # imports the libraries before memory is limited

    def write(file: Path) -> dict[str, Any]:
        tensors, data = read(file)
        _write_tensors(folder / "tensors", tensors)
        return {**data, "order": list(tensors)}  # safetensors does not keep it

    sandbox.answer(
        folder,
        write,
        memory=_SPARE + 4 * (folder / "file").stat().st_size,
        seconds=_CPU_SECONDS,
        largest=2 * most_bytes(),
    )


def _reader(kind: str) -> Callable[[Path], Reading]:
    if kind == "torch":
        from digitlab.imports.torch_file import read_torch as read
    elif kind == "onnx":
        from digitlab.imports.onnx_file import read_onnx as read
    else:
        from digitlab.imports.keras_file import read_keras as read
    return read


def _write_tensors(path: Path, tensors: dict[str, Any]) -> None:
    import numpy as np

    if all(isinstance(value, np.ndarray) for value in tensors.values()):
        from safetensors.numpy import save_file
    else:
        from safetensors.torch import save_file
    save_file(tensors, path)


if __name__ == "__main__":
    main()
