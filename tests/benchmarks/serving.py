"""What the benchmarks in a browser share: the real server, and a Chromium."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser as AsyncBrowser
from playwright.async_api import Playwright as AsyncPlaywright
from playwright.sync_api import Browser, Playwright

ROOT = Path(__file__).parents[2]
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@dataclass(frozen=True)
class Served:
    """A server that answers: its address, its process, and when it was started."""

    url: str
    process_id: int
    began: float


@contextlib.contextmanager
def serve(home: str, folder: Path = ROOT) -> Iterator[Served]:
    """`streamlit run Home.py` as a person starts it, on a free port, with this home.

    `folder` holds the app, digitlab's by default.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "Home.py", "--server.headless=true"]
    began = time.perf_counter()
    server = subprocess.Popen(
        [*command, f"--server.port={port}"],
        cwd=folder,
        env={**os.environ, "DIGITLAB_HOME": home},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    served = Served(f"http://127.0.0.1:{port}/", server.pid, began)
    try:
        while server.poll() is None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{served.url}_stcore/health", timeout=1).close()
                break
            time.sleep(0.02)
        yield served
    finally:
        server.terminate()
        server.wait()


def launch(playwright: Playwright, executable: str | None = None) -> Browser:
    """This browser, or an installed Chromium, or Playwright's own."""
    path = executable or _installed()
    return playwright.chromium.launch(executable_path=path, args=list(FLAGS))


async def launch_async(playwright: AsyncPlaywright) -> AsyncBrowser:
    """The same for many visitors at once."""
    return await playwright.chromium.launch(executable_path=_installed(), args=list(FLAGS))


def _installed() -> str | None:
    return shutil.which("chromium") or shutil.which("google-chrome")


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that this percent of the values do not pass."""
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
