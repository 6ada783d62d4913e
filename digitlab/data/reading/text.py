"""The bytes of a text in UTF-8, whichever of its encodings a program saved it in."""

from __future__ import annotations

import codecs

_LOOKED_AT = 64  # bytes
_MARKED = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def to_utf8(content: bytes) -> bytes:
    """The text without its mark of byte order; what is no UTF-16 is left as it is.

    UnicodeDecodeError where it says that it is UTF-16 and is not.
    """
    encoding = _MARKED.get(content[:2]) or _unmarked(content[:_LOOKED_AT])
    if encoding:
        return content.decode(encoding).encode()
    return content.removeprefix(codecs.BOM_UTF8)


def _unmarked(head: bytes) -> str:
    """UTF-16 of a text that begins with plain signs, as 7 is 37 00; "" for another one."""
    for first, encoding in ((0, "utf-16-be"), (1, "utf-16-le")):
        if len(head) > 3 and not any(head[first::2]) and all(head[1 - first :: 2]):
            return encoding
    return ""
