"""What browsers upload is bounded, whether a page asked for it or not."""

from __future__ import annotations

import asyncio

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from digitlab.ui import uploads

uploads.bound_uploads()


@pytest.fixture
def upload(monkeypatch):
    """A function that uploads so many bytes in a session of a server where 1 MB is the largest."""
    monkeypatch.setattr(uploads, "largest_megabytes", lambda: 1)
    manager = MemoryUploadedFileManager("/upload")

    def upload(session, number, size):
        manager.add_file(session, UploadedFileRec(str(number), "a", "b", b"x" * size))
        return list(manager.file_storage[session])

    return upload


def test_a_strangers_session_holds_its_newest_files_only(upload, monkeypatch):
    for number in range(50):
        held = upload("own machine", number, 10)
    assert len(held) == 50
    monkeypatch.setenv("DIGITLAB_HOSTED", "1")
    for number in range(40):
        held = upload("a", number, 1_000_000)
    assert held == ["37", "38", "39"]
    for number in range(50):
        held = upload("b", number, 10)
    assert held == [str(number) for number in range(50 - uploads.FILES, 50)]


def test_one_file_is_bounded_whatever_a_widget_allows(upload):
    with pytest.raises(HTTPException):
        upload("a", 1, 2_000_000)


def test_strangers_together_are_bounded_and_a_person_alone_is_not(upload, monkeypatch):
    for session in range(20):
        upload(str(session), 1, 1_000_000)
    monkeypatch.setenv("DIGITLAB_HOSTED", "1")
    with pytest.raises(HTTPException, match="try again later"):
        upload("one more", 1, 1_000_000)


def test_files_that_are_being_received_are_bounded_together(monkeypatch):
    monkeypatch.setattr(uploads, "largest_megabytes", lambda: 1)
    monkeypatch.setattr(uploads, "TOTAL_SHARE", 2)
    head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'

    async def read(path, waiting, more):
        """Send 900 kB to `path`, and the end of the file once `more` is set."""
        parts = [head + bytes(900_000), b"\r\n--b--\r\n"]

        async def receive():
            if len(parts) == 1:
                waiting.append(path)
                await more.wait()
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

        kind = (b"content-type", b"multipart/form-data; boundary=b")
        request = Request({"type": "http", "path": path, "headers": [kind]}, receive)
        return len(await (await request.form())["f"].read())

    async def send_together(path):
        waiting, more = [], asyncio.Event()
        first = [asyncio.create_task(read(path, waiting, more)) for _ in range(2)]
        while len(waiting) < 2:
            await asyncio.sleep(0)
        third = asyncio.create_task(read(path, waiting, more))
        while len(waiting) < 3 and not third.done():
            await asyncio.sleep(0)
        more.set()
        return await asyncio.gather(*first, third, return_exceptions=True)

    path = "/_stcore/upload_file/session/file"
    assert asyncio.run(send_together(path)) == [900_000] * 3, "on a person's own machine"
    monkeypatch.setenv("DIGITLAB_HOSTED", "demo")
    *taken, refused = asyncio.run(send_together(path))
    assert (taken, refused.status_code) == ([900_000] * 2, 503)
    assert asyncio.run(send_together("/elsewhere")) == [900_000] * 3
    assert asyncio.run(send_together(path))[:2] == [900_000] * 2, "what has ended counts no more"


def test_strangers_upload_smaller_files(monkeypatch):
    own = uploads.largest_megabytes()
    monkeypatch.setenv("DIGITLAB_HOSTED", "1")
    assert uploads.largest_megabytes() == uploads.HOSTED_MEGABYTES < own
