"""Watched charts: they follow the page's colours, come and go with it, and say what they lack."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.browser.visitor import Visitor
from tests.conftest import wait_for

LINES = "plot => plot.data.reduce((sum, trace) => sum + trace.x.length, 0)"
COLOUR = "plot => getComputedStyle(plot.querySelector('.gtitle')).fill"


def _width(place: Locator) -> float:
    return place.bounding_box()["width"]


def test_they_follow_the_colours_and_the_width_of_the_page(visit):
    tab: Visitor = visit("/Train?run=lenet")
    chart = tab.chart("Loss")
    tab.scroll_to(chart)  # what is out of sight can wait
    light, wide = chart.evaluate(COLOUR), _width(chart)
    tab.page.emulate_media(color_scheme="dark")
    expect(chart.locator(".gtitle")).not_to_have_css("fill", light)
    tab.page.set_viewport_size({"width": 390, "height": 844})
    tab.page.wait_for_function("document.querySelector('.live-charts .main-svg').clientWidth < 390")
    wait_for(lambda: _width(chart.locator(".main-svg").first) <= _width(chart) < wide)
    tab.is_well()


def test_another_run_and_another_page_bring_their_own(visit):
    tab: Visitor = visit("/Train?run=lenet")
    lenet = tab.chart("Loss").evaluate(LINES)
    tab.page.get_by_role("link", name="Compare", exact=True).first.click()
    tab.is_at(r"/Compare\b")
    expect(tab.page.locator(".live-charts")).to_have_count(0)
    tab.settle()  # Streamlit brings a page back that is left while its script runs
    while "/Train" not in tab.page.url:  # Compare has put its choices into the address
        tab.page.go_back()
    tab.is_at("run=lenet")
    wait_for(lambda: tab.chart("Loss").evaluate(LINES) == lenet)
    tab.open("/Train?run=mlp")
    wait_for(lambda: tab.chart("Loss").evaluate(LINES) != lenet)
    tab.is_well()


def test_what_cannot_be_shown_is_said(visit):
    tab: Visitor = visit("/")
    tab.page.route(re.compile("plotly-cartesian.min.js"), lambda route: route.abort())
    tab.open("/Train?run=lenet")
    tab.sees("The charts cannot be shown: plotly.js did not come from the server")
    tab.problems.clear()  # the browser complains of what it was not given
