"""A server and a Chromium for tests that look at the app as a person does."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    Playwright,
    sync_playwright,
)

pytest.register_assert_rewrite("tests.browser.visitor")

from tests.browser import camera  # noqa: E402
from tests.browser.served import Lab  # noqa: E402 - after its assertions are made to explain themselves
from tests.browser.visitor import PATIENCE, Visitor  # noqa: E402

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# The shell draws the same with less to do, as nobody looks at its windows.
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)
_used: set[str] = set()
_FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[Lab]:
    """The running app, one for all browser tests: one worker runs them.

    They are the longest chain of tests: where the system lets them, they go before the others.
    """
    with contextlib.suppress(AttributeError, OSError):  # Windows has it not, only root may
        os.setpriority(os.PRIO_PROCESS, 0, -5)
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.start()
    yield lab
    lab.kill()
    lab.stop_runs()


@pytest.fixture(scope="package")
def browser(tmp_path_factory) -> Iterator[Browser]:
    """An installed Chromium, or else Playwright's own; which one is said at the end."""
    with sync_playwright() as playwright:
        browser = _launch(playwright, [*ARGUMENTS, *camera.flags(tmp_path_factory.mktemp("film"))])
        browser.on("context", lambda context: context.set_default_timeout(PATIENCE))
        yield browser
        browser.close()


def _launch(playwright: Playwright, arguments: list[str]) -> Browser:
    installed = next(filter(None, map(shutil.which, NAMES)), None)
    try:
        browser = playwright.chromium.launch(executable_path=installed, args=arguments)
    except Error:
        installed = None
        _install()
        try:
            browser = playwright.chromium.launch(args=arguments)
        except Error as e:
            _give_up(str(e).splitlines()[0])
    path = installed or playwright.chromium.executable_path
    _used.add(f"Chromium {browser.version} ({path})")
    return browser


def _install() -> None:
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        _give_up((done.stderr or done.stdout).strip().splitlines()[-1])


def _give_up(reason: str) -> None:
    sentence = (
        "No Chromium was found and Playwright could not install its own "
        f"({reason}): install chromium to run the browser tests."
    )
    (pytest.fail if os.environ.get("CI") else pytest.skip)(sentence)


@pytest.fixture(scope="package")
def devices(browser: Browser) -> dict[str, BrowserContext]:
    """Devices by their description: a device that returns has the app's scripts in its cache."""
    return {}


@pytest.fixture
def visit(browser: Browser, devices: dict[str, BrowserContext], lab: Lab, request, tmp_path):
    """A new visitor's tab: `visit("/Data")`; keywords describe the device, as Playwright does."""
    tabs = []

    def visit(path: str = "/", **device) -> Visitor:
        name = repr(sorted(device.items()))
        if name not in devices:
            devices[name] = browser.new_context(
                **{"viewport": {"width": 1280, "height": 900}, **device}
            )
        tabs.append(devices[name].new_page())
        return Visitor(tabs[-1], lab.url).open(path)

    yield visit
    if request.node.stash.get(_FAILED, False):
        _show_what_was_seen(tabs, lab, tmp_path)
        lab.stop_runs()  # what it started would keep those of the next test waiting
    for tab in tabs:
        tab.close()


def _show_what_was_seen(tabs: list[Page], lab: Lab, folder: Path) -> None:
    for number, page in enumerate(tabs, start=1):
        picture = folder / f"tab-{number}.png"
        page.screenshot(path=picture)
        print(f"{page.url} looked like {picture}")
    print(f"The server's log ends with:\n{lab.log.read_text()[-4_000:]}")


@pytest.hookimpl(tryfirst=True)  # before others choose by the mark
def pytest_collection_modifyitems(items) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report


def pytest_terminal_summary(terminalreporter) -> None:
    for browser in sorted(_used):
        terminalreporter.write_line(f"The browser tests used {browser}.")
