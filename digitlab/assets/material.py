"""What the default reader learns from besides MNIST: pen digits, touching ones, and no digits.

Everything passes through the very stages that a drawing passes through when it is read. Only the
training writers of Pendigits are used, and only the doodles of `LEARNT`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from PIL import Image

from digitlab.drawing.compose import scale_strokes, string
from digitlab.drawing.doodles import LEARNT, doodle, read_points, round_off, vary
from digitlab.drawing.segmentation import list_candidates
from digitlab.drawing.source import read_drawing
from digitlab.drawing.stages import find_box, frame_digit
from digitlab.drawing.strokes import PenDigit, rasterise
from digitlab.errors import DigitlabError

NO_DIGIT = 10  # the label of what is none
WHOLE = 0.88  # of a digit's ink in a run of pieces, and of the run's ink in the digit: it is that …
PARTLY = 0.75  # … digit; below this it is none; in between nobody can say, but that …
BEST = 0.7  # … where digits overlap the best run there is must do, from this share

BAR = 0.4  # width of a part in its heights, up to which it may be a 1

Example = tuple[np.ndarray, int]  # uint8 [28, 28] and label
Scans = tuple[np.ndarray, np.ndarray]  # MNIST's images uint8 [N, 28, 28] and labels


def pen_digits(
    digits: Sequence[PenDigit], count: int, rng: np.random.Generator
) -> Iterator[Example]:
    """Single pen digits as other writers might write them, with brushes from thin to thick."""
    for k in range(count):
        digit = digits[k % len(digits)]
        strokes = vary(digit.strokes, rng, much=rng.choice([0.3, 0.8, 1.1]))
        yield from _framed(strokes, digit.label, rng)


# Forms that the writers of MNIST and Pendigits seldom use; as in `doodles`: strokes of points "xy".
HANDS: dict[int, tuple[str, ...]] = {
    0: (
        "40 11 04 17 49 77 84 71 40",
        "50 20 03 06 29 59 86 82 50 20",
        "40 11 04 17 49 77 84 71 40|80 09",
        "50 30 03 06 39 59 86 83 50 40|45 46",
    ),
    1: (
        *("05 50 59", "14 40 49|09 89", "23 40 49", "06 60 49", "03 30 39|09 69", "17 50 59"),
        *("13 33 70 69", "04 24 70 59"),
    ),
    2: ("02 20 60 82 84 57 29 08 17 28 89", "01 30 60 82 75 09 89", "03 20 60 83 09 79"),
    3: ("00 80 44 76 78 49 08", "11 30 60 72 44 34|44 76 78 49 08", "00 70 33 65 78 49 08"),
    4: ("30 05 85|60 59", "20 06 86|65 69", "10 05 75|70 79", "69 60 06 86", "00 05 75|70 69"),
    5: ("20 14 44 76 78 49 08|20 80", "80 20 13 44 75 78 49 08", "10 14 54 76 68 39 08|10 90"),
    6: (
        "60 33 15 16 28 49 68 76 74 63 43 33",
        "50 22 05 07 29 59 77 75 54 34 16",
        "40 05 08 29 59 77 64 34 06",
    ),
    7: (
        "00 80 39|24 74",
        "03 00 80 49|25 75",
        "02 10 30 80 39",
        "00 80 55 49",
        "01 00 90 39|15 65",
    ),
    8: ("40 11 23 53 71 40|33 05 18 49 77 64 33", "71 50 20 11 24 66 78 49 29 08 16 64 71"),
    9: (
        "71 40 11 13 35 65 72 71 78",
        "80 40 12 15 46 76 82 80 79 49 18",
        "70 30 12 14 45 74 70 49",
        "70 40 12 14 35 64 71 70 66 49 29 17 08",
        "81 60 22 14 36 66 81 80 67 39 18 07 27 67",
        "80 40 12 15 46 76 82 80 77 49 19 07 16 36",
    ),
}


def other_hands(_: Sequence[PenDigit], count: int, rng: np.random.Generator) -> Iterator[Example]:
    """Digits in the forms of `HANDS`: a crossed 7, a 1 with an upstroke, an open 4, a slashed 0."""
    for k in range(count):
        label = k % 10
        form = HANDS[label][rng.integers(len(HANDS[label]))]
        strokes = [round_off(stroke) for stroke in read_points(form)]
        narrow = np.array((rng.uniform(0.55, 1.0), 1.0))
        yield from _framed(vary([narrow * stroke for stroke in strokes], rng), label, rng)


def broken_digits(
    digits: Sequence[PenDigit], count: int, rng: np.random.Generator
) -> Iterator[Example]:
    """Digits from which a printed line was taken, which left gaps or a rest of itself."""
    for k in range(count):
        digit = digits[k % len(digits)]
        ink = _drawn(vary(digit.strokes, rng, much=rng.choice([0.3, 0.8])), rng)
        for _ in range(int(rng.integers(1, 3))):
            turned = ink.T if rng.random() < 0.3 else ink
            thick = max(1, round(rng.uniform(0.01, 0.04) * len(turned)))
            row = int(rng.integers(len(turned)))
            turned[row : row + thick] = 0 if rng.random() < 0.7 else turned[row : row + thick] // 2
        yield from _frame(ink, digit.label)


def doodles(_: Sequence[PenDigit], count: int, rng: np.random.Generator) -> Iterator[Example]:
    """Letters, shapes and scribbles: no digits."""
    for _ in range(count):
        yield from _framed(doodle(LEARNT, rng)[1], NO_DIGIT, rng)


def doodle_spans(_: Sequence[PenDigit], count: int, rng: np.random.Generator) -> Iterator[Example]:
    """Parts into which letters and shapes are cut: no digits, but for bars, which may be a 1."""
    made = 0
    while made < count:
        ink = _drawn(doodle(LEARNT, rng)[1], rng)
        parts = [part for part, _ in list_candidates(ink)]
        wide = [part for part in parts if part.shape[1] > BAR * part.shape[0]]
        for k in rng.permutation(len(wide))[:3]:
            made += 1
            yield from _frame(wide[k], NO_DIGIT)


def blobs(_: Sequence[PenDigit], count: int, rng: np.random.Generator) -> Iterator[Example]:
    """Noise, filled shapes and shaded ones: no digits."""
    from scipy import ndimage

    for k in range(count):
        side = int(rng.integers(24, 60))
        noise = ndimage.gaussian_filter(rng.normal(size=(side, side)), rng.uniform(0, 5))
        level = np.quantile(noise, rng.uniform(0.2, 0.7))
        ink = np.where(noise > level, 255, 0) if k % 3 else 255 * (noise > level) * rng.random()
        shade = rng.integers(90, 255, ink.shape) if k % 2 else 255
        small = Image.fromarray(np.minimum(ink, shade).astype(np.uint8)).resize((20, 20))
        if k % 4 == 3:  # a filled outline, as of a bag or a shirt
            points = [tuple(p) for p in 20 * rng.random((int(rng.integers(4, 9)), 2))]
            small = Image.new("L", (20, 20))
            _fill(small, points, int(rng.integers(120, 256)))
        yield np.pad(np.asarray(small), 4), NO_DIGIT


def cut_digits(
    digits: Sequence[PenDigit], count: int, rng: np.random.Generator
) -> Iterator[Example]:
    """A digit with a good part cut off straight: no digit."""
    for k in range(count):
        digit = digits[k % len(digits)]
        if digit.label in (1, 8):  # half an 8 is a 0, and a piece of a 1 a 1
            continue
        ink = _drawn(digit.strokes, rng)
        angle = rng.uniform(0, 2 * np.pi)
        rows, columns = np.nonzero(ink)
        along = rows * np.sin(angle) + columns * np.cos(angle)
        gone = along < np.quantile(along, rng.uniform(0.35, 0.65))
        ink[rows[gone], columns[gone]] = 0
        yield from _frame(ink, NO_DIGIT)


def spans(digits: Sequence[PenDigit], count: int, rng: np.random.Generator) -> Iterator[Example]:
    """Runs of pieces of strings of pen digits, apart and touching: digits, parts, and pairs."""
    made = 0
    while made < count:
        low = rng.uniform(-0.1, 0.1)
        drawing = string(digits, rng, (low, low + rng.uniform(0, 0.1)), meeting=True)
        truth = [drawing.alone(k)[..., 3] > 127 for k in range(len(drawing.digits))]
        for example in _labelled(read_drawing(drawing.canvas), truth, drawing.text, rng):
            made += 1
            yield example


def scan_spans(scans: Scans, count: int, rng: np.random.Generator) -> Iterator[Example]:
    """The same of MNIST's digits, which many more people wrote."""
    made = 0
    images, labels = scans
    while made < count:
        chosen = rng.integers(len(labels), size=rng.integers(2, 5))
        ink, truth = _row_of_scans(images[chosen], rng)
        text = "".join(str(int(labels[k])) for k in chosen)
        for example in _labelled(ink, truth, text, rng):
            made += 1
            yield example


def _row_of_scans(images: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, list]:
    """MNIST digits enlarged beside each other, apart or touching: ink, and where each one's is."""
    scale = int(rng.integers(4, 7))
    scans, x, before = [], 0.0, None
    for image in images:
        left, _, right, _ = find_box(image)
        large = Image.fromarray(image[:, left:right]).resize(
            ((right - left) * scale, 28 * scale), Image.Resampling.BICUBIC
        )
        ink = (np.asarray(large) > 110) * np.uint8(255)
        if not ink.any():
            continue
        ink = np.roll(ink, int(rng.integers(-scale, scale + 1)), axis=0)
        if before is not None:
            near = _meeting(before, ink)
            x += before.shape[1] - near + rng.uniform(-0.1, 0.15) * 20 * scale
        scans.append((max(0, int(x)), ink))
        x, before = max(0.0, x), ink
    width = max(start + ink.shape[1] for start, ink in scans)
    truth = []
    for start, ink in scans:
        whole = np.zeros((28 * scale + 20, width + 20), bool)
        whole[10 : 10 + len(ink), 10 + start : 10 + start + ink.shape[1]] = ink > 0
        truth.append(whole)
    return np.any(truth, axis=0) * np.uint8(255), truth


def _meeting(before: np.ndarray, after: np.ndarray) -> int:
    """By how much the second may move left from beside the first until their ink meets."""
    left, right = before > 0, after > 0
    both = left.any(axis=1) & right.any(axis=1)
    if not both.any():
        return 0
    end = left[both][:, ::-1].argmax(axis=1)
    start = right[both].argmax(axis=1)
    return int((end + start).min())


def _labelled(
    ink: np.ndarray, truth: Sequence[np.ndarray], text: str, rng: np.random.Generator
) -> Iterator[Example]:
    """Candidates of a drawing with what they are; of those that are no digit a part."""
    areas = [np.count_nonzero(mask & (ink > 127)) for mask in truth]
    parts, matches = [], []
    for part, (top, left) in list_candidates(ink):
        inside = np.s_[top : top + part.shape[0], left : left + part.shape[1]]
        own = part > 127
        shared = np.array([np.count_nonzero(own & mask[inside]) for mask in truth])
        parts.append(part)
        matches.append(shared / np.maximum(np.maximum(1, np.count_nonzero(own)), areas))
    if not parts:
        return
    every = np.stack(matches)  # of each part with each digit
    whose, match = every.argmax(axis=1), every.max(axis=1)
    is_best = (match >= BEST) & (match >= every.max(axis=0)[whose])
    right = [
        (part, int(text[digit]))
        for part, digit, fit in zip(parts, whose, is_best | (match >= WHOLE), strict=True)
        if fit
    ]
    none = ~is_best & (match < PARTLY)
    wrong = [(part, NO_DIGIT) for part, fit in zip(parts, none, strict=True) if fit]
    chosen = [right[k] for k in rng.permutation(len(right))[: 3 * len(truth)]]
    chosen += [wrong[k] for k in rng.permutation(len(wrong))[: 3 * len(truth)]]
    for part, label in chosen:
        yield from _frame(part, label)


def _framed(
    strokes: Sequence[np.ndarray], label: int, rng: np.random.Generator
) -> Iterator[Example]:
    yield from _frame(_drawn(strokes, rng), label)


def _drawn(strokes: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    side = float(np.exp(rng.uniform(np.log(40), np.log(120))))
    brush = max(2.0, side * float(np.exp(rng.uniform(np.log(0.04), np.log(0.24)))))
    fitted, extent = scale_strokes(strokes, side, widest=1)
    size = tuple(int(n) for n in extent + 2 * brush + 8)
    return read_drawing(rasterise([stroke + brush + 4 for stroke in fitted], size, brush)).copy()


def _frame(ink: np.ndarray, label: int) -> Iterator[Example]:
    try:
        yield frame_digit(ink).image, label
    except DigitlabError:  # too little ink left: nothing to learn from
        return


def _fill(image: Image.Image, points: list[tuple[float, float]], value: int) -> None:
    from PIL import ImageDraw

    ImageDraw.Draw(image).polygon(points, fill=value)


# How many examples of each kind, a hundred to a job so that the jobs can be shared out.
AMOUNTS: dict[Callable[..., Iterator[Example]], int] = {
    pen_digits: 26_000,
    other_hands: 9_000,
    broken_digits: 6_000,
    spans: 44_000,
    scan_spans: 30_000,
    doodles: 22_000,
    doodle_spans: 6_000,
    cut_digits: 3_000,
    blobs: 3_000,
}
AT_ONCE = 500


def make_examples(
    digits: Sequence[PenDigit], scans: Scans, seed: int, workers: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """All examples in a random order: images uint8 [N, 28, 28] and labels int64 [N].

    `digits` are the training writers', `scans` MNIST's training images and labels. Each job has a
    generator of its own, so the number of workers changes nothing.
    """
    jobs = [(kind, n) for kind, total in AMOUNTS.items() for n in range(total // AT_ONCE)]
    seeds = np.random.SeedSequence(seed).spawn(len(jobs))
    with ProcessPoolExecutor(workers, initializer=_take, initargs=(digits, scans)) as pool:
        kinds = [kind for kind, _ in jobs]
        parts = list(pool.map(_make_some, kinds, [n for _, n in jobs], seeds))
    images = np.concatenate([part[0] for part in parts])
    labels = np.concatenate([part[1] for part in parts])
    order = np.random.default_rng(seed).permutation(len(labels))
    return images[order], labels[order]


_GIVEN: list = []  # in a worker: what it makes examples of


def _take(digits: Sequence[PenDigit], scans: Scans) -> None:
    _GIVEN[:] = [digits, scans]


def _make_some(
    kind: Callable[..., Iterator[Example]], number: int, seed: np.random.SeedSequence
) -> tuple[np.ndarray, np.ndarray]:
    digits, scans = _GIVEN
    rng = np.random.default_rng(seed)
    if kind is scan_spans:
        examples = list(kind(scans, AT_ONCE, rng))
    else:
        start = number * AT_ONCE % len(digits)
        examples = list(kind([*digits[start:], *digits[:start]], AT_ONCE, rng))
    images = np.stack([image for image, _ in examples])
    return images, np.array([label for _, label in examples], np.int64)
