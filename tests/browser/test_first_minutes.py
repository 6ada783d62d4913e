"""The first minutes of somebody who has never trained a network: each step leads to the next."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.visitor import SEVEN, Visitor
from tests.conftest import wait_for

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
PRESENTED = {"viewport": {"width": 1920, "height": 1080}}
AT_LEAST_24_PX = re.compile(r"^(2[4-9]|[3-9]\d)(\.\d+)?px$")


@pytest.mark.parametrize("device", [{}, PHONE], ids=["desk", "phone"])
def test_a_drawing_leads_to_the_mistakes(visit, device):
    tab: Visitor = visit("/", **device)
    canvas = tab.page.locator("canvas.upper-canvas")
    expect(canvas).to_be_in_viewport(ratio=1)
    tab.draw(SEVEN)
    step = tab.button("See what it gets wrong")
    expect(step).to_be_in_viewport(ratio=1)
    expect(tab.answer()).to_be_in_viewport(ratio=1)
    assert tab.page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0
    step.click()
    tab.is_at("/Results.*section=mistakes")
    tab.settle()
    following = re.compile("Next: (Train your own|Improve it)")  # other tests have trained, or not
    expect(tab.page.get_by_role("link", name=following)).to_be_in_viewport(ratio=1)
    tab.page.go_back()
    tab.settle()
    expect(tab.page.get_by_role("link", name="See what it gets wrong (done)")).to_be_visible()
    expect(tab.answer()).to_have_text("7")  # the drawing is still there
    tab.is_well()


def test_a_presenter_is_read_from_the_back_row(visit):
    tab: Visitor = visit("/?present=1", **PRESENTED)
    sentence = tab.page.get_by_text("Draw a digit and see")
    expect(sentence).to_have_css("font-size", AT_LEAST_24_PX)
    wait_for(lambda: tab.canvas().bounding_box()["width"] >= 560)
    tab.draw(SEVEN)
    title = tab.chart("Probabilities").locator(".gtitle")
    expect(title).to_have_css("font-size", AT_LEAST_24_PX)
    tab.page.set_viewport_size(PHONE["viewport"])  # of a learner who opens the same link
    for text in (sentence, title):
        expect(text).to_have_css("font-size", "16px")
    tab.page.set_viewport_size(PRESENTED["viewport"])
    tab.page.get_by_test_id("stSidebar").get_by_text("Presenter's size").click()
    expect(sentence).to_have_css("font-size", "16px")


@pytest.mark.parametrize("device", [{}, PHONE], ids=["desk", "phone"])
def test_a_training_and_what_came_of_it_are_in_sight(visit, device):
    tab: Visitor = visit("/Train?dataset=optdigits&model=cnn-small&epochs=1000", **device)
    start = tab.button("Start training")
    expect(start).to_be_in_viewport(ratio=1)
    start.click()
    expect(
        tab.page.get_by_text(re.compile(r"Epoch ([3-9]|\d\d+) of 1000.* left"))
    ).to_be_in_viewport(ratio=1)
    for thing in (_metric(tab, "Validation accuracy"), tab.button("Stop"), tab.chart("Accuracy")):
        expect(thing).to_be_in_viewport(ratio=0.95)
    primary = tab.page.locator("[data-testid=stBaseButton-primary]:visible")
    expect(primary).to_have_count(0)

    tab.button("Stop").click()
    expect(_metric(tab, "Test accuracy")).to_be_in_viewport(ratio=1)
    tab.settle()
    for label in ("Take it apart", "Try it on a drawing"):
        expect(tab.button(label)).to_be_in_viewport(ratio=1)
    for mistake in tab.page.get_by_role("img", name="Test image").all():
        expect(mistake).to_be_in_viewport(ratio=1)
    expect(tab.page.get_by_text(re.compile(r"It reads \d+ of \d+ test images"))).to_be_in_viewport()
    expect(primary).to_have_text([re.compile("Take it apart$")])
    tab.button("Try it on a drawing").click()
    tab.is_at(r"/Draw\?.*run=cnn-small-\w+")
    tab.is_well()


def _metric(tab: Visitor, label: str) -> Locator:
    return tab.page.get_by_test_id("stMetric").filter(has_text=label)
