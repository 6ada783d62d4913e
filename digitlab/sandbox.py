"""Opening a file from outside in a process of its own, with bounded memory and time.

Libraries in C read some forms of file (HDF5, Parquet, ONNX, PyTorch). Where a damaged file makes
them crash, hang or take much memory, that process, `python -m MODULE FOLDER`, ends and the app goes
on: `open_apart` starts it with the file in a folder, and it calls `answer`, which leaves plain data
there. It has none of the app's environment variables but those it needs, and where the system can
(POSIX) its memory and the files it writes are bounded. It still runs as the same user: it may do to
files and the network what the app may.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from digitlab.errors import DigitlabError, UploadError, reason

_MAX_JSON = 50_000_000  # bytes of an answer
_ANSWER = "answer.json"
_ARGUMENTS = "arguments.json"  # a file, as names from outside may be longer than a command line
_PASSED = {  # of the environment, beside our own limits: no passwords or keys of the app
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP", "USER", "LOGNAME"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONUSERBASE", "VIRTUAL_ENV"),
    *("SYSTEMROOT", "APPDATA", "LOCALAPPDATA", "USERPROFILE"),  # of Windows
}


@contextlib.contextmanager
def open_apart(
    module: str, content: bytes, *arguments: str, seconds: float
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Let `module` read the content by the arguments; the folder where it wrote, and its answer.

    UploadError with the reason where it could not, and where it took more than `seconds`.
    """
    with tempfile.TemporaryDirectory(prefix="digitlab-") as name:
        folder = Path(name)
        (folder / "file").write_bytes(content)
        (folder / _ARGUMENTS).write_text(json.dumps(arguments), encoding="utf-8")
        try:
            ended = subprocess.run(
                [sys.executable, "-m", module, name],
                env=_environment(),
                timeout=seconds,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        except subprocess.TimeoutExpired as e:
            raise UploadError(
                f"The file took more than {seconds:.0f} seconds to open and was given up."
            ) from e
        yield folder, _read_answer(folder / _ANSWER, ended.returncode)


def _environment() -> dict[str, str]:
    variables = {
        name: value
        for name, value in os.environ.items()
        if name.upper() in _PASSED or name.startswith("DIGITLAB_MAX_")
    }
    paths = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**variables, **single, "PYTHONPATH": os.pathsep.join(paths)}


def _read_answer(path: Path, status: int) -> dict[str, Any]:
    if status or not path.is_file() or path.stat().st_size > _MAX_JSON:
        raise UploadError(
            "The file could not be opened within the memory and time allowed: it is damaged, or "
            "was made to be harmful."
        )
    values = json.loads(path.read_text(encoding="utf-8"))
    if "error" in values:
        raise UploadError(values["error"])
    return values


def read_arguments() -> tuple[Path, list[str]]:
    """The folder with the file, and the arguments, in the process that `open_apart` started."""
    folder = Path(sys.argv[1])
    return folder, json.loads((folder / _ARGUMENTS).read_text(encoding="utf-8"))


def answer(
    folder: Path,
    read: Callable[[Path], dict[str, Any]],
    *,
    memory: int,
    seconds: float,
    largest: int,
) -> None:
    """Call `read` with the file in the folder and write what it returns, or why it failed.

    `memory` are the bytes that it may take beyond what this process has, `seconds` those of the
    processor, `largest` the bytes of a file that it may write. Ends the process.
    """
    _limit(memory, seconds, largest)
    try:
        values = read(folder / "file")
    except DigitlabError as e:
        values = {"error": str(e)}
    except MemoryError:
        values = {"error": "The file needs more memory than one of its size can: it is not opened."}
    except Exception as e:  # of a library that reads a damaged file: anything
        values = {"error": f"The file cannot be read ({reason(e)}): it may be damaged."}
    (folder / _ANSWER).write_text(json.dumps(values), encoding="utf-8")
    os._exit(0)  # without destructors of libraries, which a damaged file may have upset


def _limit(memory: int, seconds: float, largest: int) -> None:
    """Bound the memory and the seconds of this process, where the system can."""
    try:
        import resource
    except ImportError:  # Windows: the parent's timeout remains
        return
    with contextlib.suppress(OSError):  # macOS has no /proc
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    until = int(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, until))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
