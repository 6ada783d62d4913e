"""Drawing in a real browser with people's own strokes: read right, several at once, and declined.

The strokes are thinned from UCI's Pendigits (E. Alpaydin and F. Alimoglu, 1998,
https://doi.org/10.24432/C5MG6K), by writers that the reader has not learnt from.
"""

from __future__ import annotations

import re

from PIL import Image
from playwright.sync_api import expect

from tests.browser.visitor import Visitor
from tests.conftest import wait_for

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
    tab: Visitor = visit("/Draw?run=reader")
    tab.draw(place(FOUR, 0.2, 0.2, 0.6))
    expect(tab.answer()).to_have_text("4")
    tab.settle()

    tab.page.get_by_role("radio", name="Arena", exact=True).click()
    tab.sees(re.compile(r"read 4"))
    tab.is_at(r"\bshow=arena\b")

    tab.button(re.compile("Clear$")).click()
    expect(tab.answer()).to_have_count(0)
    tab.settle()
    for i, digit in enumerate((TWO, ZERO, TWO, SIX)):
        tab.draw(place(digit, 0.02 + 0.25 * i, 0.35, 0.2))
    expect(tab.answer()).to_have_text("2026")
    tab.settle()
    tab.button(re.compile("Undo$")).click()
    expect(tab.answer()).to_have_text("202")

    tab.button(re.compile("Clear$")).click()
    expect(tab.answer()).to_have_count(0)
    tab.settle()
    for stroke in HOUSE:
        tab.draw(place(stroke, 0.1, 0.1, 0.8))
    expect(tab.answer()).to_have_text("?")
    tab.sees(re.compile("does not look like a digit"))
    tab.is_well()


def test_a_drawing_is_sent_as_soon_as_the_pen_is_lifted(visit):
    tab: Visitor = visit("/Draw?run=reader")
    tab.canvas()
    tab.page.evaluate(COUNT_SENDS)
    tab.draw(place(FOUR, 0.2, 0.2, 0.6))
    assert tab.page.evaluate("window.sends") == 1  # and not 0.2 s later, by the canvas itself
    expect(tab.answer()).to_have_text("4")


INK_AT = """(canvas, [x, y]) => {
  const [across, down] = [Math.round(x * canvas.width), Math.round(y * canvas.height)];
  return canvas.getContext("2d").getImageData(across, down, 1, 1).data[0];
}"""


def ink_at(tab, x, y):
    """The brightness of the drawing at a place from 0 to 1 of its sides."""
    return tab.page.locator("canvas.dc-canvas.lower-canvas").evaluate(INK_AT, [x, y])


def _fits(canvas, width):
    """Whether it is whole in the window; a narrow one it fills between the page's margins."""
    return (
        canvas["x"] >= 0
        and canvas["x"] + canvas["width"] <= width
        and (width >= 640 or canvas["width"] == width - 32)
    )


def test_strokes_land_under_the_pointer_at_every_width(visit):
    tab: Visitor = visit("/Draw?run=reader", viewport={"width": 320, "height": 844})
    for width in (320, 390, 853, 1280):
        tab.page.set_viewport_size({"width": width, "height": 844})
        wait_for(lambda width=width: _fits(tab.canvas().bounding_box(), width))
        canvas = tab.canvas().bounding_box()
        tab.draw(((0.25, 0.25), (0.75, 0.25), (0.45, 0.8)))
        expect(tab.answer()).to_have_text("7")
        expect(tab.answer()).to_be_in_viewport()
        for x, y, ink in ((0.26, 0.25, 255), (0.7, 0.25, 255), (0.46, 0.78, 255), (0.3, 0.6, 0)):
            assert ink_at(tab, x, y) == ink
        assert tab.canvas().bounding_box() == canvas  # the answer has not moved it
        tab.button(re.compile("Clear$")).click()
        expect(tab.answer()).to_have_count(0)
        tab.settle()
    tab.is_well()


def test_a_digit_is_drawn_and_read_by_keyboard(visit):
    tab: Visitor = visit("/Draw?run=reader")
    tab.canvas()
    pen = tab.page.get_by_role("application", name=re.compile("^Canvas to draw digits on"))
    tab.page.get_by_role("radio", name="Camera").focus()
    tab.page.keyboard.press("Tab")
    expect(pen).to_be_focused()
    for key in (*["ArrowLeft"] * 6, "Space", *["ArrowRight"] * 12):
        tab.page.keyboard.press(key)
    for _ in range(12):
        tab.page.keyboard.press("ArrowDown")
        tab.page.keyboard.press("Shift+ArrowLeft")
        tab.page.keyboard.press("Shift+ArrowLeft")
    tab.page.keyboard.press("Enter")
    expect(tab.answer()).to_have_text("7")
    tab.settle()  # it was sent once: a second time would interrupt the page
    expect(pen).to_be_focused()
    tab.page.keyboard.press("Backspace")
    expect(tab.answer()).to_have_count(0)

    tab.button("Show me an example").press("Enter")
    expect(tab.answer()).to_have_text(re.compile(r"^\d+$"))
    tab.button("More").press("Enter")
    tab.enter("Write digits for me", "2026")
    expect(tab.answer()).to_have_text("2026")
    tab.is_well()


def test_a_photograph_by_the_camera_is_read(visit):
    tab: Visitor = visit("/Draw?run=reader&source=camera")
    tab.page.wait_for_function("document.querySelector('video')?.currentTime > 0")
    tab.button("Take Photo").click()
    expect(tab.answer()).to_have_text("7")
    tab.settle()
    tab.button(re.compile("Clear$")).click()
    expect(tab.answer()).to_have_count(0)
    tab.is_well()


def test_a_photograph_without_ink_is_told_so(visit, tmp_path):
    Image.new("L", (640, 480)).save(tmp_path / "black.png")
    tab: Visitor = visit("/Draw?run=reader&source=photo")
    tab.page.locator("input[type=file]").set_input_files(tmp_path / "black.png")
    tab.sees(re.compile("No ink was found in this photo"))
    tab.is_well()


def test_a_finger_draws_without_scrolling_the_page(visit):
    tab: Visitor = visit("/Draw?run=reader")
    canvas = tab.canvas()
    assert canvas.evaluate("canvas => getComputedStyle(canvas).touchAction") == "none"
