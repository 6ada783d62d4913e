"""How quickly Results and Compare answer: `python tests/benchmarks/results.py [--json]`.

On a warm server in a real browser: from following a link inside the app until the first figure of
a run on MNIST is to be seen, and from each click (sections, splits, classes, pages, an image) until
its page has been worked out and painted. Measured with the runs that come with digitlab, with a
run of more than 2,000 mistakes, and with 200 runs more; `-v` lists the slowest interactions. The
first look at the training split, whose 54,000 images are predicted then, is apart: it is work with
a progress bar, not an interaction. It needs MNIST. Browser and server share the machine.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time

from playwright.sync_api import Locator, Page, TimeoutError, sync_playwright
from serving import launch, percentile, serve

RUNS = 200
BUNDLED = ("reader-cnn", "mlp")
DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
# When the last message of the server was painted, and when somebody last clicked or typed. (The
# state of the script is not enough: a quick run begins and ends between two looks of React.)
WATCH = """
  const painted = () => { window.doneAt = performance.now(); };
  const heard = () => requestAnimationFrame(() => requestAnimationFrame(painted));
  window.WebSocket = class extends WebSocket {
    constructor(...all) { super(...all); this.addEventListener('message', heard); }
  };
  const acted = () => { window.actedAt = performance.now(); };
  for (const kind of ['mousedown', 'keydown']) addEventListener(kind, acted, true);
"""
QUIET = f"""began => document.querySelector('{DONE}') && window.doneAt > began
  && performance.now() - window.doneAt > 400"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        os.environ["DIGITLAB_HOME"] = home
        poor = _train_poorly()
        browser = launch(playwright)
        figures = {}
        with serve(home) as server:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.add_init_script(WATCH)
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
    from digitlab.runs import run_folder, store

    record = dl.open_run(run_id).record
    for k in range(RUNS):
        other = f"copy-{k:08x}"
        shutil.copytree(run_folder.run_folder(run_id), run_folder.run_folder(other))
        store.add_run(record.model_copy(update={"id": other, "seed": k + 1}))


def _measure(page: Page, url: str, runs: tuple[str, str]) -> dict[str, float]:
    """Seconds: first content (median of five), and the interactions' median and 95th percentile."""
    first = [_follow_link(page, url, runs[0]) for _ in range(5)]
    training = _look_at_training(page, url, runs[0])
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
        "training split, first look": training,
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


def _look_at_training(page: Page, url: str, run_id: str) -> float:
    """Seconds until the figures of the training split are there, which are kept from then on."""
    _open(page, f"{url}Results?run={run_id}")
    return _timed(page, _radio(page, "Training").click)


def _take_apart(page: Page, url: str, run_id: str) -> list[tuple[float, str]]:
    """Every section twice, every split, classes of the confusion matrix, pages and an image."""
    _open(page, f"{url}Results?run={run_id}")
    times = _each(page, "Results", _sections(page), twice=True)
    times += _each(page, "split", ["Validation", "Training", "Test"])
    _radio(page, "Confusion").click()
    page.wait_for_timeout(1_000)
    for digit in "470":
        times.append((_choose(page, "True class", digit), f"confusion, class {digit}"))
    times += _each(page, "confusion", ["% of row", "Errors", "Counts"])
    _radio(page, "Mistakes").click()
    page.wait_for_timeout(1_000)
    times.append((_choose(page, "Order", "Smallest margin"), "mistakes, order"))
    times.append((_choose(page, "True class", "any"), "mistakes, any class"))
    times.append((_click_image(page), "mistakes, an image"))
    times += _each(page, "closer look", ["Occlusion", "Integrated gradients"])
    if (turned := page.get_by_label("Page (of", exact=False)).count():
        turned.first.fill("2")
        times.append((_timed(page, lambda: turned.first.press("Enter")), "mistakes, page 2"))
    return times


def _click_image(page: Page) -> float:
    """Open the tenth image of the gallery."""
    chart = page.locator(".live-charts > div").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    place = (box["x"] + box["width"] * 3 / 16, box["y"] + 130)
    page.mouse.move(*place)
    page.wait_for_timeout(500)
    return _timed(page, lambda: page.mouse.click(*place))


def _compare(page: Page, url: str, runs: tuple[str, str]) -> list[tuple[float, str]]:
    """Every section twice, and what is measured of the classes."""
    _open(page, f"{url}Compare?runs={','.join(runs)}")
    times = _each(page, "Compare", _sections(page), twice=True)
    return times + _each(page, "Compare", ["F1", "Recall"])


def _sections(page: Page) -> list[str]:
    """The names of the page's sections, as they stand."""
    group = page.get_by_role("radiogroup", name="Section", exact=True)
    group.wait_for()
    return group.get_by_role("radio").all_inner_texts()


def _radio(page: Page, label: str) -> Locator:
    return page.get_by_role("radio", name=label, exact=True).first


def _each(
    page: Page, where: str, labels: list[str], *, twice: bool = False
) -> list[tuple[float, str]]:
    """Choose each, the first one of them last, as it is the one that is open."""
    order = [*labels[1:], labels[0]] if twice else labels
    return [
        (_timed(page, _radio(page, label).click), f"{where}, {label}")
        for label in order * (1 + twice)
    ]


def _choose(page: Page, label: str, option: str) -> float:
    box = page.get_by_test_id("stSelectbox").filter(has=page.get_by_text(label, exact=True))
    box.get_by_role("combobox").click()
    box.get_by_role("combobox").fill(option)
    return _timed(page, page.get_by_role("option", name=option, exact=True).click)


def _timed(page: Page, act) -> float:
    """Seconds from an act's click or key until its page is painted; then a breath is taken."""
    began = page.evaluate("performance.now()")
    act()
    try:
        page.wait_for_function(QUIET, arg=began, timeout=15_000)
    except TimeoutError:
        if page.locator(DONE).count():  # a busy machine may move a button from under the pointer
            act()
        page.wait_for_function(QUIET, arg=began, timeout=300_000)
    return page.evaluate("window.doneAt - window.actedAt") / 1000


def _open(page: Page, url: str) -> None:
    page.goto(url)
    page.locator("h1").wait_for()
    page.locator(DONE).wait_for()
    page.wait_for_timeout(1_000)


if __name__ == "__main__":
    main()
