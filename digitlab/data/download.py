"""Downloading a dataset on request: torchvision fetches and verifies, this module reports progress.

A download goes into a folder of its own next to the data and is moved into place when every
checksum was right, so that a broken one leaves nothing behind and is simply repeated. It runs in
a thread: a page that is left or reloaded finds it again by its name.
"""

from __future__ import annotations

import errno
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from digitlab.data.info import DatasetInfo
from digitlab.data.registry import find_dataset
from digitlab.errors import DatasetError, DownloadError
from digitlab.settings import read_settings
from digitlab.words import size

STALE_SECONDS = 3600.0  # no download writes nothing for so long

_ACTIVE: dict[tuple[str, Path], Download] = {}
_LOCK = threading.Lock()


@dataclass
class Download:
    """A download under way: `done` and `total` in bytes, `error` and `finished` at its end."""

    info: DatasetInfo
    root: Path
    done: int = 0
    total: int = 0
    finished: bool = False
    error: DownloadError | None = None

    @property
    def share(self) -> float:
        """Progress from 0 to 1; 1 only when everything is in place."""
        if self.finished:
            return 1.0
        return min(self.done / self.total, 0.99) if self.total else 0.0


def start_download(name: str) -> Download:
    """Start fetching `name` in the background, or find the download that already runs.

    Raises DownloadError for a dataset whose files a person has to get.
    """
    info = find_dataset(name)
    root = read_settings().data
    if info.by_hand:
        raise DownloadError(
            f"{info.title} is not downloaded from here. {info.by_hand}; put the file at "
            f"{root / info.files[0]}.",
            name=info.name,
        )
    with _LOCK:
        running = _ACTIVE.get((info.name, root))
        if running and not running.finished:
            return running
        download = Download(info, root, total=info.download_bytes)
        _ACTIVE[info.name, root] = download
    threading.Thread(target=_carry_out, args=(download,), daemon=True).start()
    return download


def active_download(name: str) -> Download | None:
    """The download of `name` that runs now or was the last to end in this process, if any."""
    return _ACTIVE.get((find_dataset(name).name, read_settings().data))


def download_dataset(name: str, on_progress: Callable[[int, int], None] | None = None) -> None:
    """Fetch `name` into the data folder and wait for it; nothing happens where it is there whole.

    Raises DownloadError where there is no network, the disk is full, the folder cannot be
    written or a checksum is wrong.
    """
    info = find_dataset(name)
    if _is_whole(info):
        return
    download = start_download(name)
    while not download.finished:
        if on_progress:
            # The total is what the catalogue says, which the files need not meet to the byte.
            on_progress(min(download.done, download.total), download.total)
        time.sleep(0.1)
    if download.error:
        raise download.error
    if on_progress:
        on_progress(download.total, download.total)


def _is_whole(info: DatasetInfo) -> bool:
    """Whether the dataset is there and can be read to its end."""
    from digitlab.data.readers import read_parts

    try:
        read_parts(info, read_settings().data)
    except DatasetError:
        return False
    return True


def _sweep(root: Path, name: str) -> None:
    """Remove what downloads left behind that were killed before they could tidy up."""
    for folder in root.glob(f".download-{name}-*"):
        if time.time() - folder.stat().st_mtime > STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _carry_out(download: Download) -> None:
    """The thread's work; whatever happens ends up in the download's own fields."""
    folder: Path | None = None
    try:
        download.root.mkdir(parents=True, exist_ok=True)
        _sweep(download.root, download.info.name)
        folder = Path(
            tempfile.mkdtemp(prefix=f".download-{download.info.name}-", dir=download.root)
        )
        watcher = threading.Thread(target=_watch, args=(download, folder), daemon=True)
        watcher.start()
        _fetch(download.info, folder)
        _move_into_place(folder, download.root)
    except Exception as e:  # a thread has nobody above it: the cause must travel in the object
        download.error = _explain(download, e)
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
        download.finished = True


def _fetch(info: DatasetInfo, folder: Path) -> None:
    from torchvision import datasets

    reader = getattr(datasets, info.torchvision)
    for args in (info.train_args, info.test_args):
        reader(str(folder), download=True, **args)


def _watch(download: Download, folder: Path) -> None:
    while not download.finished:
        try:
            files = [path for path in folder.rglob("*") if path.suffix in (".gz", ".zip", ".bz2")]
            download.done = sum(path.stat().st_size for path in files if "gzip" not in path.parts)
        except OSError:
            pass  # a file went away between listing and asking: the next look sees the rest
        time.sleep(0.1)


def _move_into_place(folder: Path, root: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            target = root / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)


def _explain(download: Download, e: Exception) -> DownloadError:
    """One sentence: what failed, where, what to do."""
    title, root = download.info.title, download.root
    text = " ".join(str(e).split())
    cause = e
    while not isinstance(cause, OSError) and (cause.__cause__ or cause.__context__):
        cause = cause.__cause__ or cause.__context__
    number = cause.errno if isinstance(cause, OSError) else None
    if number in (errno.ENOSPC, errno.EDQUOT):
        free = size(download.total, 0)
        why = f"the disk of {root} is full. Free at least {free}, or set DIGITLAB_DATA elsewhere"
    elif number in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
        why = (
            f"{root} cannot be written. Make it writable, or set DIGITLAB_DATA to a folder of yours"
        )
    elif "corrupted" in text or "not found or corrupt" in text.lower():
        why = f"what arrived from {download.info.source} has a wrong checksum. Try again later"
    else:
        why = (
            f"its server could not be reached ({_reason(text)}). Check the network and try "
            f"again, or copy the files into {root} by hand"
        )
    return DownloadError(
        f"{title} could not be downloaded: {why}. Until then, 'optdigits' needs no download.",
        name=download.info.name,
    )


def _reason(text: str) -> str:
    """The network's error, from torchvision's message about all mirrors."""
    reasons = re.findall(r"<urlopen error (?:\[Errno -?\d+\] )?([^>]+)>", text)
    return reasons[-1] if reasons else text[:160]
