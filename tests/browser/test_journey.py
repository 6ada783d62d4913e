"""The main job in a real browser: look at digits, train while watching, see errors, draw."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.look import look
from tests.browser.visitor import ONE, Visitor
from tests.conftest import wait_for

POINTS = "plot => Math.max(0, ...plot.data.map(trace => trace.x ? trace.x.length : 0))"
ZOOMED = "plot => plot.layout.xaxis.range.map(Math.round)"
AUTORANGE = "plot => plot.layout.xaxis.autorange === true"
SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"
EPOCH = re.compile(r"Epoch \d+ of 1000, step [\d,]+")


def test_look_at_the_data(visit):
    tab: Visitor = visit("/")
    tab.page.get_by_test_id("stSidebar").get_by_role("link", name="Data").click()
    tab.is_at(r"/Data\b")
    tab.settle()
    tab.chart("Images of each class")

    tab.choose("Class", "7")
    tab.is_at(r"\bclass=7\b")
    before = tab.chart("Label 7").text_content()
    grid = tab.page.locator(".js-plotly-plot").first
    tab.click_point(grid, 5)
    tab.is_at(rf"\bsample={tab.payloads(grid)[5][0]}\b")
    expect(tab.chart("Label 7")).not_to_have_text(before)
    after = tab.chart("Label 7").text_content()

    tab.reload()
    expect(tab.chart("Label 7")).to_have_text(after)
    tab.is_at(r"\bclass=7\b")
    tab.is_well()


def test_train_watch_stop_and_analyse_the_results(visit, lab):
    tab: Visitor = visit("/Train")
    tab.choose("Model", "Small CNN")
    tab.settle()
    tab.enter("Epochs", "1000")  # minutes: it is still training at every check below
    tab.is_at(r"\bepochs=1000\b")
    tab.settle()
    tab.button("Start training").click()
    tab.is_at(r"\brun=cnn-small-\w+")
    tab.sees(EPOCH)
    assert not look(tab.page)  # while it changes

    _see_the_chart_move(tab)
    _zoom_and_point(tab)
    _scroll_by_finger(tab)
    _switch_away(tab)
    tab.reload()
    tab.sees(EPOCH)
    other: Visitor = visit(tab.page.url.removeprefix(lab.url))
    other.sees(EPOCH)
    _pause_and_resume(tab, other)

    lab.kill()
    lab.start()
    tab.reload()
    tab.problems.clear()  # a browser may well complain of a server that is gone
    tab.sees(EPOCH)
    before = _step(tab)
    expect(tab.page.get_by_text(EPOCH)).not_to_have_text(before)

    tab.button("Stop").click()
    expect(tab.button("Stop")).to_have_count(0)
    tab.sees(re.compile("^Stopped · "))
    accuracy = tab.page.get_by_test_id("stMetric").filter(has_text="Test accuracy")
    expect(accuracy.first).to_contain_text(re.compile(r"\d\d\.\d\d %"))
    expect(other.button("Stop")).to_have_count(0)

    tab.button("Take it apart").click()
    tab.is_at(r"/Results\?.*run=cnn-small-\w+")
    _look_behind_a_confusion(tab)


def _see_the_chart_move(tab: Visitor) -> None:
    """The loss chart grows, and the page stays where it was scrolled to."""
    chart = tab.chart("Loss")
    tab.page.evaluate(f"{SCROLLED} = 200")
    place, points = tab.page.evaluate(SCROLLED), chart.evaluate(POINTS)
    assert place > 0
    wait_for(lambda: chart.evaluate(POINTS) > points)
    assert abs(tab.page.evaluate(SCROLLED) - place) < 5, "the page jumped"


def _zoom_and_point(tab: Visitor) -> None:
    """What was zoomed into, and what the pointer shows, stays while the chart grows."""
    chart = tab.chart("Loss")
    tab.scroll_to(chart)
    plot = chart.locator(".nsewdrag").first.bounding_box()
    across = [plot["x"] + share * plot["width"] for share in (0.2, 0.5, 0.8)]
    middle = plot["y"] + plot["height"] / 2
    tab.page.mouse.move(across[0], middle)
    tab.page.mouse.down()
    tab.page.mouse.move(across[1], middle, steps=4)
    tab.page.mouse.move(across[2], middle, steps=4)
    tab.page.mouse.up()
    wait_for(lambda: not chart.evaluate(AUTORANGE))
    tab.page.wait_for_timeout(1_000)
    chart.evaluate("plot => { plot.isMine = true; }")
    zoomed, points = chart.evaluate(ZOOMED), chart.evaluate(POINTS)
    tab.page.mouse.move(across[1], middle, steps=4)
    expect(chart.locator(".hoverlayer .legend")).to_be_visible()
    wait_for(lambda: chart.evaluate(POINTS) > points)
    assert chart.evaluate("plot => plot.isMine"), "the chart was replaced"
    assert chart.evaluate(ZOOMED) == zoomed
    assert not chart.evaluate(AUTORANGE)
    expect(chart.locator(".hoverlayer .legend")).to_be_visible()
    tab.page.mouse.dblclick(across[1], middle)  # all of it again
    tab.page.mouse.move(5, 5)


def _scroll_by_finger(tab: Visitor) -> None:
    """A finger that scrolls the page from a chart does not stop the chart."""
    chart = tab.chart("Loss")
    tab.scroll_to(chart)
    points = chart.evaluate(POINTS)
    for kind in ("pointerdown", "pointercancel"):
        chart.dispatch_event(kind, {"isPrimary": True, "button": 0, "pointerType": "touch"})
    wait_for(lambda: chart.evaluate(POINTS) > points)


def _switch_away(tab: Visitor) -> None:
    """A tab in the background does not refresh; it catches up when it is visible again."""
    shade = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true})"
    turn = "document.dispatchEvent(new Event('visibilitychange'))"
    tab.page.evaluate(f"{shade % 'true'}; {turn}")
    for _ in range(5):  # until whatever was on its way has come
        before = _step(tab)
        tab.page.wait_for_timeout(3_000)  # three refreshes
        if _step(tab) == before:
            break
    assert _step(tab) == before
    tab.page.evaluate(f"{shade % 'false'}; {turn}")
    expect(tab.page.get_by_text(EPOCH)).not_to_have_text(before)


def _pause_and_resume(tab: Visitor, other: Visitor) -> None:
    """Another tab that shows the run notices both."""
    for button, shown in (("Pause", re.compile("^Paused · ")), ("Resume", EPOCH)):
        tab.button(button).click()
        tab.sees(shown)
        other.sees(shown)


def _step(tab: Visitor) -> str:
    return tab.page.get_by_text(EPOCH).first.text_content()


def _look_behind_a_confusion(tab: Visitor) -> None:
    tab.page.get_by_role("radio", name="Confusion", exact=True).click()
    chart = tab.chart("Confusion matrix")
    cells = tab.payloads(chart)
    index = max(range(len(cells)), key=lambda i: (cells[i][0] != cells[i][1], cells[i][2]))
    true, read, count = cells[index]
    tab.click_point(chart, index)
    tab.is_at(rf"\btrue={true}\b")
    tab.is_at(rf"\bread={read}\b")
    tab.sees(re.compile(rf"^{count} mistakes?\b") if count else "No mistakes of this kind")
    tab.is_well()


def test_a_first_drawing_on_home(visit):
    tab: Visitor = visit("/")
    tab.draw(ONE)
    expect(tab.answer()).to_have_text("1")
    tab.is_well()
