"""A visitor's surroundings: nothing but optdigits on disk, and no run left behind."""

from __future__ import annotations

import os

import pytest

from digitlab.data.registry import is_available
from digitlab.jobs import queue
from digitlab.runs import store
from digitlab.ui.visitor import PROOF

pytest.register_assert_rewrite("tests.pages.visit", "tests.pages.workbench")

from tests.conftest import PATIENCE, ROOT, wait_for  # noqa: E402
from tests.pages.visit import (  # noqa: E402 - after its assertions explain themselves
    AppTest,
    healthy,
    open_link,
)

_REAL_DATA = os.environ.get("DIGITLAB_DATA", "")


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    """An empty DIGITLAB_DATA: pages must do with the embedded dataset."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("DIGITLAB_DATA", str(folder))
    return folder


@pytest.fixture
def real_mnist(data_folder, monkeypatch):
    """DIGITLAB_DATA as it is on this machine; skipped where it has no MNIST."""
    monkeypatch.setenv("DIGITLAB_DATA", _REAL_DATA)
    if not is_available("mnist"):
        pytest.skip("MNIST is not on disk: set DIGITLAB_DATA to a folder that holds it")


@pytest.fixture(autouse=True)
def _no_run_left_behind(home):
    """Stop what a test started, and wait for its process to leave."""
    yield
    if not home.exists():
        return
    for record in queue.active_runs():
        queue.stop(record.id)
    wait_for(lambda: not store.list_records(("running", "queued")))


@pytest.fixture
def open_page():
    """Open `Home` or a page such as `1_Data` by a link with these parameters."""
    return open_link


@pytest.fixture
def visit_class(monkeypatch):
    """Open a page of a class's server, the page Class if no other, as the visitor of a secret."""
    monkeypatch.setenv("DIGITLAB_HOSTED", "class")

    def visit(proof, name="8_Class", **params):
        app = AppTest.from_file(ROOT / "Home.py", default_timeout=PATIENCE)
        app.switch_page(f"pages/{name}.py")
        app.query_params = params
        app.session_state[PROOF] = proof
        return healthy(app.run())

    return visit
