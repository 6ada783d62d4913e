"""Images of every kind and shape, read: python -m tests.benchmarks.fuzz_drawings [COUNT] [SEED]

Prints how many got an answer, how many were refused, what else they raised (nothing), the slowest
and the memory that the process took at most. On one thread.
"""

from __future__ import annotations

import collections
import resource
import sys
import time
import traceback
import warnings

import numpy as np
import torch

import digitlab as dl
from digitlab.errors import DigitlabError
from tests.drawing import fuzzed


def main(count: int, seed: int) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    ends: collections.Counter[str] = collections.Counter()
    times = []
    dl.recognize(np.pad(np.zeros((40, 6), np.uint8), 30, constant_values=255))  # torch is loaded
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for number in range(count):
        source = fuzzed.image(np.random.default_rng([seed, number]))
        start = time.process_time()
        try:
            dl.recognize(source)
            end = "answer"
        except DigitlabError as error:
            end = "refused" if str(error).endswith(".") and "\n" not in str(error) else str(error)
        except Exception as error:
            end = type(error).__name__
            print(f"--- {number}: {error!r}\n{traceback.format_exc(limit=-4)}", flush=True)
        took = time.process_time() - start
        ends[end] += 1
        times.append(took)
        if took > 1:
            print(f"--- {number} took {took:.2f} s ({end})", flush=True)
        if number % 1000 == 999:
            print(number + 1, dict(ends), f"slowest {max(times):.2f} s", flush=True)
    times.sort()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{count} images: {dict(ends)}; median {times[len(times) // 2] * 1e3:.0f} ms, 99 % under "
        f"{times[len(times) * 99 // 100] * 1e3:.0f} ms, slowest {times[-1]:.2f} s (CPU); memory "
        f"{before} MB before, {peak} MB at most"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, int((sys.argv[2:] or ["0"])[0]))
