"""The key of a room: a secret, by which whoever types it becomes a teacher of the room.

Only its digest is kept. Wrong keys are counted, for a minute, by who typed them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

from digitlab import owners
from digitlab.classroom.room import RoomError, read_record, room_folder
from digitlab.classroom.tries import list_tries, note_try

TRIES = 5  # wrong keys that one visitor may type for a room within TRY_SECONDS
TRY_SECONDS = 60.0
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
    tries = room_folder(code) / _TRIES
    if list_tries(tries, TRY_SECONDS).count(str(owners.new_owner())) >= TRIES:
        raise RoomError(f"There were too many wrong keys for room {code} just now: wait a minute.")
    if not hmac.compare_digest(str(read_record(code).get("key")), digest(key)):
        note_try(tries)
        raise RoomError(
            f"This is not the key of room {code}. It was shown when the room was opened: 26 "
            "letters and digits; capitals, spaces and hyphens do not matter."
        )
