"""What watching costs a training: `python tests/benchmarks/watching.py [--json]`.

Trains the same network several times through the queue, in turns with nobody watching, with ten
tabs watching its page, and with those tabs in the background; prints the medians of the
training's own seconds and their ratios. Server, browser and training share the machine; it needs
MNIST.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time

from playwright.sync_api import Browser, sync_playwright
from serving import launch, serve

ROUNDS, TABS = 3, 10
HIDE = (
    "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
    "document.dispatchEvent(new Event('visibilitychange'))"
)


def main() -> None:
    """Measure and print."""
    seconds: dict[str, list[float]] = {"nobody": [], "ten tabs": [], "ten tabs, hidden": []}
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        os.environ["DIGITLAB_HOME"] = home
        browser = launch(playwright)
        with serve(home) as server:
            for _ in range(ROUNDS):
                for how, times in seconds.items():
                    times.append(_train(browser, server.url, how))
        browser.close()
    medians = {how: statistics.median(times) for how, times in seconds.items()}
    ratios = {how: value / medians["nobody"] for how, value in medians.items()}
    if "--json" in sys.argv:
        print(json.dumps({"seconds": medians, "ratios": ratios}))
        return
    for how, value in medians.items():
        print(f"{how:20}{value:8.2f} s{ratios[how]:8.3f}")


def _train(browser: Browser, url: str, how: str) -> float:
    """Seconds of one training while it is watched so."""
    import digitlab as dl
    from digitlab.runs import store

    config = dl.TrainConfig(epochs=3, batch_size=64, threads=1)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tabs = [context.new_page() for _ in range(TABS)] if how != "nobody" else []
    run_id = dl.submit("cnn-small", "mnist", config.changed(subset=20_000))
    for tab in tabs:
        tab.goto(f"{url}Train?run={run_id}")
    if "hidden" in how:
        for tab in tabs:
            tab.locator(".js-plotly-plot").first.wait_for(timeout=60_000)
            tab.evaluate(HIDE)
    while store.get_record(run_id).active:
        if tabs:
            tabs[0].wait_for_timeout(200)
        else:
            time.sleep(0.2)
    context.close()
    return store.get_record(run_id).train_seconds


if __name__ == "__main__":
    main()
