"""A Postgres server of the tests' own, where the programs of one are installed."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import lru_cache
from pathlib import Path

import psycopg

USER, PASSWORD = "digitlab", "secret/of:tests"
# What a crash of the machine would cost does not matter here.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


@lru_cache(maxsize=1)
def find_programs() -> Path | None:
    """The folder of `postgres` and `initdb`; None where there are none that can be started."""
    on_path = [Path(path).parent for name in ("initdb",) if (path := shutil.which(name))]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: -int(p.parent.name))
    folders = [f for f in debian + on_path if (f / "postgres").exists() and (f / "initdb").exists()]
    return folders[0] if folders and sys.platform.startswith("linux") else None


class PostgresServer:
    """A server on a free port of this machine; `new_database` gives addresses in it."""

    def __init__(self) -> None:
        self._programs = find_programs()
        self.folder = Path(tempfile.mkdtemp(prefix="digitlab-postgres-"))
        # It refuses to run as root.
        self._user = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
        if self._user:
            shutil.chown(self.folder, "nobody", "nogroup")
        (self.folder / "password").write_text(PASSWORD)
        how = ("-U", USER, "-A", "scram-sha-256", "-N", "-E", "UTF8", "--locale=C")
        data, password = self.folder / "data", self.folder / "password"
        self._run("initdb", "-D", data, "--pwfile", password, *how)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._numbers = itertools.count()
        self._process: subprocess.Popen | None = None
        self.start()

    def start(self) -> None:
        """Start the server, and return when it answers."""
        settings = (*FAST, f"port={self.port}", "listen_addresses=127.0.0.1",
                    f"unix_socket_directories={self.folder}")  # fmt: skip
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", self.folder / "data"]
            + [part for setting in settings for part in ("-c", setting)],
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("ab"),
            cwd="/",
            **self._user,
        )
        self._run("pg_isready", "-h", "127.0.0.1", "-p", str(self.port), "-t", "1", tries=600)

    def stop(self) -> None:
        """Stop the server, whoever uses it."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def _run(self, program: str, *arguments: object, tries: int = 1) -> None:
        for last in range(tries):
            done = subprocess.run(
                [self._programs / program, *arguments],
                capture_output=True,
                text=True,
                cwd="/",
                check=False,
                **self._user,
            )
            if done.returncode == 0:
                return
            time.sleep(0.1 if last < tries - 1 else 0)
        raise RuntimeError(f"{program} failed: {done.stderr}{self._log()}")

    def _log(self) -> str:
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""

    def address(self, database: str, user: str = USER, password: str = PASSWORD) -> str:
        """The address of a database, as DIGITLAB_DATABASE_URL has it."""
        from sqlalchemy import URL

        url = URL.create("postgresql", user, password, "127.0.0.1", self.port, database)
        return url.render_as_string(hide_password=False)

    def new_database(self) -> str:
        """The address of a new, empty database."""
        name = f"runs{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.address(name)

    def execute(self, statement: str) -> list[tuple]:
        """What a statement of the server's administrator gives."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def drop(self, address: str) -> None:
        """Delete a database, whoever uses it."""
        name = address.rsplit("/", 1)[1]
        with contextlib.suppress(psycopg.Error):
            self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def remove(self) -> None:
        """Stop the server and delete its files."""
        if self._process.poll() is None:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
