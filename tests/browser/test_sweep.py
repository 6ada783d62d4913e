"""A sweep's table opens a run, which leads back to the sweep."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator

import digitlab as dl
from digitlab.jobs import queue
from digitlab.runs import store
from tests.browser.visitor import Visitor

# The table sets its pointer as it draws its next frame.
CURSOR = """canvas => new Promise(answer => requestAnimationFrame(() =>
    requestAnimationFrame(() => answer(canvas.style.cursor))))"""


@pytest.fixture
def sweep(lab, monkeypatch):
    """A sweep of two runs that were stopped before they began; its id, and theirs."""
    monkeypatch.setenv("DIGITLAB_HOME", str(lab.home))
    monkeypatch.setattr(queue, "launch_worker", lambda: None)
    models = [("logistic-regression", dl.TrainConfig(epochs=1))]
    made = dl.submit_sweep(dl.plan_sweep(models, "optdigits", {"seed": [1, 2]}), "Two seeds")
    ids = [record.id for record in store.list_sweep(made.id)]
    for run_id in ids:
        dl.stop(run_id)
    return made.id, ids


def press(tab: Visitor, table: Locator, row: int) -> None:
    """Press the button in a row of a table, which is drawn: the pointer tells where it is."""
    tab.scroll_to(table)
    tab.wait_for_rest(table)
    place, canvas = table.bounding_box(), table.locator("canvas").first
    for x in range(10, int(place["width"]), 10):
        tab.page.mouse.move(place["x"] + x, place["y"] + 36 * row + 18)
        if canvas.evaluate(CURSOR) == "pointer":
            tab.page.mouse.down()
            tab.page.mouse.up()
            return
    pytest.fail("no button in this row")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_button_in_the_table_opens_a_run_which_leads_back(visit, sweep, width):
    sweep_id, run_ids = sweep
    tab: Visitor = visit(f"/Train?sweep={sweep_id}")
    tab.page.set_viewport_size({"width": width, "height": 844})
    tab.sees("None of the runs has learnt anything that can be measured.")
    tab.settle()
    press(tab, tab.page.get_by_test_id("stDataFrame").first, row=2)
    tab.is_at(rf"\brun={run_ids[1]}\b")
    tab.button(re.compile("All runs of Two seeds")).click()
    tab.is_at(rf"\bsweep={sweep_id}\b")
    tab.sees("None of the runs has learnt anything that can be measured.")
    tab.is_well()
