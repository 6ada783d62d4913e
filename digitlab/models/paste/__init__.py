"""Pasted text → an architecture, by parsing and never by executing.

`source` reads Python's syntax into plain values and layer calls, `pytorch` and `keras` translate
those calls, `printed` reads what `print(model)` writes, and `read` chooses between them.
"""

from __future__ import annotations

from digitlab.models.paste.read import read_pasted

__all__ = ["read_pasted"]
