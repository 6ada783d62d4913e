"""How quickly the app feels: `python tests/benchmarks/feeling.py [--json] [-v]`.

In a real browser, on a warm server, beside an empty page served by the same Streamlit in the same
run. For each page: when its title is painted, and when the page last changes (`settled`), for a
browser that was never there (`first visit`) and for one that follows a link inside the app
(`inside`). For each interaction (sections, datasets, models, classes, splits, images, fields): from
the click until the page last changes, the first time on that server and in later rounds. And from
pen-up, or from choosing a photograph, to the answer, as the first thing after a server start. `-v`
prints each measurement, with the seconds of a core that the server took for it.

It needs MNIST. Browser and servers share the machine.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import Browser, Error, Locator, Page, TimeoutError, sync_playwright
from serving import ROOT, Served, launch, percentile, serve

ROUNDS = int(os.environ.get("ROUNDS", "3"))  # of everything that is not once for each server
QUIET = 700  # milliseconds without a change, after which a page has settled
PATIENCE = 60_000
SCREEN = {"width": 1280, "height": 900}
EMPTY = "Empty"
PAGES = ("Data", "Architecture", "Train", "Results", "Compare", "Draw")
COMPARED = "reader-cnn,mlp"
DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
# When something in the page's main part last changed, when each heading was first painted, and
# when somebody last clicked, chose a file or pressed a key: milliseconds of the browser's clock.
WATCH = """
  window.titles = {};
  const note = () => {
    window.changedAt = performance.now();
    const title = document.querySelector("h1")?.textContent;
    if (title && !(title in window.titles)) window.titles[title] = performance.now();
  };
  // A table is painted on a canvas; what stands inside it, for screen readers, is never painted.
  const isOurs = ({ target }) => !(target.parentElement ?? target).closest?.(
    "[data-testid=stSidebar], [data-testid=stHeader], canvas table");
  new MutationObserver((changes) => {
    if (changes.some(isOurs)) { note(); requestAnimationFrame(note); }
  }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  const acted = () => { window.actedAt = performance.now(); };
  for (const kind of ["mousedown", "mouseup", "keydown", "change"])
    addEventListener(kind, acted, true);
"""
SETTLED = f"""began => document.querySelector('{DONE}') && window.changedAt > began
  && !document.querySelector('[data-testid=stSkeleton]')
  && performance.now() - window.changedAt > {QUIET}"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = launch(playwright)
        figures = _measure(browser, Path(folder))
        browser.close()
    if "--json" in sys.argv:
        print(json.dumps(figures))
    else:
        _print(figures)


def _measure(browser: Browser, folder: Path) -> dict[str, dict]:
    home, empty = str(folder / "home"), _write_empty_app(folder / "empty")
    firsts = {
        "first drawing": _each_start(home, lambda url: _first_drawing(browser, url)),
        "first photo": _each_start(home, lambda url: _first_photo(browser, url, folder)),
    }
    with serve(home) as server, serve(home, empty) as other:
        _warm_up(browser, server.url)
        visits = _visit_pages(browser, server, other)
        interactions = _interact(browser, server)
        memory = _resident(server.process_id)
    return {"first": firsts, "pages": visits, "interactions": interactions, "memory_mb": memory}


def _write_empty_app(folder: Path) -> Path:
    """An app with nothing but two titles, to compare with."""
    (folder / "pages").mkdir(parents=True)
    script = "import streamlit as st\n\nst.set_page_config(layout='wide')\nst.title('{}')\n"
    shutil.copytree(ROOT / ".streamlit", folder / ".streamlit")
    (folder / "Home.py").write_text(script.format("Other"), encoding="utf-8")
    (folder / "pages" / f"{EMPTY}.py").write_text(script.format(EMPTY), encoding="utf-8")
    return folder


# ---- the first answer after a server start ------------------------------------------------------


def _each_start(home: str, act: Callable[[str], float]) -> list[float]:
    """Seconds of an act that is the first thing that a new server is asked, for each start."""
    times = []
    for _ in range(ROUNDS):
        with serve(home) as server:
            times.append(act(server.url))
    return times


def _first_drawing(browser: Browser, url: str) -> float:
    """From lifting the pen on Home to the answer; the pen is put down when there is a canvas."""
    with _page(browser) as page:
        page.goto(url)
        canvas = page.locator("canvas.upper-canvas")
        canvas.wait_for(timeout=PATIENCE)
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in SEVEN]
        page.mouse.move(*corners[0])
        page.mouse.down()
        for (x0, y0), (x1, y1) in pairwise(corners):
            for step in range(1, 11):  # a second for both strokes of a 7
                page.mouse.move(x0 + (x1 - x0) * step / 10, y0 + (y1 - y0) * step / 10)
                page.wait_for_timeout(50)
        page.mouse.up()
        return _until_answer(page)


SEVEN = ((0.25, 0.25), (0.75, 0.25), (0.45, 0.8))


def _first_photo(browser: Browser, url: str, folder: Path) -> float:
    """From choosing a file on Draw to the answer."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (900, 700), (235, 232, 225))
    points = [(350 + 200 * x, 200 + 300 * y) for x, y in ((0, 0), (1, 0), (0.4, 1))]
    ImageDraw.Draw(picture).line(points, fill=(30, 30, 60), width=24, joint="curve")
    path = folder / "seven.png"
    picture.save(path)
    with _page(browser) as page:
        page.goto(f"{url}Draw?source=photo")
        chooser = page.locator("input[type=file]").first
        chooser.wait_for(state="attached", timeout=PATIENCE)
        page.wait_for_timeout(1_000)  # nobody finds a file sooner
        began = time.perf_counter()
        chooser.set_input_files(path)
        page.locator(ANSWER).first.wait_for(timeout=PATIENCE)
        return time.perf_counter() - began


ANSWER = '[data-testid="stHtml"] [role="status"]'


def _until_answer(page: Page) -> float:
    began = time.perf_counter()
    page.locator(ANSWER).first.wait_for(timeout=PATIENCE)
    return time.perf_counter() - began


# ---- pages --------------------------------------------------------------------------------------


def _warm_up(browser: Browser, url: str) -> None:
    """Each page was opened once, and what the server does in the background has ended."""
    with _page(browser) as page:
        for name in ("", *PAGES):
            _open(page, f"{url}{name}")
        page.wait_for_timeout(5_000)


def _visit_pages(browser: Browser, server: Served, other: Served) -> dict[str, dict]:
    """Seconds until title and settled, by page and way of coming, the empty page in between."""
    figures: dict = {name: defaultdict(list) for name in (EMPTY, "Home", *PAGES)}
    with _page(browser) as inside, _page(browser) as inside_other:
        for _ in range(ROUNDS):
            for name in ("Home", *PAGES):
                for way, title, url, tab in (
                    (EMPTY, EMPTY, other.url, inside_other),
                    (name, name if name != "Home" else "digitlab", server.url, inside),
                ):
                    path = "" if way == "Home" else way
                    figures[way]["first visit"].append(_visit(browser, f"{url}{path}", title))
                    figures[way]["inside"].append(_follow_link(tab, url, way, title))
                    _say(way, *figures[way]["first visit"][-1], *figures[way]["inside"][-1])
    return figures


def _visit(browser: Browser, url: str, title: str) -> tuple[float, float]:
    with _page(browser) as page:
        page.goto(url, wait_until="commit")
        _wait_until_settled(page, 0)
        return page.evaluate("t => [window.titles[t] / 1000, window.changedAt / 1000]", title)


def _follow_link(page: Page, url: str, name: str, title: str) -> tuple[float, float]:
    """From a click in the sidebar, on another page of the app."""
    if not page.url.startswith(url):
        _open(page, url)
    sidebar = page.get_by_test_id("stSidebar")
    if page.locator("h1").first.inner_text() == title:
        sidebar.get_by_role("link", name="Draw" if name == "Home" else "Home").click()
        _wait_until_settled(page, page.evaluate("window.actedAt"))
    page.evaluate("window.titles = {}")
    _timed(page, sidebar.get_by_role("link", name=name, exact=True).click)
    return page.evaluate(
        "t => [(window.titles[t] - window.actedAt) / 1000,"
        " (window.changedAt - window.actedAt) / 1000]",
        title,
    )


# ---- interactions -------------------------------------------------------------------------------


@dataclass
class Interactions:
    """What is done on a page, measured: seconds by name, in the order of the rounds."""

    server: Served
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def do(self, page: Page, name: str, act: Callable[[], None]) -> None:
        """Measure an act; one that the page does not offer is left out."""
        used = _processor_seconds(self.server.process_id)
        try:
            seconds = _timed(page, act)
        except Error as e:
            print(f"  left out: {name}: {str(e).splitlines()[0]}", file=sys.stderr)
            return
        _say(name, seconds, _processor_seconds(self.server.process_id) - used)
        self.times[name].append(seconds)


def _interact(browser: Browser, server: Served) -> dict[str, list[float]]:
    done = Interactions(server)
    for _ in range(1 + ROUNDS):
        for scene in (_on_data, _on_architecture, _on_train, _on_results, _on_compare, _on_draw):
            with _page(browser) as page:
                scene(page, server.url, functools.partial(done.do, page))
    return done.times


Do = Callable[[str, Callable[[], None]], None]


def _on_data(page: Page, url: str, do: Do) -> None:
    _open(page, f"{url}Data?dataset=mnist")
    for dataset in ("Optdigits", "MNIST"):
        do(f"Data: dataset {dataset}", _option(page, "Dataset", dataset))
    for split in ("Test", "Training"):
        do(f"Data: split {split}", _radio(page, split))
    do("Data: class 3", _option(page, "Class", "3"))
    do("Data: page 2", _number(page, "Page (of", "2"))
    do("Data: shuffle", _switch(page, "Shuffle"))


def _on_architecture(page: Page, url: str, do: Do) -> None:
    _open(page, f"{url}Architecture")
    for model in ("LeNet-5", "Logistic regression"):
        do(f"Architecture: {model}", _option(page, "Start from", model))


def _on_train(page: Page, url: str, do: Do) -> None:
    _open(page, f"{url}Train?dataset=mnist")
    for model in ("LeNet-5", "Logistic regression"):
        do(f"Train: model {model}", _option(page, "Model", model))
    do("Train: epochs", _number(page, "Epochs", "7"))
    for dataset in ("Optdigits", "MNIST"):
        do(f"Train: dataset {dataset}", _option(page, "Dataset", dataset))


def _on_results(page: Page, url: str, do: Do) -> None:
    _open(page, f"{url}Results?run=reader-cnn")
    for title in _sections(page):
        do(f"Results: {title}", _radio(page, title))
    page.get_by_test_id("stPopoverButton").filter(has_text="split of").click()
    for split in ("Validation", "Test"):
        do(f"Results: split {split}", _radio(page, split))
    page.keyboard.press("Escape")
    _timed(page, _radio(page, "Confusion"))
    do("Results: confusion, class 4", _option(page, "True class", "4"))
    do("Results: confusion, % of row", _radio(page, "% of row"))
    _timed(page, _radio(page, "Mistakes"))
    do("Results: mistakes, class 7", _option(page, "True class", "7"))
    do("Results: mistakes, any class", _option(page, "True class", "any"))
    do("Results: mistakes, order", _option(page, "Order", "Smallest margin"))
    do("Results: mistakes, an image", functools.partial(_click_image, page))


def _on_compare(page: Page, url: str, do: Do) -> None:
    _open(page, f"{url}Compare?runs={COMPARED}")
    for title in _sections(page):
        do(f"Compare: {title}", _radio(page, title))


def _on_draw(page: Page, url: str, do: Do) -> None:
    _open(page, f"{url}Draw")
    for title in _sections(page):
        do(f"Draw: {title}", _radio(page, title))
    do("Draw: photo", _radio(page, "Photo"))
    do("Draw: canvas", _radio(page, "Canvas"))


def _sections(page: Page) -> list[str]:
    """The names of the page's sections, the one that is open last."""
    group = page.get_by_role("radiogroup", name="Section", exact=True)
    try:
        group.wait_for(timeout=5_000)
    except TimeoutError:
        return []
    first, *others = group.get_by_role("radio").all_inner_texts()
    return [*others, first]


def _radio(page: Page, label: str) -> Callable[[], None]:
    place = page.get_by_role("radio", name=label, exact=True).first
    return functools.partial(place.click, timeout=5_000)


def _switch(page: Page, label: str) -> Callable[[], None]:
    place = page.get_by_text(label, exact=True).first
    return functools.partial(place.click, timeout=5_000)


def _option(page: Page, label: str, option: str) -> Callable[[], None]:
    """Choose an option; opening the list is not measured, which the browser does alone."""

    def act() -> None:
        box = page.get_by_test_id("stSelectbox").filter(has=page.get_by_text(label, exact=True))
        box.get_by_role("combobox").first.click(timeout=5_000)
        box.get_by_role("combobox").first.fill(option)
        page.get_by_role("option", name=option).first.click(timeout=5_000)

    return act


def _number(page: Page, label: str, value: str) -> Callable[[], None]:
    def act() -> None:
        place = page.get_by_role("spinbutton", name=label).first
        place.fill(value, timeout=5_000)
        place.press("Enter")

    return act


def _click_image(page: Page) -> None:
    """Click the third image of the gallery."""
    chart: Locator = page.locator(".live-charts > div").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    place = (box["x"] + box["width"] * 5 / 16, box["y"] + 30)
    page.mouse.move(*place)
    page.wait_for_timeout(500)
    page.mouse.click(*place)


# ---- the browser --------------------------------------------------------------------------------


class _page:
    """A tab of a browser that was never there, closed at the end."""

    def __init__(self, browser: Browser) -> None:
        self.context = browser.new_context(viewport=SCREEN)

    def __enter__(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE)
        page.add_init_script(WATCH)
        return page

    def __exit__(self, *_: object) -> None:
        self.context.close()


def _open(page: Page, url: str) -> None:
    page.goto(url)
    page.locator("h1").first.wait_for()
    _wait_until_settled(page, 0)


def _timed(page: Page, act: Callable[[], None]) -> float:
    """Seconds from the last click or key of an act until the page's last change."""
    began = page.evaluate("performance.now()")
    act()
    _wait_until_settled(page, began)
    return page.evaluate("window.changedAt - window.actedAt") / 1000


def _wait_until_settled(page: Page, began: float) -> None:
    page.wait_for_function(SETTLED, arg=began, timeout=PATIENCE)


# ---- the server and the figures -----------------------------------------------------------------


def _processor_seconds(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(process_id: int) -> int:
    """Resident megabytes."""
    lines = Path(f"/proc/{process_id}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))


def _say(name: str, *seconds: float) -> None:
    if "-v" in sys.argv:
        print(f"  {name:45}" + "".join(f"{value:8.3f}" for value in seconds), file=sys.stderr)


def _print(figures: dict) -> None:
    for name, times in figures["first"].items():
        print(f"{name + ' after a server start':45}{percentile(times, 50):8.2f} s (median)")
    ways = ("first visit", "inside")
    heads = "".join(f"{way + ': title':>20}{'ratio':>7}{'settled':>9}{'after':>7}" for way in ways)
    print(f"{'':14}{heads}")
    for name, row in _rows(figures["pages"]):
        print(f"{name:14}" + "".join(
            f"{title:20.2f}{ratio:7.2f}{settled:9.2f}{settled - title:7.2f}"
            for title, ratio, settled in row))  # fmt: skip
    later = []
    print(f"{'interactions':45}{'first':>8}{'later, median':>15}{'most':>8}")
    for name, (first, *others) in figures["interactions"].items():
        later += others
        print(f"{name:45}{first:8.2f}{percentile(others, 50):15.2f}{max(others):8.2f}")
    firsts = [times[0] for times in figures["interactions"].values()]
    for words, times in (("the first time", firsts), ("later", later)):
        print(
            f"{len(times)} interactions, {words}: median {percentile(times, 50):.2f} s, "
            f"95th percentile {percentile(times, 95):.2f} s"
        )
    print(f"memory of the server at the end: {figures['memory_mb']} MB")


def _rows(pages: dict) -> Iterator[tuple[str, list[tuple[float, float, float]]]]:
    """Medians of title, its ratio to the empty page's, and settled, by way of coming."""

    def medians(name: str, way: str) -> tuple[float, float]:
        titles, settled = zip(*pages[name][way], strict=True)
        return percentile(titles, 50), percentile(settled, 50)

    for name in pages:
        row = []
        for way in pages[name]:
            title, settled = medians(name, way)
            row.append((title, title / medians(EMPTY, way)[0], settled))
        yield name, row


if __name__ == "__main__":
    main()
