"""How soon a drawing is answered: `python tests/benchmarks/reading.py [--json]`.

Draws digits with the mouse on the Draw page of the real server and measures from lifting the pen
until the browser shows the answer: alone, and as one of twenty visitors who draw at once, each of
whom draws a digit, reads the answer, thinks for a second or two and clears. The nineteen others
bring no browsers (visitors have machines of their own, and twenty browsers would be all that two
cores can do): they say to the server what a browser was heard to say, and their time ends when the
answer arrives. Server, browser and the nineteen share the machine.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import re
import sys
import tempfile
import time
from itertools import chain

from playwright.async_api import Browser, Page, async_playwright, expect
from serving import launch_async, percentile, serve
from visitors import call, listen, say

ROUND = [2 * math.pi * k / 12 for k in range(13)]
DIGITS = {  # corners from 0 to 1 of the canvas
    "7": ((0.25, 0.25), (0.75, 0.25), (0.45, 0.8)),
    "1": ((0.5, 0.2), (0.5, 0.8)),
    "0": [(0.5 + 0.2 * math.sin(angle), 0.5 - 0.3 * math.cos(angle)) for angle in ROUND],
}
VISITORS, ALONE, EACH = 20, 20, 12
THINK = (1.0, 2.0)  # seconds
READ = 0.5
SCREEN = {"width": 1280, "height": 900}
PATIENCE = 30_000
ANSWER = '[data-testid="stHtml"] [role="status"]'
ANSWER_SAID = b"role='status'"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as home, serve(home) as server:
        times = asyncio.run(_measure(server.url))
    figures = {
        who: {"n": len(seconds), "median": percentile(seconds, 50), "p95": percentile(seconds, 95)}
        for who, seconds in times.items()
    }
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    for who, figure in figures.items():
        print(
            f"{who:32} median {figure['median']:.3f} s, 95th percentile {figure['p95']:.3f} s "
            f"(n = {figure['n']})"
        )


async def _measure(url: str) -> dict[str, list[float]]:
    async with async_playwright() as playwright:
        browser = await launch_async(playwright)
        first = await _arrive(await browser.new_page(viewport=SCREEN), url)
        await _draw_some(first, 3, random.Random(0))  # what only the first drawing costs
        alone = await _draw_some(first, ALONE, random.Random(1))
        await first.close()
        said = await listen_to_one(browser, url)
        watched = await _arrive(await browser.new_page(viewport=SCREEN), url)
        everybody = asyncio.Barrier(VISITORS)
        shown, *arrived = await asyncio.gather(
            _draw_when_all_are_here(watched, everybody),
            *(_visit(url, said, random.Random(k), everybody) for k in range(VISITORS - 1)),
        )
        await browser.close()
    return {
        "one visitor": alone,
        f"one of {VISITORS} visitors": shown,
        f"the {VISITORS - 1} others, to its arrival": list(chain.from_iterable(arrived)),
    }


async def listen_to_one(browser: Browser, url: str) -> list[list[bytes]]:
    """What a browser sends: on arrival, then in turn for a drawing and for clearing it."""
    page = await browser.new_page(viewport=SCREEN)
    said = listen(page)
    await _arrive(page, url)
    await _draw_some(page, EACH, random.Random(2), said.next_scene)
    await page.close()
    return said.scenes


async def _draw_when_all_are_here(page: Page, everybody: asyncio.Barrier) -> list[float]:
    await everybody.wait()
    return await _draw_some(page, EACH, random.Random(VISITORS))


async def _visit(
    url: str, scenes: list[list[bytes]], rng: random.Random, everybody: asyncio.Barrier
) -> list[float]:
    """Seconds from sending each drawing to the arrival of its answer, for one without a browser."""
    arrival, *acts = scenes
    times = []
    async with call(url) as socket:
        await say(socket, arrival)
        await everybody.wait()
        for drawing, clearing in zip(acts[::2], acts[1::2], strict=True):
            await asyncio.sleep(rng.uniform(*THINK))
            times.append(await say(socket, drawing, ANSWER_SAID))
            await asyncio.sleep(READ)
            await say(socket, clearing)
    return times


async def _arrive(page: Page, url: str) -> Page:
    await page.goto(f"{url}Draw")
    await page.locator("canvas.upper-canvas").wait_for(timeout=PATIENCE)
    await page.get_by_text("Draw a digit on the canvas").first.wait_for(timeout=PATIENCE)
    await page.wait_for_timeout(1_000)
    return page


async def _draw_some(
    page: Page, count: int, rng: random.Random, next_scene=lambda: None
) -> list[float]:
    """Seconds from pen-up to answer of some drawings of one visitor."""
    times = []
    for _ in range(count):
        digit = rng.choice(sorted(DIGITS))
        await page.wait_for_timeout(1_000 * rng.uniform(*THINK))
        next_scene()
        times.append(await _draw(page, digit))
        await page.wait_for_timeout(1_000 * READ)
        next_scene()
        await page.get_by_role("button", name=re.compile("Clear$")).first.click()
        await page.locator(ANSWER).wait_for(state="detached", timeout=PATIENCE)
    return times


async def _draw(page: Page, digit: str) -> float:
    canvas = page.locator("canvas.upper-canvas")
    await expect(canvas).to_have_count(1, timeout=PATIENCE)  # the sheet before has been taken away
    box = await canvas.bounding_box()
    corners = [
        (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in DIGITS[digit]
    ]
    await page.mouse.move(*corners[0])
    await page.mouse.down()
    for corner in corners[1:]:
        await page.mouse.move(*corner, steps=6)
    await page.mouse.up()
    began = time.perf_counter()
    await page.locator(ANSWER).wait_for(timeout=PATIENCE)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
