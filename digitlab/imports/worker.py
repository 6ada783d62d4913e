"""The process that opens a file from outside, within bounds of memory and time.

    python -m digitlab.imports.worker KIND FOLDER

It reads FOLDER/file and writes FOLDER/answer.json (the graph or config as plain data, or an error
as a sentence) and FOLDER/tensors (safetensors). Whatever a file does to the libraries that read it
happens here, and ends with this process.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from digitlab.errors import NetworkFileError
from digitlab.imports.contents import most_bytes

_SPARE = 600_000_000  # bytes beyond what the libraries take and what the file's size explains
_CPU_SECONDS = 100

Reading = tuple[dict[str, Any], dict[str, Any]]  # tensors (torch or numpy) by name, and plain data


def main() -> None:
    """Open the file and write what it holds."""
    kind, folder = sys.argv[1], Path(sys.argv[2])
    read = _reader(kind)  # imports the libraries before memory is limited
    file = folder / "file"
    _limit(file.stat().st_size)
    try:
        tensors, data = read(file)
        _write_tensors(folder / "tensors", tensors)
        data = {**data, "order": list(tensors)}  # safetensors does not keep it
    except NetworkFileError as e:
        data = {"error": str(e)}
    except MemoryError:
        data = {"error": "The file needs more memory than one of its size can: it is not opened."}
    except Exception as e:  # of a library that reads a damaged file: anything
        data = {"error": f"The file cannot be read ({_first_line(e)}): it may be damaged."}
    (folder / "answer.json").write_text(json.dumps(data), encoding="utf-8")
    os._exit(0)  # without destructors of libraries, which a damaged file may have upset


def _reader(kind: str) -> Callable[[Path], Reading]:
    if kind == "torch":
        from digitlab.imports.torch_file import read_torch as read
    elif kind == "onnx":
        from digitlab.imports.onnx_file import read_onnx as read
    else:
        from digitlab.imports.keras_file import read_keras as read
    return read


def _limit(file_size: int) -> None:
    """Bound the memory and the seconds of this process, where the system can."""
    try:
        import resource
    except ImportError:  # Windows: the parent's timeout remains
        return
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        taken = pages * resource.getpagesize()
        most = taken + _SPARE + 4 * file_size
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except OSError:  # macOS has no /proc
        pass
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    largest = 2 * most_bytes()
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _write_tensors(path: Path, tensors: dict[str, Any]) -> None:
    import numpy as np

    if all(isinstance(value, np.ndarray) for value in tensors.values()):
        from safetensors.numpy import save_file
    else:
        from safetensors.torch import save_file
    save_file(tensors, path)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]


if __name__ == "__main__":
    main()
