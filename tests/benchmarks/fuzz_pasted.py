"""Many mutated texts through `read_code`: python -m tests.benchmarks.fuzz_pasted [COUNT] [SEED]

Prints how many became a spec, how many were refused, what else they raised (nothing), the slowest
and the memory that the process took at most.
"""

from __future__ import annotations

import collections
import random
import resource
import sys
import time
import traceback

from digitlab.errors import SpecError
from digitlab.models.paste.read import read_code
from tests.models.paste.mutate import mutated
from tests.models.paste.test_fuzz import TEXTS


def main(count: int, seed: int) -> None:
    rng = random.Random(seed)
    ends: collections.Counter[str] = collections.Counter()
    times = []
    read_code(TEXTS[0])  # torch is loaded now
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for number in range(count):
        text = mutated(rng.choice(TEXTS), rng)
        start = time.process_time()
        try:
            read_code(text)
            end = "spec"
        except SpecError:
            end = "refused"
        except Exception as error:
            end = type(error).__name__
            print(f"--- {number}: {error!r}\n{text[-2000:]}\n{traceback.format_exc(limit=-4)}")
        took = time.process_time() - start
        ends[end] += 1
        times.append(took)
        if took > 1:
            print(f"--- {number} took {took:.2f} s ({end})\n{text[:200]!r}", flush=True)
        if number % 1000 == 999:
            print(number + 1, dict(ends), f"slowest {max(times):.2f} s", flush=True)
    times.sort()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{count} texts: {dict(ends)}; median {times[len(times) // 2] * 1e3:.0f} ms, 99 % under "
        f"{times[len(times) * 99 // 100] * 1e3:.0f} ms, slowest {times[-1]:.2f} s (CPU); memory "
        f"{before} MB before, {peak} MB at most"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, int((sys.argv[2:] or ["0"])[0]))
