"""A crowd that draws: `python tests/benchmarks/crowd.py [VISITORS …] [--servers N] [--train]`.

So many visitors (50 and 100 by default) at once on the Draw page of the real server, each of whom
draws a digit every three seconds and clears it. They bring no browsers, which would be on machines
of their own: they say what one was heard to say (see `reading`). Prints the seconds from pen-up to
the arrival of the answer, the processor seconds that the server takes for a drawing and its
clearing, and the memory that it holds then. With `--train` one network trains beside, with
`--servers 2` two servers have one home and half of the visitors each, as behind a proxy whose
sessions are sticky. Servers and visitors share the machine; the cores that the visitors keep busy
are printed, too.

    python tests/benchmarks/crowd.py 50 --minutes 10

So many at a time come, draw and clear a few digits and go, and others come, for ten minutes. Prints
the memory and the file descriptors of the servers every half minute; Streamlit keeps who has gone
for two minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from playwright.async_api import async_playwright
from reading import ANSWER_SAID, listen_to_one
from serving import ROOT, Served, launch_async, percentile, serve
from visitors import call, say
from watching import processor_seconds

EVERY, CLEAR_AFTER = 3.0, 1.0  # seconds
CROWDS = (50, 100)
LOOK = 30.0  # seconds between two looks at a server whose visitors come and go
STAY = (2, 12)  # drawings of one of them


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("visitors", nargs="*", type=int, default=CROWDS)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--servers", type=int, default=1)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        servers = [stack.enter_context(serve(home)) for _ in range(asked.servers)]
        stack.enter_context(_training(home) if asked.train else contextlib.nullcontext())
        figures = asyncio.run(_measure(servers, asked.visitors, 60 * asked.minutes))
    if asked.minutes or asked.json:
        print(json.dumps(figures))
        return
    for count, figure in figures.items():
        print(
            f"{count:4} visitors: median {figure['median']:.3f} s, 95th percentile "
            f"{figure['p95']:.3f} s (n = {figure['n']}); {1000 * figure['cost']:.0f} ms of "
            f"processor a drawing, {figure['memory']:.0f} MB; the visitors take "
            f"{figure['visitors']:.2f} cores"
        )


@contextlib.contextmanager
def _training(home: str) -> Iterator[None]:
    """One network trains in this home, in a process that the server's queue would start, too."""
    os.environ["DIGITLAB_HOME"] = home
    sys.path.insert(0, str(ROOT))
    import digitlab as dl
    from digitlab.jobs import queue

    run_id = dl.submit("cnn-small", "mnist", dl.TrainConfig(epochs=100, threads=1))
    try:
        yield
    finally:
        queue.stop(run_id)


async def _measure(servers: list[Served], crowds: list[int], seconds: float) -> dict[int, dict]:
    async with async_playwright() as playwright:
        browser = await launch_async(playwright)
        scenes = await listen_to_one(browser, servers[0].url)
        await browser.close()
    if seconds:
        return {count: await _come_and_go(servers, scenes, count, seconds) for count in crowds}
    return {count: await _gather(servers, scenes, count) for count in crowds}


async def _gather(servers: list[Served], scenes: list[list[bytes]], count: int) -> dict[str, float]:
    everybody = asyncio.Barrier(count + 1)
    visits = [
        asyncio.create_task(_visit(_url(servers, k), scenes, random.Random(k), everybody))
        for k in range(count)
    ]
    await everybody.wait()
    before, own, began = _processor_seconds(servers), time.process_time(), time.perf_counter()
    times = list(chain.from_iterable(await asyncio.gather(*visits)))
    used = _processor_seconds(servers) - before
    return {
        "n": len(times),
        "median": percentile(times, 50),
        "p95": percentile(times, 95),
        "cost": used / len(times),
        "memory": _memory(servers),
        "visitors": (time.process_time() - own) / (time.perf_counter() - began),
    }


def _url(servers: list[Served], visitor: int) -> str:
    """Where this visitor always goes."""
    return servers[visitor % len(servers)].url


def _processor_seconds(servers: list[Served]) -> float:
    return sum(processor_seconds(server.process_id) for server in servers)


def _memory(servers: list[Served]) -> float:
    return sum(resident(server.process_id) for server in servers)


async def _visit(
    url: str, scenes: list[list[bytes]], rng: random.Random, everybody: asyncio.Barrier
) -> list[float]:
    """Seconds from sending each drawing to the arrival of its answer."""
    arrival, *acts = scenes
    times = []
    async with call(url) as socket:
        await asyncio.sleep(rng.uniform(0, 20))
        await say(socket, arrival)
        await everybody.wait()
        begins = time.perf_counter() + rng.uniform(0, EVERY)
        for drawing, clearing in zip(acts[::2], acts[1::2], strict=True):
            await asyncio.sleep(begins - time.perf_counter())
            times.append(await say(socket, drawing, ANSWER_SAID))
            await asyncio.sleep(begins + CLEAR_AFTER - time.perf_counter())
            await say(socket, clearing)
            begins += EVERY
    return times


@dataclass
class _Seen:
    """What those who come and go have done by now."""

    visitors: int = 0
    drawings: int = 0


async def _come_and_go(
    servers: list[Served], scenes: list[list[bytes]], count: int, seconds: float
) -> dict[str, dict[str, float]]:
    """What the servers hold every half minute, by the seconds since the first visitor came."""
    seen, begun, rows = _Seen(), time.monotonic(), {}
    places = [
        asyncio.create_task(_take_place(_url(servers, k), scenes, random.Random(k), seen))
        for k in range(count)
    ]
    while (elapsed := time.monotonic() - begun) < seconds:
        await asyncio.sleep(min(LOOK, seconds - elapsed))
        failed = [place for place in places if place.done()]
        for place in failed:
            place.result()  # raises what went wrong
        rows[f"{time.monotonic() - begun:.0f} s"] = row = {
            **vars(seen),
            "memory": _memory(servers),
            "descriptors": _count(servers, "fd"),
            "threads": _count(servers, "task"),
        }
        print(list(rows)[-1], row, flush=True)
    for place in places:
        place.cancel()
    await asyncio.wait(places, timeout=10)  # one that is just leaving may not hear it
    return rows


def _count(servers: list[Served], kind: str) -> int:
    return sum(1 for server in servers for _ in Path(f"/proc/{server.process_id}/{kind}").iterdir())


async def _take_place(url: str, scenes: list[list[bytes]], rng: random.Random, seen: _Seen) -> None:
    """One visitor after the other, each of whom draws a few digits and goes."""
    arrival, *acts = scenes
    await asyncio.sleep(rng.uniform(0, 20))
    while True:
        async with call(url) as socket:
            await say(socket, arrival)
            seen.visitors += 1
            stay = 2 * rng.randint(STAY[0], min(STAY[1], len(acts) // 2))
            for drawing, clearing in zip(acts[:stay:2], acts[1:stay:2], strict=True):
                await say(socket, drawing, ANSWER_SAID)
                seen.drawings += 1
                await asyncio.sleep(CLEAR_AFTER)
                await say(socket, clearing)
                await asyncio.sleep(rng.uniform(1, EVERY))
        await asyncio.sleep(rng.uniform(0, EVERY))


def resident(process_id: int) -> float:
    """Megabytes of memory that a process holds, on Linux."""
    lines = Path(f"/proc/{process_id}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000


if __name__ == "__main__":
    main()
