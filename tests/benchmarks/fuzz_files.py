"""Many mutated files through the reader: python -m tests.benchmarks.fuzz_files [COUNT] [SEED]

Each form that `tests/data/test_forms.py` writes in turn. Prints how many became a dataset, how many
were refused, what else they raised (nothing), the slowest and the memory that this took at most.
Processes that read some of the forms have limits of their own.
"""

from __future__ import annotations

import collections
import faulthandler
import random
import resource
import sys
import time
import traceback
from pathlib import Path
from tempfile import gettempdir

import digitlab as dl
from digitlab.data.reading.read import read_file
from digitlab.errors import DigitlabError
from tests.data.mutate_files import mutated
from tests.data.test_forms import FORMS

SLOW = 3.0  # seconds, from which a file is told
GROWTH = 50  # MB, likewise


def main(count: int, seed: int) -> None:
    faulthandler.enable()
    test = dl.load_dataset("optdigits").test
    digits = test.images[:40, 0].numpy(), test.labels[:40].numpy()
    files = [(f"{family}, {form}", name, write(*digits)) for family, form, name, write in FORMS]
    ends: collections.Counter[str] = collections.Counter()
    times, before = [], peak()
    most = before
    for number in range(count):
        form, name, content = files[number % len(files)]
        rng = random.Random(f"{seed} {number}")
        content = mutated(content, rng)
        last = Path(gettempdir()) / f"fuzzed-{seed}"
        last.write_bytes(content)  # left there where the process dies
        start, cpu = time.perf_counter(), processor()
        end, why = read(content, name)
        took = min(time.perf_counter() - start, processor() - cpu + 0.1)
        ends[end] += 1
        times.append((took, number))
        if took > SLOW or peak() > most + GROWTH or end not in ("dataset", "refused"):
            print(f"--- {number} {form}, {len(content):,} bytes: {end}, {took:.1f} s, {peak()} MB")
            print(why)
            most = max(most, peak())
            last.rename(last.with_name(f"{last.name}-{number}"))
        if number % 1000 == 999:
            print(number + 1, dict(ends), f"slowest {max(times)[0]:.2f} s", flush=True)
    seconds = sorted(took for took, _ in times)
    middle, most = seconds[len(seconds) // 2], seconds[len(seconds) * 99 // 100]
    print(
        f"{count} files: {dict(ends)}; median {middle * 1e3:.0f} ms, 99 % under {most * 1e3:.0f} "
        f"ms, slowest {seconds[-1]:.2f} s; memory {before} MB before, {peak()} MB at most"
    )


def read(content: bytes, name: str) -> tuple[str, str]:
    """How it ended, and the reason."""
    try:
        images = read_file(content, name)
    except DigitlabError as e:
        text = str(e)
        clear = 10 < len(text) < 900 and text.isprintable()
        return ("refused" if clear else "unclear"), text
    except Exception as error:
        return type(error).__name__, traceback.format_exc(limit=-6)
    fits = 0 <= images.labels.min() <= images.labels.max() < len(images.classes)
    whole = images.images.shape == (len(images.labels), 1, 28, 28)
    return "dataset" if fits and whole else "wrong", " ".join(images.notes)


def processor() -> float:
    """Seconds of the processor, with those of processes that ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def peak() -> int:
    """The most memory that this process has taken, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, int((sys.argv[2:] or ["0"])[0]))
