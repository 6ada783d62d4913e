"""Views that stand in another site's frame: a pad that reads, and results."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from digitlab.ui.share import iframe
from tests.browser.visitor import SEVEN, Visitor


class Framed(Visitor):
    """A visitor of another site who sees the app in its frame."""

    def canvas(self):
        canvas = self.page.frame_locator("iframe").locator("canvas.upper-canvas")
        expect(canvas).to_be_visible()
        self.wait_for_rest(canvas)  # the frame may still grow
        return canvas


@pytest.fixture
def framed(browser, lab, tmp_path):
    """A function that opens another site, from disk, with a view of the bundled reader."""
    pages = []

    def open_frame(path: str, width: int) -> Framed:
        site = tmp_path / "site.html"
        site.write_text(f"<h1>Another site</h1>{iframe(lab.url + path, 'Reader')}", "utf-8")
        pages.append(browser.new_page(viewport={"width": width, "height": 800}))
        visitor = Framed(pages[-1], lab.url)
        pages[-1].goto(site.as_uri())
        return visitor

    yield open_frame
    for page in pages:
        page.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_digit_is_drawn_and_read_in_the_frame_of_another_site(framed, width):
    visitor = framed("/Draw?run=reader&view=draw", width)
    visitor.draw(SEVEN)
    frame = visitor.page.frame_locator("iframe")
    answer = frame.get_by_test_id("stHtml").get_by_role("status")
    expect(answer).to_have_text("7")
    expect(answer).to_be_in_viewport(ratio=1)
    expect(frame.get_by_role("heading", name="Reader of drawings")).to_be_in_viewport(ratio=1)
    expect(frame.get_by_test_id("stSidebar")).to_be_hidden()
    assert not visitor.problems


def test_results_are_seen_in_the_frame_of_another_site(framed):
    visitor = framed("/Results?run=reader&view=results", 1280)
    frame = visitor.page.frame_locator("iframe")
    expect(frame.get_by_text("99.53 %")).to_be_in_viewport()
    expect(frame.locator(".gtitle", has_text="Confusion matrix")).to_be_visible()
    main = frame.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    assert not visitor.problems
