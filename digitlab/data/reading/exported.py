"""The mark of a file that digitlab itself exported: its images are read back as they are."""

from __future__ import annotations

import json
from collections.abc import Sequence

from digitlab.errors import UploadError, reason

ARRAY = "digitlab"  # of an NPZ: the bytes of a JSON text, so that nothing is pickled …
FILE = "digitlab.json"  # … which a ZIP holds as it is
MAX_BYTES = 200_000


def write_mark(classes: Sequence[str]) -> bytes:
    """The mark of an export: the names of its classes, to which labels are indices."""
    return json.dumps({"classes": list(classes)}, ensure_ascii=False).encode()


def read_mark(content: bytes, where: str) -> tuple[str, ...]:
    """The classes that a mark names; UploadError where it is damaged."""
    try:
        classes = json.loads(content)["classes"]
        if not all(isinstance(name, str) for name in classes):
            raise TypeError("a class is no text")
        return tuple(classes)
    except (ValueError, KeyError, TypeError, RecursionError) as e:
        raise UploadError(f"The classes in {where} are damaged ({reason(e)}).") from e
