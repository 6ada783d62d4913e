"""A person at a browser: opens pages, reads, clicks, draws."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Error, Locator, Page, expect

from digitlab.ui.visitor import COOKIE
from tests import conftest
from tests.conftest import wait_for

_FILES = (Path(__file__).parents[2] / "pages").glob("*.py")
PAGES = ("/", *(f"/{path.stem.split('_', 1)[1]}" for path in sorted(_FILES)))
SECONDS = 1_000  # in Playwright's milliseconds
PATIENCE = conftest.PATIENCE * SECONDS
expect.set_options(timeout=PATIENCE)

Stroke = Sequence[tuple[float, float]]  # points from 0 to 1, of the canvas's width and height
SEVEN: Stroke = ((0.25, 0.25), (0.75, 0.25), (0.45, 0.8))
ONE: Stroke = ((0.5, 0.2), (0.5, 0.8))

_DONE = (
    '[data-testid="stApp"][data-test-script-state="notRunning"]'
    '[data-test-connection-state="CONNECTED"]'
)
_PLACE = """(plot, [index, mode]) => {
  const trace = plot._fullData.find(t => t.customdata && (!mode || t.mode === mode));
  const {xaxis, yaxis} = plot._fullLayout, box = plot.getBoundingClientRect();
  return [box.x + xaxis._offset + xaxis.d2p(trace.x[index]),
          box.y + yaxis._offset + yaxis.d2p(trace.y[index])];
}"""
_PAYLOADS = """plot => {
  const trace = plot._fullData.find(t => t.customdata && t.mode === 'markers');
  return trace.customdata.map(entry => Array.from(entry));
}"""


class Visitor:
    """One tab."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on("console", self._note)

    def _note(self, message) -> None:
        # On a deep link Streamlit's own client first looks for its server below the page's path.
        ours = "_stcore" not in message.location.get("url", "")
        if message.type == "error" and ours:
            self.problems.append(f"console: {message.text}")

    def open(self, path: str) -> Visitor:
        """Go to a page and wait until it is complete."""
        self.page.goto(self.base + path)
        return self.settle()

    def reload(self) -> Visitor:
        self.page.reload()
        return self.settle()

    def settle(self) -> Visitor:
        """Wait until the page's script has ended."""
        self.page.locator("h1").wait_for()
        self.page.locator(_DONE).wait_for()
        return self

    def secret(self) -> str:
        """By what a hosted app knows this visitor, once the browser keeps it."""
        self.page.wait_for_function(f"document.cookie.includes('{COOKIE}=')")
        cookies = self.page.context.cookies()
        return next(cookie["value"] for cookie in cookies if cookie["name"] == COOKIE)

    def sees(self, text: str | re.Pattern) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible()

    def is_at(self, pattern: str) -> None:
        """The URL holds, or comes to hold, this regular expression."""
        expect(self.page).to_have_url(re.compile(pattern))

    def scroll_to(self, place: Locator) -> None:
        """Bring something into view; a page that is still loading may replace it meanwhile."""
        end = time.monotonic() + PATIENCE / SECONDS
        while True:
            try:
                place.scroll_into_view_if_needed(timeout=5 * SECONDS)
                expect(place).to_be_in_viewport(timeout=5 * SECONDS)
                return
            except (Error, AssertionError):
                if time.monotonic() > end:
                    raise

    def wait_for_rest(self, place: Locator) -> None:
        """Wait until something stays where it is, and as large as it is, for half a second."""
        boxes = [place.bounding_box()]

        def rests() -> bool:
            self.page.wait_for_timeout(500)
            boxes.append(place.bounding_box())
            return boxes[-2] == boxes[-1] is not None

        wait_for(rests)

    def choose(self, label: str, option: str) -> None:
        """Pick an option of a select box."""
        box = self.page.get_by_test_id("stSelectbox").filter(
            has=self.page.get_by_text(label, exact=True)
        )
        self.scroll_to(box)
        self.wait_for_rest(box)  # a page that still scrolls closes the list again
        box.get_by_role("combobox").click()
        box.get_by_role("combobox").fill(option)  # long lists hold only what is in view
        self.page.get_by_role("option", name=option, exact=True).click()

    def button(self, name: str | re.Pattern) -> Locator:
        """A button of the page itself; Streamlit's header may have a Stop of its own."""
        return self.page.get_by_test_id("stMainBlockContainer").get_by_role("button", name=name)

    def enter(self, label: str, value: str) -> None:
        """Type into a field; a page that is still loading may replace it meanwhile."""
        field = self.page.get_by_label(label, exact=True)
        end = time.monotonic() + PATIENCE / SECONDS
        while True:
            field.fill(value)
            self.page.wait_for_timeout(300)
            if field.input_value() == value or time.monotonic() > end:
                break
        field.press("Enter")

    def chart(self, title: str) -> Locator:
        """The Plotly chart whose title begins so, visible and complete."""
        chart = self.page.locator(f".live-charts > [data-title^='{title}']:visible")
        # While a page runs, Streamlit may keep the old chart in the page, hidden.
        expect(chart).to_have_count(1)
        self.scroll_to(chart)  # a chart is drawn when it comes into sight
        expect(chart.locator(".gtitle")).to_be_visible()
        return chart

    def click_point(self, chart: Locator, index: int) -> None:
        """Click a chart's point where the eye sees it."""
        self.scroll_to(chart)
        self.settle()
        self.page.mouse.click(*chart.evaluate(_PLACE, [index, "markers"]))

    def payloads(self, chart: Locator) -> list[list[int]]:
        """The custom data of each clickable point of a chart."""
        return chart.evaluate(_PAYLOADS)

    def canvas(self) -> Locator:
        canvas = self.page.locator("canvas.upper-canvas")
        expect(canvas).to_be_visible()
        self.scroll_to(canvas)
        return canvas

    def draw(self, stroke: Stroke) -> None:
        """One stroke with the mouse."""
        start, *points = self._on_screen(stroke)
        self.page.mouse.move(*start)
        self.page.mouse.down()
        for point in points:
            self.page.mouse.move(*point, steps=8)
        self.page.mouse.up()

    def draw_with_a_finger(self, stroke: Stroke) -> None:
        """One stroke by touch."""
        touch = self.page.context.new_cdp_session(self.page)
        points = self._on_screen(stroke)
        kinds = ["touchStart", *["touchMove"] * (len(points) * 8)]
        path = [_between(points, i / (len(kinds) - 1)) for i in range(len(kinds))]
        for kind, (x, y) in zip(kinds, path, strict=True):
            touch.send(
                "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]}
            )
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def _on_screen(self, stroke: Stroke) -> list[tuple[float, float]]:
        box = self.canvas().bounding_box()
        return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]

    def answer(self) -> Locator:
        """The digit that the network reads, once there is one."""
        return self.page.get_by_test_id("stHtml").get_by_role("status")

    def is_well(self) -> None:
        """Nothing on the page failed, and nothing in the browser's console."""
        expect(self.page.get_by_text("Something went wrong")).to_have_count(0)
        expect(self.page.get_by_test_id("stException")).to_have_count(0)
        assert not self.problems


def _between(points: Sequence[tuple[float, float]], share: float) -> tuple[float, float]:
    """The place on a polyline after this share of its corners."""
    place = share * (len(points) - 1)
    i = min(int(place), len(points) - 2)
    (x0, y0), (x1, y1) = points[i], points[i + 1]
    return x0 + (place - i) * (x1 - x0), y0 + (place - i) * (y1 - y0)
