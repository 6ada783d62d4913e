"""Visitors without browsers: they say to the server what one browser was heard to say.

Visitors have machines of their own; as many browsers on the server's would be all that it can do.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from playwright.async_api import Page
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

PATIENCE = 30.0  # seconds


@dataclass
class Said:
    """What a visitor's browser sent in each scene of its visit, and when (seconds)."""

    scenes: list[list[bytes]] = field(default_factory=lambda: [[]])
    times: list[list[float]] = field(default_factory=lambda: [[]])

    def hear(self, frame: bytes | str) -> None:
        """Take down one message to the server."""
        self.scenes[-1].append(frame)
        self.times[-1].append(time.perf_counter())

    def next_scene(self) -> None:
        """What is sent from now on belongs to the next act."""
        self.scenes.append([])
        self.times.append([])


def listen(page: Page) -> Said:
    """What a page sends from now on."""
    said = Said()
    page.on("websocket", lambda socket: socket.on("framesent", said.hear))
    return said


def call(url: str) -> connect:
    """The socket over which a page of the app at this address talks to its server."""
    address = url.replace("http", "ws", 1) + "_stcore/stream"
    return connect(address, subprotocols=["streamlit"], max_size=None)


async def say(socket: ClientConnection, messages: list[bytes], awaited: bytes = b"") -> float:
    """Send messages and hear the script out; seconds until the first answer that has `awaited`."""
    began, answered = time.perf_counter(), None
    for message in messages:
        await socket.send(message)
    ended = 0
    while ended < len(messages):
        heard = await asyncio.wait_for(socket.recv(), PATIENCE)
        if answered is None and awaited in heard:
            answered = time.perf_counter() - began
        ended += is_end(heard)
    assert answered is not None, "the script ended without an answer"
    return answered


def is_end(heard: bytes) -> bool:
    """Whether this message says that the script has ended; such a one is short."""
    return len(heard) < 200 and ForwardMsg.FromString(heard).WhichOneof("type") == "script_finished"
