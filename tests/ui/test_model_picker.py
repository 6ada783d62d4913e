"""An architecture in a link: packed short, unpacked safely."""

from __future__ import annotations

import base64
import time
import zlib

import pytest

from digitlab.errors import SpecError
from digitlab.models.presets import list_presets
from digitlab.models.spec import ModelSpec
from digitlab.ui.model_picker import MAX_BYTES, pack, unpack


def compress(content: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(content, 9)).decode().rstrip("=")


@pytest.mark.parametrize("preset", list_presets(), ids=lambda preset: preset.name)
def test_every_preset_comes_back_from_a_link_as_it_was(preset):
    assert unpack(pack(preset.spec)) == preset.spec


def test_a_packed_architecture_is_safe_in_a_url_and_short():
    spec = ModelSpec(name="Größe & Co. <b>?", layers=["Flatten", {"Linear": {"out_features": 10}}])
    text = pack(spec)
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert len(text) < 300
    assert unpack(text) == spec


@pytest.mark.parametrize("text", ["garbage", "a", "%%%", "ünicode", "../../etc/passwd", "=" * 50])
def test_garbage_is_refused_with_advice(text):
    with pytest.raises(SpecError, match="link"):
        unpack(text)


@pytest.mark.parametrize("length", [10, 40, 90, -1])
def test_a_link_that_was_cut_off_is_called_incomplete(length):
    whole = pack(list_presets()[-1].spec)
    with pytest.raises(SpecError, match="cut off"):
        unpack(whole[:length])


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe", b'{"name": "x"}', b"null"])
def test_other_content_is_refused(content):
    with pytest.raises(SpecError):
        unpack(compress(content))


def test_a_small_link_cannot_fill_the_memory():
    bomb = compress(bytes(200_000_000))
    assert len(bomb) < MAX_BYTES * 2
    begin = time.process_time()
    with pytest.raises(SpecError, match="larger than"):
        unpack(bomb)
    assert time.process_time() - begin < 1
