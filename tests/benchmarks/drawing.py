"""How well drawings are read: `python tests/benchmarks/drawing.py [--json]`.

Real pen strokes (UCI Pendigits, from DIGITLAB_DATA/pendigits) on canvases, read end to end by a
run, by default the bundled reader on one core. The figures are of the writers with odd numbers;
the costs in `drawing` were chosen on the others (`--writers even`).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import digitlab as dl
from digitlab.drawing.recognition import recognize_drawing
from digitlab.drawing.source import read_drawing
from digitlab.drawing.stages import find_box, frame_digit
from digitlab.drawing.strokes import PenDigit, rasterise, read_unipen
from digitlab.errors import EmptyDrawingError
from digitlab.settings import read_settings

Strokes = list[np.ndarray]


@dataclass(frozen=True, eq=False)
class Drawing:
    """A canvas, what is written on it, and each digit alone on a canvas of its own."""

    canvas: np.ndarray
    text: str
    alone: tuple[np.ndarray, ...]


def single(digits: list[PenDigit], rng: np.random.Generator) -> Drawing:
    """One digit of 80 to 230 pixels anywhere on 280 × 280, with a brush of 12 to 24."""
    digit = digits[rng.integers(len(digits))]
    side, brush = rng.uniform(80, 230), rng.uniform(12, 24)
    strokes, extent = _scaled(digit, side, widest=1)
    margin = brush / 2 + 2
    place = rng.uniform(margin, np.maximum(margin + 1, 280 - extent - margin))
    canvas = rasterise([stroke + place for stroke in strokes], (280, 280), brush)
    return Drawing(canvas, str(digit.label), (canvas,))


def apart(digits: list[PenDigit], rng: np.random.Generator) -> Drawing:
    """2 to 6 digits of one writer with paper of 0.08 to 0.5 of their height between them."""
    return _string(digits, rng, lambda height, _, __: rng.uniform(0.08, 0.5) * height)


def touching(digits: list[PenDigit], rng: np.random.Generator) -> Drawing:
    """2 to 6 digits of one writer, each moved into the one before by 0 to 0.06 of their height."""
    return _string(digits, rng, lambda h, one, two: -_contact(one, two) - rng.uniform(0, 0.06) * h)


def two_lines(digits: list[PenDigit], rng: np.random.Generator) -> Drawing:
    """Two such strings apart, with paper of 0.15 to 0.5 of a digit's height between them."""
    upper, lower = apart(digits, rng), apart(digits, rng)
    scale = 1 + rng.uniform(0.15, 0.5)
    first, second = (_trimmed(one.canvas) for one in (upper, lower))
    gap = int((scale - 1) * min(len(first), len(second)))
    width = max(first.shape[1], second.shape[1]) + 40
    canvas = np.zeros((len(first) + gap + len(second) + 40, width, 4), np.uint8)
    canvas[20 : 20 + len(first), 20 : 20 + first.shape[1]] = first
    canvas[20 + len(first) + gap : -20, 20 : 20 + second.shape[1]] = second
    return Drawing(canvas, f"{upper.text}\n{lower.text}", upper.alone + lower.alone)


CONDITIONS = {"single": single, "apart": apart, "touching": touching, "two lines": two_lines}


def measure(
    condition: str, digits: list[PenDigit], run: dl.Run, count: int, seed: int = 0
) -> dict[str, Any]:
    """The figures of one condition over `count` drawings; shares of 1, milliseconds of a core."""
    rng = np.random.default_rng(seed)
    right = oracle = pieces = digits_right = digits_all = 0
    times = []
    warm = CONDITIONS[condition](digits, np.random.default_rng(seed + 1))
    recognize_drawing(warm.canvas, run.predict)  # imports and the first pass are not timed
    for _ in range(count):
        drawing = CONDITIONS[condition](digits, rng)
        start = time.process_time()
        try:
            text = recognize_drawing(drawing.canvas, run.predict).text
        except EmptyDrawingError:
            text = ""
        times.append(1000 * (time.process_time() - start))
        right += text == drawing.text
        pieces += len(text) != len(drawing.text)
        digits_all += len(drawing.alone)
        digits_right += len(drawing.alone) - _edits(text, drawing.text)
        framed = np.stack([frame_digit(read_drawing(one)).image for one in drawing.alone])
        labels = run.predict(framed[:, None]).argmax(axis=1)
        oracle += "".join(map(str, labels)) == drawing.text.replace("\n", "")
    return {
        "drawings": count,
        "exact": right / count,
        "exact where each digit is framed alone": oracle / count,
        "digits right": digits_right / digits_all,
        "wrong number of digits": pieces / count,
        "median ms of a core": float(np.median(times)),
        "95th percentile ms of a core": float(np.percentile(times, 95)),
    }


def _string(
    digits: list[PenDigit],
    rng: np.random.Generator,
    gap: Callable[[float, np.ndarray, np.ndarray], float],
) -> Drawing:
    writer = digits[rng.integers(len(digits))].writer
    own = [digit for digit in digits if digit.writer == writer]
    chosen = [own[k] for k in rng.integers(len(own), size=rng.integers(2, 7))]
    height = rng.uniform(80, 180)
    brush = height * rng.uniform(0.07, 0.15)
    placed: list[Strokes] = []
    alone, x, before = [], 40.0, None
    for digit in chosen:
        strokes, extent = _scaled(digit, height * rng.uniform(0.85, 1.1), widest=1.2)
        drop = 40 + height * rng.uniform(0, 0.12)
        size = (int(extent[0] + 80), int(1.3 * height + 80))
        canvas = rasterise([stroke + np.array((40, drop)) for stroke in strokes], size, brush)
        if before is not None:
            x += gap(height, before[..., 3], canvas[..., 3])
        placed.append([stroke + np.array((x, drop)) for stroke in strokes])
        x += _right(canvas) - _left(canvas)
        alone.append(canvas)
        before = canvas
    return _composed(placed, [digit.label for digit in chosen], alone, brush)


def _composed(placed: list[Strokes], labels: list[int], alone: Strokes, brush: float) -> Drawing:
    strokes = [stroke for one in placed for stroke in one]
    extent = np.concatenate(strokes).max(axis=0) + 40
    canvas = rasterise(strokes, (int(extent[0]), int(extent[1])), brush)
    return Drawing(canvas, "".join(map(str, labels)), tuple(alone))


def _scaled(digit: PenDigit, side: float, widest: float) -> tuple[Strokes, np.ndarray]:
    """Strokes from (0, 0), `side` high and at most `widest` times as wide, and their extent."""
    points = np.concatenate(digit.strokes).astype(np.float64)
    low, span = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1)
    scale = side / max(span[1], span[0] / widest)
    return [(stroke - low) * scale for stroke in digit.strokes], span * scale


def _contact(before: np.ndarray, after: np.ndarray) -> float:
    """The least paper between two canvases' ink in a row, where their boxes stand side by side."""
    rows = min(len(before), len(after))
    one, two = before[:rows] > 127, after[:rows] > 127
    both = one.any(axis=1) & two.any(axis=1)
    end = one.shape[1] - 1 - one[both][:, ::-1].argmax(axis=1)
    start = two[both].argmax(axis=1)
    right, left = np.flatnonzero(one.any(axis=0))[-1], np.flatnonzero(two.any(axis=0))[0]
    return float((right - end + start - left).min())


def _left(canvas: np.ndarray) -> int:
    return find_box(canvas[..., 3])[0]


def _right(canvas: np.ndarray) -> int:
    return find_box(canvas[..., 3])[2]


def _trimmed(canvas: np.ndarray) -> np.ndarray:
    left, top, right, bottom = find_box(canvas[..., 3])
    return canvas[top:bottom, left:right]


def _edits(read: str, true: str) -> int:
    """Digits to put in, leave out or change (Levenshtein's distance)."""
    row = list(range(len(true) + 1))
    for i, one in enumerate(read, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(true, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (one != other))
    return row[-1]


def main() -> None:
    """Measure all conditions and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="machine output")
    parser.add_argument("--run", default="reader-cnn", help="the run that reads")
    parser.add_argument("--count", type=int, default=500, help="drawings of each condition")
    parser.add_argument("--writers", choices=("odd", "even"), default="odd")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    file = read_settings().data / "pendigits" / "pendigits-orig-train.gz"
    digits = [d for d in read_unipen(file) if d.writer % 2 == (options.writers == "odd")]
    run = dl.open_run(options.run)
    figures = dict(_measured(digits, run, options.count, quiet=options.json))
    if options.json:
        print(json.dumps({"run": run.id, "writers": options.writers, **figures}, indent=2))


def _measured(
    digits: list[PenDigit], run: dl.Run, count: int, *, quiet: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    for condition in CONDITIONS:
        figures = measure(condition, digits, run, count)
        if not quiet:
            words = (
                f"{k} {v:.3f}" if isinstance(v, float) else f"{v} {k}" for k, v in figures.items()
            )
            print(f"{condition}: " + ", ".join(words))
        yield condition, figures


if __name__ == "__main__":
    sys.exit(main())
