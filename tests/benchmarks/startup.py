"""Start-up and memory, measured: `python tests/benchmarks/startup.py [--json]`.

Starts the real server several times and prints medians: from the start of the server to Home in
the browser, and from opening Home on a warm server to its canvas being ready to draw on, for a
browser that was never there and for one that comes back. Browser and server share the machine.
Memory is
the resident set of the server's process after each page, and of a worker that trains on MNIST (on
optdigits where MNIST is not on disk). Linux only, as it reads /proc.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from serving import ROOT, launch, serve

ROUNDS = 3
WARM_UP = 8  # seconds until what the first visitor sets going has settled
PAGES = ("", "Data", "Architecture", "Train", "Results", "Draw")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = launch(playwright)
        cold, first, again, memory = [], [], [], {}
        for round_number in range(ROUNDS):
            with serve(home) as server:
                answering = time.perf_counter() - server.began
                cold.append(answering + visit(browser, server.url)[0])
                time.sleep(WARM_UP)
                for _ in range(3):
                    visits = visit(browser, server.url)
                    first.append(visits[0])
                    again.append(visits[1])
                if round_number == ROUNDS - 1:
                    memory = memory_by_page(browser, server.url, server.process_id)
        memory["worker"] = memory_of_worker(home)
    seconds = {"start": cold, "first visit": first, "next visit": again}
    report({name: statistics.median(times) for name, times in seconds.items()}, memory)


def visit(browser: Browser, url: str) -> tuple[float, float]:
    """Seconds until Home's canvas can be drawn on: in a fresh browser profile, and on reloading."""
    context = browser.new_context()
    page = context.new_page()
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator("canvas").first.wait_for(timeout=60_000)
    first = time.perf_counter() - began
    began = time.perf_counter()
    page.reload(wait_until="commit")
    page.locator("canvas").first.wait_for(timeout=60_000)
    again = time.perf_counter() - began
    context.close()
    return first, again


def memory_by_page(browser: Browser, url: str, pid: int) -> dict[str, int]:
    """Resident megabytes of the server after each page was opened, in order."""
    memory = {}
    page = browser.new_context().new_page()
    for name in PAGES:
        page.goto(url + name)
        page.wait_for_timeout(6_000)
        memory[name or "Home"] = resident(pid)
    return memory


def memory_of_worker(home: str) -> int:
    """The largest resident set, in megabytes, of a process that trains a small CNN one epoch."""
    code = (
        "import resource, digitlab as dl\n"
        "from digitlab.data.catalog import default_dataset\n"
        "config = dl.TrainConfig(epochs=1, batch_size=128)\n"
        "dl.train('lenet-5', default_dataset(), config, progress=False)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "DIGITLAB_HOME": home},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def resident(pid: int) -> int:
    """Resident megabytes of a process now."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) // 1024
    return 0


def report(seconds: dict[str, float], memory: dict[str, int]) -> None:
    """Print as a table, or as JSON."""
    if "--json" in sys.argv:
        print(json.dumps({"seconds": seconds, "memory_mb": memory}))
        return
    for name, value in seconds.items():
        print(f"{name}, until Home's canvas can be drawn on: {value:.2f} s (median)")
    for name, megabytes in memory.items():
        print(f"memory after {name}: {megabytes} MB")


if __name__ == "__main__":
    main()
