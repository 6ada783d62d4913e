"""The data lab in a real browser: an area on the map, corrections by keys, a version, a verdict."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.visitor import Visitor

TILES = ".lab-gallery button"


def test_images_in_an_area_are_corrected_by_keys_saved_and_compared(visit):
    tab: Visitor = visit("/Data?dataset=optdigits&section=map&with=logistic-regression&tries=1")
    draw_around(tab, tab.chart("PCA of"))
    tab.sees(re.compile(r"^\d+ selected$"))
    tiles = tab.page.locator(TILES)
    expect(tiles.nth(3)).to_be_visible()

    tiles.nth(0).click()
    tab.is_at(r"\blook=train\.\d+")
    for key in ("1", "2", "Delete", "3"):
        tab.page.keyboard.press(key)  # faster than the server answers
    tab.page.keyboard.press("Control+z")
    captions = [expect(tiles.nth(i).locator("small")) for i in range(4)]
    captions[3].not_to_have_text("→ 3")
    tab.settle()
    kept = [tiles.nth(i).locator("small").inner_text() for i in range(3)]
    assert kept[2] == "dropped"
    assert set(kept[:2]) <= {"→ 1", "→ 2", "1", "2"}
    tab.reload()  # what is not saved is in the link
    captions = [expect(tiles.nth(i).locator("small")) for i in range(3)]
    for caption, text in zip(captions, kept, strict=True):
        caption.to_have_text(text)

    tab.button(re.compile("not saved yet")).click()
    tab.enter("Name of the new version", "by-keys")
    tab.button("Save as a new version").click()
    tab.is_at(r"\bdataset=by-keys\b")
    tab.button("Train on both").click()
    tab.sees(re.compile("^Judged on 359 test images that both have"))
    tab.page.get_by_role("link", name="Compare them image by image").click()
    tab.sees("Its test part was not changed")
    tab.sees("Is the difference significant?")
    tab.is_well()


def draw_around(tab: Visitor, chart) -> None:
    """Draw a line around the left lower quarter of the map."""
    tab.settle()
    area = chart.locator(".nsewdrag").first.bounding_box()
    left, top = area["x"] + 0.2 * area["width"], area["y"] + 0.5 * area["height"]
    wide, high = 0.35 * area["width"], 0.48 * area["height"]
    mouse = tab.page.mouse
    mouse.move(left, top)
    mouse.down()
    for right, down in ((1, 0), (1, 1), (0, 1), (0, 0)):
        mouse.move(left + right * wide, top + down * high, steps=8)
    mouse.up()
