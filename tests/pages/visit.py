"""Opening a page by its link, as a visitor does, and looking at what is on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]
PAGES = ("Home", *sorted(path.stem for path in (ROOT / "pages").glob("*.py")))


def open_link(name: str, **params: str) -> AppTest:
    """The page after its first run, healthy."""
    app = AppTest.from_file(ROOT / "Home.py", default_timeout=60)
    if name != "Home":
        app.switch_page(f"pages/{name}.py")
    app.query_params = params
    return healthy(app.run())


def healthy(app: AppTest) -> AppTest:
    """The page, after making sure that nothing in it failed."""
    assert not app.exception, [item.value for item in app.exception]
    failures = [item.value for item in app.error if "Something went wrong" in item.value]
    assert not failures, [item.value for item in app.code]
    return app


def find(widgets, label: str):
    """The only widget with this label, or else with a label that starts with it."""
    matches = [widget for widget in widgets if widget.label == label]
    matches = matches or [widget for widget in widgets if widget.label.startswith(label)]
    assert len(matches) == 1, f"{label!r} is not among {labels(widgets)}"
    return matches[0]


def labels(widgets) -> list[str]:
    return [widget.label for widget in widgets]


def words(app: AppTest) -> str:
    """All sentences of the page, in one text."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(item.value for kind in kinds for item in kind)


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait until the condition holds; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.1)
