"""Running the code that the pages show."""

from __future__ import annotations

import contextlib
import inspect
import io
from types import ModuleType


def execute(code: str) -> tuple[dict, str]:
    """Run a snippet in a namespace of its own; its variables and what it printed."""
    names: dict = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        exec(compile(code, "snippet", "exec"), names)
    return names, printed.getvalue()


def untested(snippets: ModuleType, tests: dict) -> set[str]:
    """The snippets of a module that have no test of their name."""
    names = {
        name
        for name, value in vars(snippets).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }
    return {name for name in names if f"test_{name}" not in tests}
