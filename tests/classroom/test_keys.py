"""The key of a room is kept nowhere, and cannot be guessed."""

from __future__ import annotations

import pytest

from digitlab import owners
from digitlab.classroom import keys, teachers
from digitlab.classroom.room import RoomError
from tests.classroom.conftest import EVE


def test_no_file_holds_the_key(opened, home):
    _code, key = opened
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert key.encode() not in kept
    assert key.replace("-", "").encode() not in kept


def test_wrong_keys_are_counted_for_who_typed_them_alone(opened, monkeypatch):
    code, key = opened
    with owners.acting_for(EVE):
        for _ in range(keys.TRIES):
            with pytest.raises(RoomError, match="not the key"):
                teachers.teach(code, "A" * 26)
        with pytest.raises(RoomError, match="wait a minute"):
            teachers.teach(code, key)
    for number in range(25):
        with owners.acting_for(owners.owner_of(f"cookie {number}")):
            for _ in range(keys.TRIES):
                with pytest.raises(RoomError, match="not the key"):
                    teachers.teach(code, "B" * 26)
    with owners.acting_for(owners.owner_of("the teacher's phone")):
        teachers.teach(code, key)  # however many others try
    with owners.acting_for(EVE):
        monkeypatch.setattr(keys, "TRY_SECONDS", 0.0)
        assert len(teachers.teach(code, f" {key.lower().replace('-', ' ')} ").members) == 2
