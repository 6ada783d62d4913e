"""Opening a page by its link, as a visitor does, and looking at what is on it."""

from __future__ import annotations

import contextlib
import json
from functools import cache

from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

import digitlab as dl
from digitlab.ui.page import CODE
from digitlab.ui.train.recipe import MORE
from tests.conftest import PATIENCE, ROOT

# Which packages bring components: each AppTest asks anew, and reads the metadata of all of them.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
PAGES = ("Home", *sorted(path.stem for path in (ROOT / "pages").glob("*.py")))


def open_link(name: str, *, more: bool = False, **params: str) -> AppTest:
    """The page after its first run, healthy; with `more` Train's "More settings" are open."""
    app = AppTest.from_file(ROOT / "Home.py", default_timeout=PATIENCE)
    if name != "Home":
        app.switch_page(f"pages/{name}.py")
    app.query_params = params
    app.session_state[MORE] = more
    return healthy(app.run())


def healthy(app: AppTest) -> AppTest:
    """The page, after making sure that nothing in it failed."""
    assert not app.exception, [item.value for item in app.exception]
    failures = [item.value for item in app.error if "Something went wrong" in item.value]
    assert not failures, [item.value for item in app.code]
    return app


def code_of(app: AppTest) -> list[str]:
    """The lines of Python in each fold of the page; all are opened."""
    for key in app.session_state._state.filtered_state:
        if key.startswith(CODE):
            app.session_state[key] = True
    return [item.value for item in healthy(app.run()).code]


def planned_by(code: str, monkeypatch) -> list:
    """The experiments that the lines of a page's fold train together, without training them."""
    planned: list = []

    class Enough(Exception):
        pass

    def note(experiments, **_):
        planned.extend(experiments)
        raise Enough

    monkeypatch.setattr(dl, "train_sweep", note)
    with contextlib.suppress(Enough):
        exec(compile(code, "fold", "exec"), {})
    return planned


def figures(app: AppTest) -> list[dict]:
    """The figures of the page's charts, as Plotly takes them."""
    boards = [item.proto for item in app.get("bidi_component")]
    boards = [json.loads(board.json) for board in boards if board.component_name.endswith("board")]
    return [json.loads(chart["figure"]) for board in boards for chart in board["charts"]]


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
    kinds = (app.title, app.header, app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(item.value for kind in kinds for item in kind)
