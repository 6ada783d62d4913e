"""Text that people wrote, shown where Streamlit expects Markdown."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&])")


def plain(text: str) -> str:
    """The text with all Markdown escaped: it is shown as it was written."""
    return _MARKUP.sub(r"\\\1", text)
