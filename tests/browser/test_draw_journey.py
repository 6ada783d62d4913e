"""Drawing in a real browser with people's own strokes: read right, several at once, and declined.

The strokes are thinned from UCI's Pendigits (E. Alpaydin and F. Alimoglu, 1998,
https://doi.org/10.24432/C5MG6K), by writers that the reader has not learnt from.
"""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.visitor import PATIENCE, Visitor

FOUR = (
    "58,1 59,1 56,5 45,19 35,32 26,49 29,62 37,65 53,65 62,60 71,51 74,48 71,52 63,69 58,83 53,100"
)
TWO = "24,6 27,2 38,0 46,1 60,8 67,21 60,37 41,56 30,66 11,81 1,94 8,100 27,100 40,99 68,98 99,100"
ZERO = (
    "49,19 45,17 33,26 21,51 16,71 22,91 37,100 59,97 74,81 82,56 82,30 75,13 65,5 49,0 32,4 23,15"
)
SIX = (
    "63,2 63,1 49,21 33,50 30,81 39,94 47,99 57,99 64,93 70,82 71,74 69,66 60,60 50,60 35,63 31,66"
)
HOUSE = ("15,95 15,45 50,10 85,45 85,95 15,95", "15,45 85,45", "40,95 40,65 60,65 60,95")

COUNT_SENDS = """() => {
  const frame = document.querySelector(".st-key-canvas-frame");
  const canvas = frame.querySelector("[data-testid=stBidiComponentIsolated]");
  const button = canvas.shadowRoot.querySelector("button[title^='Update the app']");
  window.sends = 0;
  button.addEventListener("click", () => { window.sends += 1; });
}"""


def place(points, left, top, size):
    """Points of 0 to 100 as a stroke from 0 to 1 of the canvas, in a box of `size`."""
    pairs = (point.split(",") for point in points.split())
    return [(left + size * int(x) / 100, top + size * int(y) / 100) for x, y in pairs]


def test_a_person_draws_and_is_read(visit):
    tab: Visitor = visit("/Draw")
    tab.draw(place(FOUR, 0.2, 0.2, 0.6))
    expect(tab.answer()).to_have_text("4", timeout=PATIENCE)
    tab.settle()

    tab.page.get_by_role("radio", name="Arena", exact=True).click()
    tab.sees(re.compile(r"read 4"))
    tab.is_at(r"\bshow=arena\b")

    tab.button(re.compile("Clear$")).click()
    expect(tab.answer()).to_have_count(0, timeout=PATIENCE)
    tab.settle()
    for i, digit in enumerate((TWO, ZERO, TWO, SIX)):
        tab.draw(place(digit, 0.02 + 0.25 * i, 0.35, 0.2))
    expect(tab.answer()).to_have_text("2026", timeout=PATIENCE)
    tab.settle()
    tab.page.get_by_role("button", name=re.compile("Undo")).first.click()  # the canvas's own
    expect(tab.answer()).to_have_text("202", timeout=PATIENCE)

    tab.button(re.compile("Clear$")).click()
    expect(tab.answer()).to_have_count(0, timeout=PATIENCE)
    tab.settle()
    for stroke in HOUSE:
        tab.draw(place(stroke, 0.1, 0.1, 0.8))
    expect(tab.answer()).to_have_text("?", timeout=PATIENCE)
    tab.sees(re.compile("does not look like a digit"))
    tab.is_well()


def test_a_drawing_is_sent_as_soon_as_the_pen_is_lifted(visit):
    tab: Visitor = visit("/Draw")
    tab.canvas()
    tab.page.evaluate(COUNT_SENDS)
    tab.draw(place(FOUR, 0.2, 0.2, 0.6))
    assert tab.page.evaluate("window.sends") == 1  # and not 0.2 s later, by the canvas itself
    expect(tab.answer()).to_have_text("4", timeout=PATIENCE)


def test_a_photograph_by_the_camera_is_read(visit):
    tab: Visitor = visit("/Draw?source=camera")
    tab.button("Take Photo").click()
    expect(tab.answer()).to_have_text("7", timeout=PATIENCE)
    tab.settle()
    tab.button(re.compile("Clear$")).click()
    expect(tab.answer()).to_have_count(0, timeout=PATIENCE)
    tab.is_well()


def test_a_finger_draws_without_scrolling_the_page(visit):
    tab: Visitor = visit("/Draw")
    canvas = tab.canvas()
    assert canvas.evaluate("canvas => getComputedStyle(canvas).touchAction") == "none"
