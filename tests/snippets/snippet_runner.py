"""Running the code that the pages show."""

from __future__ import annotations

import contextlib
import io


def execute(code: str) -> tuple[dict, str]:
    """Run a snippet in a namespace of its own; its variables and what it printed."""
    names: dict = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        exec(compile(code, "snippet", "exec"), names)
    return names, printed.getvalue()
