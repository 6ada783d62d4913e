"""A bound on strangers' uploads that the server keeps in memory, also those no page asked for.

Streamlit keeps what a browser sends until its session ends, whatever pages show, and takes it from
any program that has opened a session: forty files of the size allowed fill a small machine. What is
still being received lies on the disk: that is bounded, too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from streamlit import config
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from digitlab.settings import read_settings

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.types import Message
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec

_UPLOADS = "/_stcore/upload_file/"
HOSTED_MEGABYTES = 25  # of one file, for strangers; else the configuration's
FILES = 40  # of one session: older ones go
SHARE = 3  # of one session, in files of the largest size: older ones go
TOTAL_SHARE = 10  # of all strangers together: more are refused


def bound_uploads() -> None:
    """Let strangers' sessions hold only their newest uploads, and all together not too much."""
    add = MemoryUploadedFileManager.add_file
    if hasattr(add, "__wrapped__"):
        return
    config.set_option("server.maxUploadSize", largest_megabytes())  # counted while it is received

    @wraps(add)
    def add_file(self: MemoryUploadedFileManager, session_id: str, file: UploadedFileRec) -> None:
        largest = largest_megabytes() * 2**20
        if len(file.data) > largest:
            raise HTTPException(413, "The file is too large.")
        if not read_settings().hosted:
            add(self, session_id, file)
            return
        if self._total_bytes + len(file.data) > TOTAL_SHARE * largest:
            raise HTTPException(503, "Other visitors' files fill the server: try again later.")
        add(self, session_id, file)
        _drop_oldest(self, session_id, SHARE * largest)

    MemoryUploadedFileManager.add_file = add_file
    Request._get_form = _counting(Request._get_form)


def _counting(
    get_form: Callable[..., Awaitable[FormData]],
) -> Callable[..., Awaitable[FormData]]:
    """`get_form`, which reads a request to its end, and refuses strangers' files where all that are
    being received are too large together.
    """
    receiving = 0  # bytes, of all requests; they are read in one thread

    @wraps(get_form)
    async def count_and_get(self: Request, **bounds: float) -> FormData:
        nonlocal receiving
        if _UPLOADS not in self.scope["path"] or not read_settings().hosted:
            return await get_form(self, **bounds)
        receive, most, of_this = self._receive, TOTAL_SHARE * largest_megabytes() * 2**20, 0

        async def receive_and_count() -> Message:
            nonlocal receiving, of_this
            message = await receive()
            received = len(message.get("body", b""))
            receiving, of_this = receiving + received, of_this + received
            if receiving > most:
                raise HTTPException(503, "Other visitors' files fill the server: try again later.")
            return message

        self._receive = receive_and_count
        try:
            return await get_form(self, **bounds)
        finally:
            receiving -= of_this

    return count_and_get


def largest_megabytes() -> int:
    """The size of one upload that is taken: less where the app is public."""
    configured = config.get_option("server.maxUploadSize")
    return min(HOSTED_MEGABYTES, configured) if read_settings().hosted else configured


def _drop_oldest(manager: MemoryUploadedFileManager, session_id: str, most: int) -> None:
    with manager._lock:
        files = list(manager.file_storage[session_id].values())
    total = sum(len(file.data) for file in files)
    for number, file in enumerate(files[:-1]):
        if total <= most and len(files) - number <= FILES:
            return
        total -= len(file.data)
        manager.remove_file(session_id, file.file_id)
