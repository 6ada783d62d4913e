"""How well drawings are read: real pen strokes on canvases, end to end, by the default reader.

The digits are those of Pendigits' test writers, which were used neither for training nor for any
choice; what is not a digit is of kinds (letters, shapes) that the reader was not trained on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.bench.photos import measure_conditions
from digitlab.data.pendigits import FILE, digits_of, divide_writers
from digitlab.drawing.compose import CONDITIONS, Drawing, placed
from digitlab.drawing.doodles import HELD_OUT, doodle, vary
from digitlab.drawing.source import read_drawing
from digitlab.drawing.stages import Box, Framing, frame_naively
from digitlab.drawing.strokes import PenDigit
from digitlab.errors import DrawingError, EmptyDrawingError
from digitlab.settings import read_settings
from digitlab.words import percent

if TYPE_CHECKING:
    from digitlab.runs.run import Run

SEED = 0
COUNT = 500  # drawings of each condition, and a fifth as many photographs
AS_MNIST = Framing(thickness=False)  # only the steps of MNIST's own preprocessing

Measurement = dict[str, Any]
Progress = Callable[[str], None]


def measure_drawing(
    progress: Progress = lambda _: None,
    run: Run | None = None,
    count: int = COUNT,
    seed: int = SEED,
    part: str = "test",
) -> list[Measurement]:
    """All measurements, each a dict of name, value, unit, n, seed, writers and run.

    `part` names the writers of the digits: "test", or "tuning" for choosing something. `progress`
    is called with a line for each measurement. Raises DatasetMissingError without Pendigits.
    """
    from digitlab.analysis.recognize import default_reader

    reader = run or default_reader()
    digits = digits_of(read_settings().data / FILE, part)
    common = {"seed": seed, "writers": list(divide_writers()[part]), "run": reader.id}
    measurements: list[Measurement] = []
    for measurement in _measure(reader, digits, count, seed):
        measurements.append({**measurement, **common})
        progress(f"{measurement['name']}: {_format(measurement)} (n = {measurement['n']:,})")
    return measurements


def _measure(run: Run, digits: Sequence[PenDigit], count: int, seed: int) -> Iterator[Measurement]:
    yield from _measure_framings(run, digits, count, seed)
    for condition in ("apart", "touching", "two lines"):
        drawings = _draw(condition, digits, count, seed)
        yield _share(f"strings {condition}, exact", _read_exactly(drawings, run))
        if condition != "two lines":
            with_strokes = _read_exactly(drawings, run, strokes=True)
            yield _share(f"strings {condition}, strokes known, exact", with_strokes)
    yield from _measure_amounts(run, digits, count, seed)
    accuracy = run.evaluate("test").accuracy
    yield {"name": f"{run.record.dataset} test", "value": accuracy, "unit": "share", "n": 10_000}
    for name, canvases in _no_digits(digits, count, seed):
        yield _share(f"accepted: {name}", [_accepts(canvas, run) for canvas in canvases])
    yield from measure_conditions(run, digits, max(1, count // 5), seed)
    yield from _measure_time(run, digits, count // 10, seed)


def _measure_framings(
    run: Run, digits: Sequence[PenDigit], count: int, seed: int
) -> Iterator[Measurement]:
    drawings = _draw("single", digits, 2 * count, seed)
    naive = np.stack([frame_naively(read_drawing(drawing.canvas)) for drawing in drawings])[:, None]
    labels = run.predict(naive).argmax(axis=1)
    correct = [str(k) == drawing.text for k, drawing in zip(labels, drawings, strict=True)]
    yield _share("single digits, canvas resized to 28 × 28", correct)
    as_mnist = [_text(drawing, run, framing=AS_MNIST) == drawing.text for drawing in drawings]
    yield _share("single digits, framed as MNIST's", as_mnist)
    texts = [_text(drawing, run) for drawing in drawings]
    yield _share("single digits", [text == d.text for text, d in zip(texts, drawings, strict=True)])
    yield _share("single digits, strokes known", _read_exactly(drawings, run, strokes=True))
    yield _share("single digits declined", ["?" in text for text in texts])


def _measure_amounts(
    run: Run, digits: Sequence[PenDigit], count: int, seed: int
) -> Iterator[Measurement]:
    """Amounts read exactly, and those in which a mark of one kind is read as one of the other."""
    from digitlab.analysis.recognize import recognize

    drawings = _draw("amounts", digits, count, seed)
    reads = [recognize(drawing.canvas, run) for drawing in drawings]
    pairs = list(zip(reads, drawings, strict=True))
    yield _share("amounts, exact", [read.text == drawing.text for read, drawing in pairs])
    yield _share("amounts declined", [read.declined is not None for read in reads])
    digit_boxes = [[digit.box for digit in read.digits if not digit.declined] for read in reads]
    yield _share(
        "signs read as digits",
        [
            any(not _written_at(box, drawing).isdigit() for box in boxes)
            for boxes, drawing in zip(digit_boxes, drawings, strict=True)
        ],
    )
    yield _share(
        "digits read as signs",
        [
            any(_written_at(sign.box, drawing).isdigit() for sign in read.signs)
            for read, drawing in pairs
        ],
    )


def _written_at(box: Box, drawing: Drawing) -> str:
    """The character of a drawing that shares most with a box."""
    reach = drawing.brush / 2
    low = np.array([np.concatenate(glyph).min(axis=0) - reach for glyph in drawing.digits])
    high = np.array([np.concatenate(glyph).max(axis=0) + reach for glyph in drawing.digits])
    shared = np.minimum(high, box[2:]) - np.maximum(low, box[:2])
    return drawing.text[int(np.maximum(shared, 0).prod(axis=1).argmax())]


def _draw(condition: str, digits: Sequence[PenDigit], count: int, seed: int) -> list[Drawing]:
    rng = np.random.default_rng(seed)
    return [CONDITIONS[condition](digits, rng) for _ in range(count)]


def _read_exactly(drawings: Sequence[Drawing], run: Run, *, strokes: bool = False) -> list[bool]:
    return [_text(drawing, run, strokes=strokes) == drawing.text for drawing in drawings]


def _text(drawing: Drawing, run: Run, *, strokes: bool = False, **how: Any) -> str:
    from digitlab.analysis.recognize import recognize

    try:
        pen_strokes = drawing.strokes if strokes else None
        return recognize(drawing.canvas, run, strokes=pen_strokes, **how).text
    except EmptyDrawingError:
        return ""


def _no_digits(
    digits: Sequence[PenDigit], count: int, seed: int
) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Canvases without a digit, with the name of their kind."""
    rng = np.random.default_rng(seed)
    kinds = {
        "letters": {name: draw for name, draw in HELD_OUT.items() if len(name) == 1},
        "shapes and scribbles": {name: draw for name, draw in HELD_OUT.items() if len(name) > 1},
    }
    for name, doodles in kinds.items():
        yield name, [_canvas(doodle(doodles, rng)[1], rng) for _ in range(count)]
    yield "halves of digits", [_half(digits, rng) for _ in range(count)]
    yield "noise", [rng.integers(0, 256, (280, 280), np.uint8) for _ in range(count // 10)]
    yield "filled shapes", [_filled(rng) for _ in range(count)]


def _canvas(strokes: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    return placed(strokes, "", rng.uniform(80, 230), rng.uniform(12, 24), rng).canvas


def _half(digits: Sequence[PenDigit], rng: np.random.Generator) -> np.ndarray:
    """The left, right, upper or lower half of a digit; not of a 1 or 8, whose halves are digits."""
    candidates = [digit for digit in digits if digit.label not in (1, 8)]
    canvas = _canvas(vary(candidates[rng.integers(len(candidates))].strokes, rng, much=0.3), rng)
    rows, columns = np.nonzero(canvas[..., 3])
    along = (rows, columns)[rng.integers(2)]
    erased = (along < np.median(along)) == rng.integers(2)
    canvas[rows[erased], columns[erased]] = 0
    return canvas


def _filled(rng: np.random.Generator) -> np.ndarray:
    """A filled grey polygon, like the outline of a shirt or a bag."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (280, 280))
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(5, 12))))
    reach = rng.uniform(40, 130, len(angles))
    points = zip(140 + reach * np.cos(angles), 140 + reach * np.sin(angles), strict=True)
    ImageDraw.Draw(image).polygon(list(points), fill=int(rng.integers(120, 256)))
    return np.asarray(image)


def _accepts(canvas: np.ndarray, run: Run) -> bool:
    from digitlab.analysis.recognize import recognize

    try:
        read = recognize(canvas, run)
    except DrawingError:  # empty, or a page full of marks: refused
        return False
    return read.declined is None


def _measure_time(
    run: Run, digits: Sequence[PenDigit], count: int, seed: int
) -> Iterator[Measurement]:
    """Milliseconds per digit on one core, without imports and first passes."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for condition in ("single", "apart", "touching"):
            first, *drawings = _draw(condition, digits, max(2, count + 1), seed + 1)
            _text(first, run)
            times = []
            for drawing in drawings:
                start = time.process_time()
                _text(drawing, run)
                times.append(1000 * (time.process_time() - start) / len(drawing.digits))
            yield {
                "name": f"milliseconds of a core per digit, {condition}",
                "value": float(np.median(times)),
                "unit": "ms",
                "n": len(times),
            }
    finally:
        torch.set_num_threads(threads)


def _share(name: str, correct: Sequence[bool]) -> Measurement:
    return {"name": name, "value": float(np.mean(correct)), "unit": "share", "n": len(correct)}


def _format(measurement: Measurement) -> str:
    value = measurement["value"]
    return f"{value:.1f} ms" if measurement["unit"] == "ms" else percent(value)
