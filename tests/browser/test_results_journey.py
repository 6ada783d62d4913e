"""The Results page in a real browser: a click on the confusion matrix shows exactly its images."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

import digitlab as dl
from tests.browser.visitor import Visitor

LINK = "/Results?run=reader-cnn&section=confusion"
HEADS = """plot => {
  const trace = plot._fullData.find(t => t.customdata && t.mode === 'markers+text');
  const {xaxis, yaxis} = plot._fullLayout, box = plot.getBoundingClientRect();
  return trace.customdata.map((entry, i) => [Array.from(entry), [
    box.x + xaxis._offset + xaxis.d2p(trace.x[i]),
    box.y + yaxis._offset + yaxis.d2p(trace.y[i])]]);
}"""


@pytest.fixture(scope="module")
def result():
    """The bundled run's evaluation, whose predictions come with digitlab; its images may not."""
    return dl.open_run("reader-cnn").evaluate("test")


def shown(tab: Visitor) -> None:
    """Wait until the figures of the section are complete."""
    tab.settle()
    tab.chart("Confusion matrix")


def lists(tab: Visitor, positions) -> None:
    """The table holds, or comes to hold, exactly these images' positions, in this order.

    MNIST itself is not on this server's disk, so the page lists its images instead of showing them.
    """
    table = tab.page.get_by_test_id("stDataFrame").first
    tab.scroll_to(table)
    cells = table.locator("table tbody tr td:nth-child(1)").filter(has_text=re.compile(r"\S"))
    expect(cells).to_have_text([str(position) for position in positions])


def test_a_click_on_a_cell_shows_exactly_its_images(visit, result):
    tab: Visitor = visit(LINK)
    chart = tab.chart("Confusion matrix")
    cells = tab.payloads(chart)
    pair = result.most_confused(1)[0]
    index = cells.index([pair.true, pair.predicted, pair.count])
    tab.click_point(chart, index)
    tab.is_at(rf"\btrue={pair.true}\b")
    tab.is_at(rf"\bread={pair.predicted}\b")
    tab.sees(re.compile(rf"^{pair.count} mistakes, "))
    shown(tab)
    lists(tab, result.positions(pair.true, pair.predicted))

    again: Visitor = visit(tab.page.url.removeprefix(tab.base))
    shown(again)
    lists(again, result.positions(pair.true, pair.predicted))
    again.is_well()
    tab.is_well()


def test_a_click_on_a_label_shows_all_that_was_confused(visit, result):
    tab: Visitor = visit(LINK)
    for pair in ((6, None), (None, 5)):
        chart = tab.chart("Confusion matrix")
        tab.scroll_to(chart)
        tab.settle()
        heads = {tuple(entry[:2]): place for entry, place in chart.evaluate(HEADS)}
        tab.page.mouse.click(*heads[tuple(-1 if one is None else one for one in pair)])
        param = "true=6" if pair[1] is None else "read=5"
        tab.is_at(rf"\b{param}\b")
        tab.sees(re.compile(rf"^{len(result.positions(*pair))} mistakes\b"))
        shown(tab)
        lists(tab, result.positions(*pair))
    tab.is_well()


def test_the_keyboard_alone_will_do(visit, result):
    tab: Visitor = visit(LINK)
    tab.choose("True class", "4")
    tab.is_at(r"\btrue=4\b")
    tab.choose("Read as", "9")
    tab.is_at(r"\bread=9\b")
    tab.sees(re.compile(rf"^{len(result.positions(4, 9))} mistake"))
    tab.is_well()
