"""What watching costs a training: `python tests/benchmarks/watching.py [--json]`.

Trains the same network several times through the queue, in turns with nobody watching, with ten
tabs watching its page, and with those tabs in the background; prints the medians of the
training's own seconds and their ratios. Server, browser and training share the machine; it needs
MNIST.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[2]
ROUNDS, TABS, PORT = 3, 10, 8655
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
HIDE = (
    "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
    "document.dispatchEvent(new Event('visibilitychange'))"
)


def main() -> None:
    """Measure and print."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    seconds: dict[str, list[float]] = {"nobody": [], "ten tabs": [], "ten tabs, hidden": []}
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        os.environ["DIGITLAB_HOME"] = home
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        with _server():
            for _ in range(ROUNDS):
                for how, times in seconds.items():
                    times.append(_train(browser, how))
        browser.close()
    medians = {how: statistics.median(times) for how, times in seconds.items()}
    ratios = {how: value / medians["nobody"] for how, value in medians.items()}
    if "--json" in sys.argv:
        print(json.dumps({"seconds": medians, "ratios": ratios}))
        return
    for how, value in medians.items():
        print(f"{how:20}{value:8.2f} s{ratios[how]:8.3f}")


@contextlib.contextmanager
def _server():
    command = [sys.executable, "-m", "streamlit", "run", "Home.py", "--server.headless=true"]
    process = subprocess.Popen(
        [*command, f"--server.port={PORT}"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://localhost:{PORT}/_stcore/health")
                break
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait()


def _train(browser: Browser, how: str) -> float:
    """Seconds of one training while it is watched so."""
    import digitlab as dl
    from digitlab.runs import store

    config = dl.TrainConfig(epochs=3, batch_size=64, threads=1)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tabs = [context.new_page() for _ in range(TABS)] if how != "nobody" else []
    run_id = dl.submit("cnn-small", "mnist", config.changed(subset=20_000))
    for tab in tabs:
        tab.goto(f"http://localhost:{PORT}/Train?run={run_id}")
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
