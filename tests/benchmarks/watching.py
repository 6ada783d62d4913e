"""What watching costs a training: `python tests/benchmarks/watching.py [--json]`.

One long training of a small CNN on MNIST, in turns watched by nobody, by ten tabs that show its
page, and by those tabs in the background; prints the images that it learns from in a second, and
their ratios to those with nobody. Tabs are given time to load before anything is counted. The
browser, which visitors bring along on machines of their own, gets only what server and training
leave over of this one (Linux's idle scheduling class, where `chrt` is installed).
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from serving import launch, serve

ROUNDS, TABS = 2, 10
SETTLE, MEASURE = 25.0, 15.0  # seconds
HIDE = (
    "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
    "document.dispatchEvent(new Event('visibilitychange'))"
)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        os.environ["DIGITLAB_HOME"] = home
        browser = launch(playwright, _leaving_the_rest_alone(home))
        with serve(home) as server:
            rates = _measure(browser, server.url)
        browser.close()
    medians = {how: statistics.median(found) for how, found in rates.items()}
    ratios = {how: value / medians["nobody"] for how, value in medians.items()}
    if "--json" in sys.argv:
        print(json.dumps({"images_per_second": medians, "ratios": ratios, "all": rates}))
        return
    for how, value in medians.items():
        print(f"{how:20}{value:10,.0f} images/s{ratios[how]:8.3f}")


def _leaving_the_rest_alone(folder: str) -> str | None:
    """A browser that runs while nobody else wants to."""
    chromium, chrt = shutil.which("chromium"), shutil.which("chrt")
    if not (chromium and chrt):
        return chromium
    wrapper = Path(folder) / "chromium"
    wrapper.write_text(f'#!/bin/sh\nexec {chrt} --idle 0 {chromium} "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    return str(wrapper)


def _measure(browser: Browser, url: str) -> dict[str, list[float]]:
    import digitlab as dl
    from digitlab.jobs import queue

    config = dl.TrainConfig(epochs=1000, batch_size=64, threads=1)
    run_id = dl.submit("cnn-small", "mnist", config)
    rates: dict[str, list[float]] = {"nobody": [], "ten tabs": [], "ten tabs, hidden": []}
    time.sleep(SETTLE)
    for _ in range(ROUNDS):
        rates["nobody"].append(_rate(run_id, None))
        tabs = _open(browser, f"{url}Train?run={run_id}")
        rates["ten tabs"].append(_rate(run_id, tabs[0]))
        for tab in tabs:
            tab.evaluate(HIDE)
        tabs[0].wait_for_timeout(3_000)
        rates["ten tabs, hidden"].append(_rate(run_id, tabs[0]))
        for tab in tabs:
            tab.close()
        time.sleep(3)
    queue.stop(run_id)
    return rates


def _open(browser: Browser, address: str) -> list[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tabs = [context.new_page() for _ in range(TABS)]
    for tab in tabs:
        tab.goto(address)
        tab.locator(".js-plotly-plot").first.wait_for(timeout=120_000)
    tabs[0].wait_for_timeout(1000 * SETTLE)
    return tabs


def _rate(run_id: str, tab: Page | None) -> float:
    """Images that were learnt from in a second."""
    from digitlab.runs import store

    first, began = _written(run_id, store, tab)
    (tab.wait_for_timeout(1000 * MEASURE) if tab else time.sleep(MEASURE))
    last, ended = _written(run_id, store, tab)
    return 64 * (last - first) / (ended - began)


def _written(run_id: str, store, tab: Page | None) -> tuple[int, float]:
    """The step that was written last, at the moment when it changes."""
    before = store.get_record(run_id).step
    while (step := store.get_record(run_id).step) == before:
        (tab.wait_for_timeout(10) if tab else time.sleep(0.01))
    return step, time.perf_counter()


if __name__ == "__main__":
    main()
