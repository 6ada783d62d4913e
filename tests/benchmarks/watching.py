"""What watching costs a training: `python tests/benchmarks/watching.py [--json]`.

One long training of a small CNN on MNIST, in turns watched by nobody, by ten visitors whose tabs
show its page, and by those tabs in the background. Prints how many images it learns from in a
second, as a share of that with nobody just before and just after (medians of the turns, so that a
machine that grows slower does no harm), the cores that the server keeps busy, and how many looks it
answers in a second. The visitors bring no browsers (theirs are on machines of their own): they say
to the server, at the same pace, what a browser was heard to say. They get the processor time that
server and training leave over, where the system can do that (Linux's idle scheduling class).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from playwright.async_api import async_playwright
from serving import Served, launch_async, serve
from visitors import Said, call, is_end, listen
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

ROUNDS, TABS = 5, 10
BEGUN, SETTLE, MEASURE = 20.0, 5.0, 10.0  # seconds
SCENE = 12.0  # seconds that a browser is listened to: every look comes a whole number of times
BATCH = 64
ARRIVAL, WATCHING, HIDING, IN_BACKGROUND = range(4)  # the scenes of a visit
NOBODY, SHOWN, HIDDEN = "nobody", f"{TABS} tabs", f"{TABS} tabs, hidden"
HIDE = (
    "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
    "document.dispatchEvent(new Event('visibilitychange'))"
)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["DIGITLAB_HOME"] = home
        with serve(home) as server:
            turns = asyncio.run(_measure(server))
    figures = {who: _summary(who, turns) for who in (NOBODY, SHOWN, HIDDEN)}
    if "--json" in sys.argv:
        print(json.dumps({"figures": figures, "turns": turns}))
        return
    for who, figure in figures.items():
        print(
            f"{who:18}{figure['images']:8,.0f} images/s ({figure['ratio']:.3f}), server "
            f"{figure['cores']:.3f} cores, {figure['looks']:.1f} looks/s"
        )


def _summary(who: str, turns: dict[str, list[dict[str, float]]]) -> dict[str, float]:
    """The medians of the turns, and of the shares of what is learnt from with nobody around."""
    medians = {
        name: statistics.median(turn[name] for turn in turns[who])
        for name in ("images", "cores", "looks")
    }
    alone = [statistics.mean(pair) for pair in pairwise(turn["images"] for turn in turns[NOBODY])]
    found = [turn["images"] for turn in turns[who]]
    shares = [1.0] if who == NOBODY else [a / b for a, b in zip(found, alone, strict=True)]
    return medians | {"ratio": statistics.median(shares)}


async def _measure(server: Served) -> dict[str, list[dict[str, float]]]:
    import digitlab as dl
    from digitlab.jobs import queue

    config = dl.TrainConfig(epochs=100, batch_size=BATCH, threads=1)
    run_id = dl.submit("cnn-small", "mnist", config)
    try:
        await asyncio.sleep(BEGUN)
        said = await _listen_to_one(f"{server.url}Train?run={run_id}")
        with _leaving_the_rest_alone():
            return await _take_turns(server, run_id, said)
    finally:
        queue.stop(run_id)


async def _listen_to_one(address: str) -> Said:
    """What a browser says: on arrival, while it shows a run for some seconds, when it is hidden."""
    async with async_playwright() as playwright:
        browser = await launch_async(playwright)
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        said = listen(page)
        await page.goto(address)
        await page.locator(".js-plotly-plot").first.wait_for(timeout=120_000)
        for _ in range(2):  # the first seconds, in which the browser is busy, are not typical
            said.next_scene()
            await page.wait_for_timeout(1000 * SCENE)
        said.next_scene()
        await page.evaluate(HIDE)
        await page.wait_for_timeout(1000 * SETTLE)
        said.next_scene()
        await page.wait_for_timeout(1000 * SCENE)
        await browser.close()
    for heard in (said.scenes, said.times):
        del heard[1]
    return said


@contextlib.contextmanager
def _leaving_the_rest_alone():
    """This process runs while nobody else wants to."""
    if not hasattr(os, "SCHED_IDLE"):
        yield
        return
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    yield
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


async def _take_turns(server: Served, run_id: str, said: Said) -> dict[str, list]:
    turns = {NOBODY: [], SHOWN: [], HIDDEN: []}
    for _ in range(ROUNDS):
        turns[NOBODY].append(await _observe(server, run_id, []))
        visitors = [Visitor(server.url, said, random.Random(seed)) for seed in range(TABS)]
        visits = [asyncio.create_task(visitor.visit()) for visitor in visitors]
        await asyncio.gather(*(visitor.arrived.wait() for visitor in visitors))
        await asyncio.sleep(SETTLE)
        turns[SHOWN].append(await _observe(server, run_id, visitors))
        for visitor in visitors:
            visitor.hidden.set()
        await asyncio.sleep(SETTLE)
        turns[HIDDEN].append(await _observe(server, run_id, visitors))
        for visit in visits:
            visit.cancel()
        await asyncio.gather(*visits, return_exceptions=True)
        await asyncio.sleep(SETTLE)
    turns[NOBODY].append(await _observe(server, run_id, []))
    return turns


class Visitor:
    """One who says what a browser said: arrives, looks until told to hide, then is silent."""

    def __init__(self, url: str, said: Said, rng: random.Random) -> None:
        self.url, self.said, self.rng = url, said, rng
        self.arrived, self.hidden = asyncio.Event(), asyncio.Event()
        self.looks = 0

    async def visit(self) -> None:
        """Stay until cancelled."""
        await asyncio.sleep(self.rng.uniform(0, 3))
        async with call(self.url) as socket:
            self.hearing = asyncio.create_task(self._hear(socket))
            await self._say(socket, ARRIVAL)
            self.arrived.set()
            while not self.hidden.is_set():
                await self._say(socket, WATCHING)
            await self._say(socket, HIDING)
            while True:
                await self._say(socket, IN_BACKGROUND)

    async def _say(self, socket: ClientConnection, scene: int) -> None:
        """A scene at the pace at which it was heard; watching ends when the tab is hidden."""
        messages, times = self.said.scenes[scene], self.said.times[scene]
        if scene == ARRIVAL:  # less the looks while the browser was still busy
            messages, times = messages[:1], times[:1]
        began = time.perf_counter()
        for message, moment in zip(messages, times, strict=True):
            await asyncio.sleep(began + moment - times[0] - time.perf_counter())
            if scene == WATCHING and self.hidden.is_set():
                return
            await socket.send(message)
        if scene in (WATCHING, IN_BACKGROUND):
            await asyncio.sleep(began + SCENE - time.perf_counter())

    async def _hear(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for heard in socket:
                self.looks += is_end(heard)


async def _observe(server: Served, run_id: str, visitors: list[Visitor]) -> dict[str, float]:
    """Images that are learnt from, cores that the server keeps busy, looks that it answers."""

    async def now() -> tuple[int, float, float, int]:
        step, moment = await _written(run_id)
        looks = sum(visitor.looks for visitor in visitors)
        return step, moment, processor_seconds(server.process_id), looks

    before = await now()
    await asyncio.sleep(MEASURE)
    steps, seconds, used, looks = (b - a for a, b in zip(before, await now(), strict=True))
    return {"images": BATCH * steps / seconds, "cores": used / seconds, "looks": looks / seconds}


def processor_seconds(process_id: int) -> float:
    """Time for which a process kept a core busy until now, on Linux."""
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _written(run_id: str) -> tuple[int, float]:
    """The step that was written last, at the moment when it changes."""
    from digitlab.runs import store

    before = store.get_record(run_id).step
    while (step := store.get_record(run_id).step) == before:
        await asyncio.sleep(0.02)
    return step, time.perf_counter()


if __name__ == "__main__":
    main()
