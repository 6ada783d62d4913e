"""Whatever strangers call their things, a visitor's browser asks no other address."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from digitlab.runs import store
from tests.browser.served import Lab
from tests.browser.visitor import PAGES, Visitor
from tests.pages.test_names_as_written import make_runs

PARAMETERS = (
    "run runs dataset collection sweep preset model spec section show class read true board"
)


class Listener(ThreadingHTTPServer):
    """A server that somebody else runs; `heard` are the paths that browsers asked it for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.heard: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.heard.append(self.path)
        self.send_error(404)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_no_name_makes_a_browser_ask_another_server(browser, listener, home, tmp_path):
    url = listener.url
    tags = [f"<img src={url}/a>", f"![p]({url}/b)"]
    hostile = " ".join(tags)
    runs = make_runs(hostile, tags)
    origin = {"id": "", "at": 0.0, "file": hostile, "sha256": "0" * 64, "format": hostile}
    data = store.get_record(runs[1]).data.changed(imported=origin)
    store.update_run(runs[1], data=data.model_dump(), message=hostile, notices=[hostile])
    lab = Lab(tmp_path)
    lab.start()
    try:
        visitor = Visitor(browser.new_page(viewport={"width": 1280, "height": 900}), lab.url)
        for place in places(runs, hostile):
            visitor.open(place)
            visitor.page.wait_for_timeout(100)  # an image is asked for once it is on the page
            expect(visitor.page.get_by_text("Something went wrong")).to_have_count(0)
        assert not listener.heard
        visitor.sees(hostile)
        visitor.page.close()
    finally:
        lab.kill()


def test_pages_with_headers_work_and_cannot_ask_another_server(browser, listener, home, tmp_path):
    lab = Lab(tmp_path, ".streamlit/serve.py")
    lab.start()
    try:
        visitor = Visitor(browser.new_page(viewport={"width": 1280, "height": 900}), lab.url)
        for place in ("/Data", "/Results?run=lenet&section=learning", "/Draw"):
            visitor.open(place)
            visitor.is_well()
        visitor.canvas()
        ask = f"fetch('{listener.url}/x', {{mode: 'no-cors'}}).then(() => 'sent', () => 'refused')"
        assert visitor.page.evaluate(ask) == "refused"
        visitor.page.close()
    finally:
        lab.kill()
    assert not listener.heard


def places(runs: list[str], hostile: str) -> Iterator[str]:
    """Links with these values in every parameter, and the pages on which the names are shown."""
    for page in PAGES:
        yield f"{page}?{urlencode(dict.fromkeys(PARAMETERS.split(), hostile))}"
    first, second = runs
    yield "/"
    yield "/Train?sweep=hostile"
    yield f"/Train?run={second}"
    yield f"/Results?run={second}&section=confusion&true=0"
    yield f"/Compare?runs={first},{second}&section=leaderboard"
    yield f"/Draw?run={first}&show=arena&readers={first},{second}"
    yield f"/Results?run={second}"
