"""The Architecture page by keyboard, and a pasted text beside its layers, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.visitor import Visitor
from tests.conftest import wait_for

CODE = """import torch.nn as nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.fc = nn.Linear(2704, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        return self.fc(x.flatten(1))
"""
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "color_scheme": "dark"}
MARKED = "element => getComputedStyle(element).backgroundColor !== 'rgba(0, 0, 0, 0)'"


def rows(tab: Visitor) -> Locator:
    return tab.page.get_by_test_id("stRadioOption")


def test_the_selected_layer_is_moved_by_keyboard(visit):
    tab: Visitor = visit("/Architecture?preset=lenet-5")
    second = rows(tab).nth(1)
    while second.get_attribute("data-selected") != "true":  # a list that is replaced takes no click
        second.click()
        tab.page.wait_for_timeout(1_000)
        tab.settle()
    tab.page.keyboard.press("Alt+ArrowUp")
    expect(rows(tab).first).to_contain_text("Tanh")
    expect(tab.page.get_by_role("textbox", name="Name of the network")).to_have_value(
        "lenet-5 with 1 change"
    )
    tab.page.keyboard.press("Alt+ArrowDown")
    expect(rows(tab).first).to_contain_text("Conv2d")
    tab.page.keyboard.press("Control+z")
    expect(rows(tab).first).to_contain_text("Tanh")
    tab.is_well()


@pytest.mark.parametrize("device", [{}, PHONE], ids=["desk", "phone"])
def test_a_layer_shows_the_line_that_it_was_read_from(visit, device):
    tab: Visitor = visit("/Architecture?view=paste", **device)
    area = tab.page.get_by_role("textbox", name=re.compile("^A model of PyTorch"))
    area.fill(CODE)
    area.press("Control+Enter")
    tab.sees("has not been turned into layers yet")
    expect(tab.button("Send to Train")).to_be_disabled()
    tab.button("Turn into layers").click()
    tab.sees("Read 4 layers")  # the network before has a row of this name, too
    row = rows(tab).filter(has_text="Linear")
    expect(row).to_be_visible()
    tab.settle()  # a list that is being replaced takes no tap
    line = tab.page.locator(".digitlab-code > div").filter(has_text="self.fc").first
    if device:  # there is no mouse: the selected layer's line is marked
        row.tap()
        expect(tab.page.locator(".digitlab-code > .here")).to_contain_text("self.fc")
        code, listed = line.bounding_box(), row.bounding_box()
        assert code["y"] < listed["y"], "the code stands above the list"
    else:
        row.hover()
        marks = tab.page.locator(".digitlab-code > div").filter(has_text="self.fc")
        wait_for(lambda: any(mark.evaluate(MARKED) for mark in marks.all()))
        assert row.bounding_box()["x"] > line.bounding_box()["x"] + 300
    tab.is_well()
