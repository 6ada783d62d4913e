"""How quickly Results and Compare answer: `python tests/benchmarks/results.py [--json]`.

On a warm server in a real browser: from following a link inside the app until the first figure of
a run on MNIST is to be seen, and from each click (sections, classes, pairs) until its page has
been worked out and painted. Measured with the runs that come with digitlab, with a run of more
than 2,000 mistakes, and with 200 runs more. It needs MNIST. Browser and server share the machine.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time

from playwright.sync_api import Page, sync_playwright
from serving import launch, percentile, serve

RUNS = 200
BUNDLED = ("reader-cnn", "mlp")
DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
WATCH = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  const look = () => {
    if (app.dataset.testScriptState === 'notRunning') window.doneAt = performance.now();
  };
  new MutationObserver(look).observe(app, {attributeFilter: ['data-test-script-state']});
}"""
PAINTED = "() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        os.environ["DIGITLAB_HOME"] = home
        poor = _train_poorly()
        browser = launch(playwright)
        figures = {}
        with serve(home) as server:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            _measure(page, server.url, BUNDLED)  # warms the server up
            figures["bundled runs"] = _measure(page, server.url, BUNDLED)
            figures["2,000 mistakes"] = _measure(page, server.url, (poor, "mlp"))
            _add_runs(poor)
            figures[f"{RUNS} runs"] = _measure(page, server.url, BUNDLED)
        browser.close()
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        words = ", ".join(f"{what} {seconds:.3f} s" for what, seconds in figure.items())
        print(f"{name}: {words}")


def _train_poorly() -> str:
    """A run on MNIST that gets more than 2,000 test images wrong; its id."""
    import digitlab as dl

    config = dl.TrainConfig(epochs=1, batch_size=128, learning_rate=0.0003, optimizer="sgd")
    run = dl.train("logistic-regression", "mnist", config, progress=False)
    wrong = len(run.evaluate("test").errors)
    assert wrong > 2_000, wrong
    return run.id


def _add_runs(run_id: str) -> None:
    """Many finished runs beside the others, with files of their own."""
    import shutil

    import digitlab as dl
    from digitlab.runs import artifacts, store

    record = dl.open_run(run_id).record
    for k in range(RUNS):
        other = f"copy-{k:08x}"
        shutil.copytree(artifacts.run_folder(run_id), artifacts.run_folder(other))
        store.add_run(record.model_copy(update={"id": other, "seed": k + 1}))


def _measure(page: Page, url: str, runs: tuple[str, str]) -> dict[str, float]:
    """Seconds: first content (median of five), and the interactions' median and 95th percentile."""
    first = [_follow_link(page, url, runs[0]) for _ in range(5)]
    times = _take_apart(page, url, runs[0]) + _compare(page, url, runs)
    if "-v" in sys.argv:
        for seconds, what in sorted(times, reverse=True)[:12]:
            print(f"  {seconds:.3f} s {what}", file=sys.stderr)
    seconds = [time for time, _ in times]
    return {
        "first content": percentile(first, 50),
        "interaction, median": percentile(seconds, 50),
        "interaction, 95th percentile": percentile(seconds, 95),
        "interactions": len(seconds),
    }


def _follow_link(page: Page, url: str, run_id: str) -> float:
    """From another page of the app to the first figure of a run's results."""
    _open(page, f"{url}Results?run={run_id}")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Data").click()
    page.get_by_role("heading", name="Data", level=1).wait_for()
    page.locator(DONE).wait_for()
    page.wait_for_timeout(500)
    began = time.perf_counter()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Results").click()
    page.get_by_test_id("stMetric").first.wait_for()
    return time.perf_counter() - began


def _take_apart(page: Page, url: str, run_id: str) -> list[tuple[float, str]]:
    """Every section twice, and the classes of the confusion matrix."""
    _open(page, f"{url}Results?run={run_id}")
    times = _every_section(page)
    page.get_by_role("radio", name="Confusion", exact=True).click()
    page.wait_for_timeout(1_000)
    for digit in "470":
        times.append((_choose(page, "True class", digit), f"confusion, class {digit}"))
    return times


def _compare(page: Page, url: str, runs: tuple[str, str]) -> list[tuple[float, str]]:
    _open(page, f"{url}Compare?runs={','.join(runs)}")
    return _every_section(page)


def _every_section(page: Page) -> list[tuple[float, str]]:
    names = page.get_by_role("radiogroup").first.get_by_role("radio")
    labels = [
        names.nth(k).evaluate("e => e.textContent || e.parentElement.textContent")
        for k in range(names.count())
    ]
    times = []
    for _ in range(2):
        for label in [*labels[1:], labels[0]]:
            button = page.get_by_role("radio", name=label.strip(), exact=True).first
            times.append((_timed(page, button.click), f"{page.url.split('?')[0]} {label}"))
    return times


def _choose(page: Page, label: str, option: str) -> float:
    box = page.get_by_test_id("stSelectbox").filter(has=page.get_by_text(label, exact=True))
    box.get_by_role("combobox").click()
    box.get_by_role("combobox").fill(option)
    return _timed(page, page.get_by_role("option", name=option, exact=True).click)


def _timed(page: Page, act) -> float:
    """Seconds from an act until its page is done and painted; a breath is taken after it."""
    began = page.evaluate("performance.now()")
    act()
    page.wait_for_function("began => window.doneAt > began", arg=began)
    page.evaluate(PAINTED)
    seconds = (page.evaluate("window.doneAt") - began) / 1000
    page.wait_for_timeout(400)
    return seconds


def _open(page: Page, url: str) -> None:
    page.goto(url)
    page.locator("h1").wait_for()
    page.locator(DONE).wait_for()
    page.wait_for_timeout(1_000)
    page.evaluate(WATCH)


if __name__ == "__main__":
    main()
