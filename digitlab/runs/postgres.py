"""Postgres as the run store: its address, its driver, and what its errors mean for a person."""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

from sqlalchemy import URL, Connection, text
from sqlalchemy.engine import make_url

from digitlab.files import finite
from digitlab.settings import read_settings

DRIVER = "psycopg[binary]>=3.2,<4"
CONNECT_SECONDS = 10
LOCK_SECONDS = 15  # for which a statement waits for another's lock
TABLES, QUEUE = 7_340_001, 7_340_002  # numbers of digitlab's locks

# A machine that is cut off holds no lock for longer than a minute.
_OPTIONS = (
    f"-c lock_timeout={LOCK_SECONDS}s -c idle_in_transaction_session_timeout=60s "
    "-c tcp_keepalives_idle=20 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
)
_REASONS = (
    (r"password authentication failed|no password supplied", "it refuses the user or the password"),
    (r"role .* does not exist", "it has no user of this name"),
    (r"database .* does not exist", "it has no database of this name: `createdb` makes one"),
    (r"resolve host|translate host|name or service not known", "no such host is known"),
    (r"connection refused|no such file or directory", "nothing listens there"),
    (r"timeout expired|timed out", "it did not answer in time"),
    (r"too many (clients|connections)|remaining connection slots", "it has no connection left"),
    (r"starting up|shutting down|recovery mode", "it is starting or stopping"),
    (
        r"permission denied",
        "the user may not make or use its tables: GRANT ALL ON SCHEMA public, and on ALL TABLES IN "
        "SCHEMA public, TO the user",
    ),
    (r"no space left|could not extend file", "its disk is full"),
    (r"lock timeout", f"another program holds a lock for more than {LOCK_SECONDS} s"),
    (r"closed|terminat|lost|broken|reset by peer", "the connection to it was lost"),
)


def read_address(address: str) -> URL:
    """The address of a store; Postgres is reached by psycopg 3 unless it names another driver.

    Raises ArgumentError where it is none.
    """
    url = make_url(re.sub(r"^postgres(?=[:+])", "postgresql", address))
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def is_postgres(url: URL) -> bool:
    """Whether the address is one of a Postgres server."""
    return url.get_backend_name() == "postgresql"


def is_chosen() -> bool:
    """Whether the run store of this process is one."""
    return is_postgres(read_address(read_settings().database_url))


def engine_options(url: URL) -> dict[str, Any]:
    """Arguments for `create_engine`: a connection that was lost is noticed and made anew."""
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS}
    if "options" not in url.query:
        arguments["options"] = _OPTIONS
    return {"pool_pre_ping": True, "connect_args": arguments, "json_serializer": _write_json}


def _write_json(value: Any) -> str:
    return json.dumps(finite(value))  # Postgres refuses NaN, which JSON lacks


def lock(connection: Connection, number: int) -> None:
    """Wait until no other transaction holds this lock of digitlab's, then hold it to the end."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def try_lock(connection: Connection, name: str) -> bool:
    """Hold the lock of this name to the transaction's end, where nobody holds it; whether it is."""
    number = (TABLES << 32) + zlib.crc32(name.encode())
    query = text("SELECT pg_try_advisory_xact_lock(:number)")
    return bool(connection.scalar(query, {"number": number}))


def allow_idling(connection: Connection) -> None:
    """Let a transaction last that only holds a lock while others do what it is for.

    The lock of a machine that is cut off ends with its connection all the same.
    """
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '15min'"))


def explain(url: URL, reason: str) -> str:
    """What went wrong with the server, and what to do, in two sentences."""
    place = f"The Postgres server {url.host or 'of this machine'}"
    place += f":{url.port}" if url.port else ""
    meaning = next((m for pattern, m in _REASONS if re.search(pattern, reason, re.I)), "")
    return (
        f"{place} cannot be used as the run store, database {url.database}, user {url.username}: "
        f"{meaning or 'see its reason'} ({reason}). Check that it runs, and "
        "DIGITLAB_DATABASE_URL=postgresql://USER:PASSWORD@HOST:PORT/DATABASE. Nothing is lost: "
        "runs wait until it is there."
    )


def explain_driver(url: URL) -> str:
    """What is missing to reach the server."""
    return (
        f"The driver {url.get_driver_name()} for the run store "
        f"{url.render_as_string(hide_password=True)} is not installed. Postgres is reached by "
        f"psycopg 3: pip install '{DRIVER}', and DIGITLAB_DATABASE_URL begins with postgresql://."
    )
