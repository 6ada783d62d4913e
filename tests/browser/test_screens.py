"""Every page on a phone and on a desk, in the light and in the dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import PAGES, PATIENCE, SEVEN, Visitor

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "color_scheme": "dark"}
DESK = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}
TOO_WIDE = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  return Math.max(document.documentElement.scrollWidth - innerWidth,
                  main.scrollWidth - main.clientWidth);
}"""


@pytest.mark.parametrize("device", [PHONE, DESK], ids=["phone-dark", "desk-light"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_and_is_well(visit, path, device):
    tab: Visitor = visit(path, **device)
    tab.is_well()
    assert tab.page.evaluate(TOO_WIDE) <= 0, "the page scrolls sideways"


@pytest.mark.parametrize("path", ["/", "/Draw"])
def test_a_finger_draws(visit, path):
    tab: Visitor = visit(path, **PHONE)
    tab.draw_with_a_finger(SEVEN)
    expect(tab.answer()).to_have_text("7", timeout=PATIENCE)
    tab.is_well()
