"""Where all machines see the runs' files: a bucket of an object store, named by DIGITLAB_STORAGE.

A run's folder here is then a copy. An object is named by the digest of its bytes, and the run's
`index.json`, which is replaced last, says which object each file is: whoever reads sees all of a
result, or the one before. What cannot be put there stays here, is marked, and is tried again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from digitlab.errors import DigitlabError, StorageError
from digitlab.files import write_atomically
from digitlab.settings import read_settings

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

INDEX = "index.json"
UNSENT = "unsent"  # in a run's folder here: it holds what the bucket does not have yet
ALONE = "The newest files of this run are on one machine alone:"  # how a notice of it begins
LOOK_SECONDS = 5.0  # for which what was read of the bucket is taken to be true
# What a run is; the rest of its folder is of this machine, of a moment, or computed from these.
_NAMES = {"spec.yaml", "config.json", "environment.json", "weights.safetensors",
          "predictions.safetensors", "record.json", "history.json", "error.txt"}  # fmt: skip
_STATES = "checkpoints/"
_MOST_INDEX = 1_000_000  # bytes
_log = logging.getLogger(__name__)
_lock = threading.RLock()
_looked: dict[Path, float] = {}  # folder here → when its run was looked for in the bucket
_own: set[str] = set()  # runs that this process carries out: their folder here is the truth
_digests: dict[Path, tuple[int, int, str]] = {}  # file → time, size and digest


def is_used() -> bool:
    """Whether the runs' files are kept in a bucket."""
    return "://" in read_settings().storage


def send(run_id: str, folder: Path) -> str:
    """Put what is new in a run's folder into the bucket; why it could not be, or "".

    It stays here then, and `send_unsent` tries again.
    """
    if not is_used():
        return ""
    try:
        with _lock:
            write_atomically(folder / UNSENT, "", durable=False)
            _send(run_id, folder)
            (folder / UNSENT).unlink(missing_ok=True)
    except StorageError as e:
        _log.warning("Run %s is kept here alone: %s", run_id, e)
        return str(e)
    return ""


def send_unsent() -> None:
    """Put what could not be put into the bucket there now, if that is possible."""
    if is_used():
        for mark in sorted(read_settings().runs.glob(f"*/{UNSENT}")):
            if mark.parent.name not in _own and send(mark.parent.name, mark.parent):
                return


def _send(run_id: str, folder: Path) -> None:
    before = _read_index(run_id) or {}
    index = {name: _digest(folder / name) for name in _names_in(folder)}
    for name, digest in index.items():
        if digest not in before.values():
            _write(f"{run_id}/{digest}", (folder / name).read_bytes())
    if index != before:
        _write(f"{run_id}/{INDEX}", json.dumps(index).encode())
        for digest in set(before.values()) - set(index.values()):
            with contextlib.suppress(StorageError, FileNotFoundError):
                _delete(f"{run_id}/{digest}")


def _names_in(folder: Path) -> list[str]:
    states = (folder / _STATES).glob("*.safetensors")
    return [name for name in _NAMES if (folder / name).is_file()] + [
        f"{_STATES}{path.name}" for path in states if not path.name.startswith(".")
    ]


def fetch(run_id: str, folder: Path, *, states: bool = False, now: bool = False) -> None:
    """Let a run's folder here hold what the bucket has, looking there `now` or every few seconds.

    Checkpoints come with the `states` only. Raises StorageError where the bucket cannot be read and
    nothing of the run is here.
    """
    if not is_used() or run_id in _own:
        return
    with _lock:
        place = folder / _STATES if states else folder
        if not now and time.monotonic() - _looked.get(place, -LOOK_SECONDS) < LOOK_SECONDS:
            return
        _looked[place] = time.monotonic()
        if (folder / UNSENT).exists():  # newer than what the bucket has
            return
        try:
            _fetch(run_id, folder, states)
        except StorageError as e:
            if now or not folder.is_dir():
                raise
            _log.warning("Run %s is shown as it was here last: %s", run_id, e)


def _fetch(run_id: str, folder: Path, states: bool) -> None:
    index = _read_index(run_id)
    if index is None:
        return
    for name, digest in index.items():
        path = folder / name
        is_here = path.is_file() and _digest(path) == digest
        if is_here or (name.startswith(_STATES) and not states):
            continue
        content = _read_object(run_id, name, digest)
        write_atomically(path, content, durable=False)
    for name in set(_names_in(folder)) - set(index):
        (folder / name).unlink(missing_ok=True)


def _read_object(run_id: str, name: str, digest: str) -> bytes:
    with contextlib.suppress(FileNotFoundError):
        content = _read(f"{run_id}/{digest}")
        if hashlib.sha256(content).hexdigest() == digest:
            return content
    raise StorageError(
        f"{name} of run {run_id} is missing or damaged in the bucket, as {_place(digest)}. Put it "
        "there again from the machine that trained the run, or train it again."
    )


def begin(run_id: str, folder: Path, *, new: bool) -> None:
    """Take a run's files over: until `finish`, this process's folder is what they are.

    Raises StorageError where the bucket cannot be read: the checkpoints of a run that is not `new`
    would be missed.
    """
    if is_used() and not new:
        with _explained():
            system, base = _open()
            bucket = base.split("/")[0]
            if system.get_file_info(bucket).type.name == "NotFound":
                raise OSError(f"{_NO_BUCKET} {bucket}")
        fetch(run_id, folder, states=True, now=True)
    _own.add(run_id)


def finish(run_id: str) -> None:
    """Let the run be another process's again."""
    _own.discard(run_id)


def remove(run_id: str) -> None:
    """Delete a run's files from the bucket, if that is possible."""
    if not is_used():
        return
    try:
        with _lock, _explained():
            system, base = _open()
            system.delete_dir_contents(f"{base}/{run_id}", missing_dir_ok=True)
    except StorageError as e:
        _log.warning("The files of run %s stay in the bucket: %s", run_id, e)


def _read_index(run_id: str) -> dict[str, str] | None:
    """Names of a run's files and the digests of their objects; None where there is none."""
    try:
        content = _read(f"{run_id}/{INDEX}", _MOST_INDEX)
    except FileNotFoundError:
        return None
    try:
        index = json.loads(content)
        if all(map(_is_entry, index, index.values())):
            return index
    except (ValueError, TypeError, AttributeError):
        pass
    raise StorageError(f"{_place(f'{run_id}/{INDEX}')} is damaged: it lists no files.")


def _is_entry(name: Any, digest: Any) -> bool:
    """Whether a name stays within the run's folder, and a digest is one."""
    parts = PurePosixPath(name).parts
    within = 1 <= len(parts) <= 2 and not {"..", "/"} & set(parts) and "\\" not in name
    return within and len(digest) == 64 and set(digest) <= set("0123456789abcdef")


def _digest(path: Path) -> str:
    about = path.stat()
    known = _digests.get(path)
    if known is None or known[:2] != (about.st_mtime_ns, about.st_size):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        known = _digests[path] = (about.st_mtime_ns, about.st_size, digest)
    return known[2]


def _read(name: str, most: int | None = None) -> bytes:
    with _explained():
        system, base = _open()
        with system.open_input_stream(f"{base}/{name}") as stream:
            return stream.read(most)


def _write(name: str, content: bytes) -> None:
    with _explained():
        system, base = _open()
        try:
            with system.open_output_stream(f"{base}/{name}") as stream:  # there whole or not at all
                stream.write(content)
        except FileNotFoundError as e:  # which is what Google's says of it
            raise OSError(f"{_NO_BUCKET} {base.split('/')[0]}") from e


def _delete(name: str) -> None:
    with _explained():
        system, base = _open()
        system.delete_file(f"{base}/{name}")


def _place(name: str) -> str:
    return f"{read_settings().storage.split('?')[0].rstrip('/')}/{name}"


def _open() -> tuple[FileSystem, str]:
    return _connect(read_settings().storage)


@lru_cache(maxsize=4)
def _connect(address: str) -> tuple[FileSystem, str]:
    """The bucket's system of files, and the path in it under which the runs are."""
    from pyarrow import fs

    parts = urlsplit(address)
    options: dict[str, Any] = {
        name: values[-1]
        for name, values in parse_qs(parts.query).items()
        if name in ("endpoint_override", "scheme", "region")
    }
    base = f"{parts.netloc}{parts.path}".rstrip("/")
    if parts.scheme == "s3":
        retry = fs.AwsStandardS3RetryStrategy(max_attempts=2)
        times = {"connect_timeout": 5, "request_timeout": 60, "allow_delayed_open": True}
        return fs.S3FileSystem(**options, **times, retry_strategy=retry), base
    options.pop("region", None)
    return fs.GcsFileSystem(**options, retry_time_limit=timedelta(seconds=20)), base


_NO_BUCKET = "NO_SUCH_BUCKET"
_REASONS = (
    ((_NO_BUCKET, "bucket does not exist"), "there is no such bucket"),
    (("ACCESS_DENIED", "INVALID_ACCESS_KEY", "SIGNATURE", "PERMISSION", "Forbidden", "HTTP 403"),
     "the credentials are refused"),
    (("No credentials", "OAuth2 access token", "UNAUTHENTICATED", "HTTP 401"),
     "no credentials are given"),
    (("NETWORK_CONNECTION", "curlCode", "timed out", "UNAVAILABLE"), "the server does not answer"),
)  # fmt: skip


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """StorageError, which says what to do, for what the object store says but of a missing file."""
    try:
        yield
    except (FileNotFoundError, DigitlabError):
        raise
    except Exception as e:  # some of pyarrow's are no OSError
        raise _error(e) from e


def _error(e: Exception) -> StorageError:
    text = " ".join(str(e).split())
    meanings = (m for words, m in _REASONS if any(word.lower() in text.lower() for word in words))
    return StorageError(
        f"The runs' files at {read_settings().storage.split('?')[0]} cannot be reached: "
        f"{next(meanings, 'see its reason')} ({text[:160]}). Check DIGITLAB_STORAGE, and the "
        "credentials in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        "GOOGLE_APPLICATION_CREDENTIALS). What was trained is kept on its machine, and put there "
        "when it can be."
    )
