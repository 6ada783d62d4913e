"""A real server of the app, on a free port, with a home of its own, that can be ended and begun."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, ROOT, wait_for


class Lab:
    """`streamlit run Home.py` as a person starts it, with nothing but optdigits on disk."""

    def __init__(self, folder: Path, script: str = "Home.py", **variables: str) -> None:
        self.home = folder / "home"
        self.log = folder / "server.log"
        self._data = folder / "data"
        self._data.mkdir()
        self._script, self._variables = script, variables
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://localhost:{self._port}"

    def start(self) -> None:
        """Start the server and wait until it is healthy."""
        environment = {
            **os.environ,
            "DIGITLAB_HOME": str(self.home),
            "DIGITLAB_DATA": str(self._data),
            **self._variables,
        }
        command = [sys.executable, "-m", "streamlit", "run", self._script]
        options = ["--server.headless=true", f"--server.port={self._port}"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *options], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        self._wait_until_healthy()

    def _wait_until_healthy(self) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        self.kill()
        pytest.fail(f"The server did not start:\n{self.log.read_text()}")

    def kill(self) -> None:
        """End the server at once, as a crash or a reboot does."""
        self._process.kill()
        self._process.wait()

    def stop_runs(self) -> None:
        """Stop what still trains; its process belongs to nobody else."""
        from digitlab.jobs import queue

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DIGITLAB_HOME", str(self.home))
            for record in queue.active_runs() if self.home.exists() else ():
                queue.stop(record.id)
            wait_for(lambda: not (self.home.exists() and queue.active_runs()))
