"""How soon a training answers a click on Start: `python tests/benchmarks/starting.py [--json]`.

On a warm server in a real browser, on Train: from the click until the first figure of the run (a
loss, an accuracy or a curve) is on the screen, and until its test accuracy is, beside the seconds
that the training itself took by the run's record. Without waiting processes and with one
(`DIGITLAB_WARM_WORKERS`), in turns; medians of the rounds. A visitor looks at the page for some
seconds before the click. Networks with two hidden layers of 64 learn from Optdigits and, where it
is on disk, from MNIST. Browser, server and training share the machine.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from serving import launch, serve

sys.path.insert(0, str(Path(__file__).parents[2]))  # the records of runs are read with digitlab

MODEL, EPOCHS, ROUNDS = "two-hidden-64-relu", 12, 5
LOOK = 5.0  # seconds that a visitor looks at the page before the click
# The moment of the click, and those at which the run's first figure and its test accuracy are
# in the page and were painted.
WATCH = """
  addEventListener('click', () => { window.clickedAt ??= performance.now(); }, true);
  const seen = name => requestAnimationFrame(() => { window[name] ??= performance.now(); });
  const number = (metric, label) => metric.textContent.startsWith(label)
    && /\\d/.test(metric.textContent.slice(label.length));
  const look = () => {
    if (window.clickedAt === undefined) return;
    const metrics = [...document.querySelectorAll('[data-testid=stMetric]')];
    const figures = ['Training loss', 'Validation accuracy', 'Test accuracy'];
    const curve = [...document.querySelectorAll('.js-plotly-plot')].some(plot =>
      (plot.data || []).some(trace => /loss/i.test(trace.name) && trace.x && trace.x.length));
    if (curve || metrics.some(metric => figures.some(label => number(metric, label))))
      seen('firstAt');
    if (metrics.some(metric => number(metric, 'Test accuracy'))) seen('endedAt');
  };
  setInterval(look, 20);
"""


def main() -> None:
    """Measure and print."""
    figures: dict[str, dict[str, float]] = {}
    with ExitStack() as stack:
        browser = launch(stack.enter_context(sync_playwright()))
        pages = {}
        for count in (0, 1):
            home = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            os.environ["DIGITLAB_WARM_WORKERS"] = str(count)
            server = stack.enter_context(serve(home))
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.add_init_script(WATCH)
            pages[count] = (page, server.url, home)
        for data in _datasets():
            for place in pages.values():
                _start(*place, data, seed=0)  # warms the server up
            rounds = {count: [] for count in pages}
            for seed in range(1, ROUNDS + 1):
                for count, place in pages.items():
                    rounds[count].append(_start(*place, data, seed))
            for count, times in rounds.items():
                figures[f"{data}, {count} waiting"] = {
                    name: statistics.median(time[name] for time in times) for name in times[0]
                }
    _report(figures)


def _datasets() -> list[str]:
    from digitlab.data.registry import is_available

    return [name for name in ("optdigits", "mnist") if is_available(name)]


def _start(page: Page, url: str, home: str, data: str, seed: int) -> dict[str, float]:
    """Open Train, look, click on Start, and wait until the run has its test accuracy."""
    page.goto(f"{url}Train?dataset={data}&model={MODEL}&epochs={EPOCHS}&seed={seed}")
    button = page.get_by_role("button", name="Start training")
    button.wait_for(timeout=60_000)
    page.wait_for_timeout(1000 * LOOK)
    button.click()
    page.wait_for_function("window.endedAt", timeout=120_000)
    clicked, first, ended = page.evaluate("[clickedAt, firstAt, endedAt]")
    run_id = page.evaluate("new URL(location).searchParams.get('run')")
    trained = _train_seconds(home, run_id)
    page.goto("about:blank")
    whole = (ended - clicked) / 1000
    return {
        "first figure": (first - clicked) / 1000,
        "finished": whole,
        "training": trained,
        "beside training": whole - trained,
    }


def _train_seconds(home: str, run_id: str) -> float:
    os.environ["DIGITLAB_HOME"] = home
    from digitlab.runs import store

    return store.get_record(run_id).train_seconds


def _report(figures: dict[str, dict[str, float]]) -> None:
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        words = ", ".join(f"{what} {seconds:.2f} s" for what, seconds in figure.items())
        print(f"{name}: {words}")


if __name__ == "__main__":
    main()
