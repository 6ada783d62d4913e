"""A photo with boxes is read as a form, corrected and kept; a photographed sheet becomes data."""

from __future__ import annotations

import contextlib
import re

from playwright.sync_api import Error, Locator

from tests.browser.visitor import SECONDS, Visitor
from tests.conftest import wait_for
from tests.drawing.photographed import boxed_page, filled_sheet, photograph


def test_a_photo_with_boxes_is_read_corrected_and_kept(visit, tmp_path):
    photograph(boxed_page(["470", "1 2"], gap=20), longest=900).save(tmp_path / "form.png")
    photograph(filled_sheet(), 2, quarters=1).save(tmp_path / "sheet.png")
    tab: Visitor = visit("/Draw?run=reader&source=photo&show=collect&collection=class-7b")
    tab.page.locator("input[type=file]").first.set_input_files(tmp_path / "form.png")
    tab.sees("This photo has 2 × 3 boxes.")
    tab.sees("5 of 6 boxes are written in.")
    tab.sees("Keep 5 digits in class-7b")
    tab.settle()
    for width, (x, text) in ((1280, (0.25, "9")), (390, (0.55, "1"))):  # the 4, the 7
        tab.page.set_viewport_size({"width": width, "height": 844})
        table = tab.page.get_by_test_id("stDataFrame").first
        table.evaluate("table => table.scrollIntoView({block: 'center'})")
        tab.wait_for_rest(table)  # it is drawn anew
        place = table.bounding_box()
        assert place["x"] + place["width"] <= width
        editor = _open_cell(tab, place["x"] + x * place["width"], place["y"] + 50)
        editor.fill(text)
        editor.press("Enter")
        tab.sees(f"{1 if width == 1280 else 2} corrected.")
        tab.settle()
    tab.button(re.compile("Keep 5 digits")).click()
    tab.sees("Kept with the table's labels.")
    tab.sees("5 drawings: 1 × 0, 2 × 1, 1 × 2, 1 × 9.")

    tab.page.get_by_text("Collect on paper", exact=True).click()
    tab.page.locator("input[type=file][multiple]").set_input_files(tmp_path / "sheet.png")
    tab.sees("100 digits cut out")
    tab.button(re.compile("Keep 100 digits")).click()
    tab.sees("Kept: 100 digits are in class-7b.")
    tab.sees("105 drawings")
    tab.is_well()


def _open_cell(tab: Visitor, x: float, y: float) -> Locator:
    """The editor of the cell at this place; a table that is still drawn misses a key."""
    editor = tab.page.locator("#portal textarea, #portal input")

    def opens() -> bool:
        if not editor.count():
            tab.page.mouse.click(x, y)
            tab.page.keyboard.press("Enter")
            with contextlib.suppress(Error):
                editor.wait_for(timeout=5 * SECONDS)
        return editor.count() == 1

    wait_for(opens)
    return editor
