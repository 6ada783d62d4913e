"""How long reading takes in each form: python -m tests.benchmarks.forms [COUNT] [FORM…]

Writes COUNT images (70,000) of MNIST's kind in each form of `tests/data/test_forms.py`, reads them
in a process that has loaded what it needs, and prints seconds by the clock and of the processor,
how many times as long that is as decoding as many PNGs from memory and nothing else (so that
machines compare), and the memory taken beyond the file and the images.
"""

from __future__ import annotations

import io
import multiprocessing
import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

import digitlab as dl
from digitlab.data.registry import default_dataset
from tests.data.test_forms import FORMS, png

SAMPLE = 2_000  # images, of which the time to decode is measured


def main(count: int, chosen: list[str]) -> None:
    data = dl.load_dataset(default_dataset()).train
    rows = np.arange(count) % len(data)
    images, labels = data.images[rows, 0].numpy(), data.labels[rows].numpy()
    unit = decode_seconds(images[:SAMPLE]) * count / SAMPLE
    print(
        f"{count:,} images; decoding as many PNGs takes {unit:.1f} s of the processor", flush=True
    )
    fork = multiprocessing.get_context("spawn")
    for family, form, name, write in FORMS:
        title = f"{family} {form}"
        if chosen and not any(word in title for word in chosen):
            continue
        with TemporaryDirectory() as folder, fork.Pool(1) as pool:
            path = Path(folder) / name
            path.write_bytes(write(images, labels))
            size = path.stat().st_size / 1e6
            clock, used, beyond, end = pool.apply(read, (path,))
        print(
            f"{title:34} {size:5.0f} MB {clock:6.1f} s {used:6.1f} s of the processor, "
            f"{used / unit:5.1f} times; {beyond:5.0f} MB beyond; {end}",
            flush=True,
        )


def decode_seconds(images: np.ndarray) -> float:
    """Seconds of the processor to decode PNGs of the images."""
    files = [png(image) for image in images]
    start = time.process_time()
    for content in files:
        np.asarray(Image.open(io.BytesIO(content)))
    return time.process_time() - start


def read(path: Path) -> tuple[float, float, float, str]:
    """Seconds by the clock, of the processor, MB beyond file and images, and how it ended."""
    dl.read_images(_warm(), "a.npz")  # loads the bundled reader
    before, start, used = peak(), time.perf_counter(), processor()
    try:
        images = dl.read_images(path)
        own = images.images.nbytes + path.stat().st_size
        end = f"{len(images):,} images"
    except dl.DigitlabError as e:
        own, end = 0, str(e)
    clock, used = time.perf_counter() - start, processor() - used
    return clock, used, peak() - before - own / 1e6, end


def _warm() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, images=np.zeros((20, 28, 28), np.uint8), labels=np.arange(20) % 10)
    return buffer.getvalue()


def processor() -> float:
    """Seconds of the processor, with those of processes that ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def peak() -> float:
    """The most memory that this process has taken, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 70_000, sys.argv[2:])
