"""The key of a room: a secret, by which whoever types it becomes a teacher of the room.

Only its digest is kept. Wrong keys are counted, for a minute, by who typed them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from contextlib import suppress

from digitlab import files, owners
from digitlab.classroom.room import RoomError, read_record, room_folder

TRIES = 5  # wrong keys that one visitor may type for a room within TRY_SECONDS
TRY_SECONDS = 60.0
MOST_TRIES = 1_000  # of all visitors, that are remembered: no number of them keeps a teacher out
_BYTES = 16
_TRIES = "tries"


def make_key() -> tuple[str, str]:
    """A key, and how it is shown."""
    key = base64.b32encode(secrets.token_bytes(_BYTES)).decode().rstrip("=")
    return key, "-".join(re.findall(".{1,5}", key))


def digest(key: str) -> str:
    """Of a key as a person types it: digits that base32 has not stand for letters like them."""
    typed = str(key)[:100].upper().translate(str.maketrans("018", "OIB", " -\t\n"))
    return hashlib.sha256(typed.encode()).hexdigest()


def check_key(code: str, key: str) -> None:
    """RoomError where this is not the room's key, or too many wrong ones were typed just now.

    To be called while `changing` lasts.
    """
    mine = str(owners.new_owner())
    if sum(owner == mine for _, owner in _tries(code)) >= TRIES:
        raise RoomError(f"There were too many wrong keys for room {code} just now: wait a minute.")
    if not hmac.compare_digest(str(read_record(code).get("key")), digest(key)):
        _note_try(code)
        raise RoomError(
            f"This is not the key of room {code}. It was shown when the room was opened: 26 "
            "letters and digits; capitals, spaces and hyphens do not matter."
        )


def _tries(code: str) -> list[tuple[float, str]]:
    """When wrong keys were typed just now, and whose they were."""
    with suppress(OSError, ValueError):
        tries = json.loads((room_folder(code) / _TRIES).read_text(encoding="ascii"))
        return [(when, owner) for when, owner in tries if time.time() - when < TRY_SECONDS]
    return []


def _note_try(code: str) -> None:
    tries = [*_tries(code), (time.time(), str(owners.new_owner()))]
    newest = json.dumps(tries[-MOST_TRIES:])
    files.write_atomically(room_folder(code) / _TRIES, newest, durable=False)
