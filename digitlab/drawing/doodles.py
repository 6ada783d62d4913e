"""What people draw that is no digit: letters, shapes and scribbles, as strokes in a unit box.

For learning to decline and for measuring it. What is measured is never what was learnt from: the
kinds are divided into `LEARNT` and `HELD_OUT`. Letters that a digit looks like (O, I, l, S, Z, B,
D, G, Q, b, g, q, s, z, …) are in neither, since no reader could tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

Strokes = list[np.ndarray]

# Letters and signs: strokes of points "x,y", x to the right and y down, from 0 to 9.
_DRAWN = {
    "A": "09 40 89|26 66",
    "C": "82 60 31 04 07 39 69 87",
    "F": "60 00 09|04 54",
    "H": "00 09|80 89|05 85",
    "M": "09 10 45 80 99",
    "P": "00 09|00 50 72 64 05",
    "R": "09 00 50 62 54 04|24 79",
    "T": "00 80|40 49",
    "U": "00 06 29 59 86 80",
    "V": "00 49 80",
    "W": "00 29 43 69 90",
    "Y": "00 44 80|44 49",
    "h": "00 09|05 34 55 69",
    "m": "03 09|05 23 35 39|35 53 65 69",
    "t": "30 37 59 78|03 73",
    "L": "00 09 69",
    "e": "05 65 53 22 04 07 29 58",
    "E": "70 00 09 79|05 55",
    "K": "00 09|70 05 79",
    "N": "09 00 89 80",
    "X": "00 79|70 09",
    "k": "00 09|54 07 59",
    "n": "03 09|05 24 45 69",
    "w": "03 29 44 69 83",
    "f": "61 40 22 29|04 54",
    "r": "03 09|06 24 54",
    "&": "89 23 11 30 52 06 08 29 56",
    "+": "40 48|04 84",
    "#": "30 19|70 59|03 83|06 86",
    "?": "12 10 40 62 44 36|38 39",
    "@": "65 44 36 47 65 68 96 92 50 12 06 29 69",
    "%": "11 32 13 11|80 09|67 88 69 67",
    "u": "03 06 28 48 66|63 68 79",
    "v": "03 39 63",
    "p": "03 09|04 23 43 65 47 27 06",
    "d": "50 59|54 33 13 06 28 48 56",
    "alpha": "83 65 38 18 06 14 33 55 69 89",
    "beta": "09 02 20 50 52 34 56 58 38 08",
    "gamma": "02 14 39 49 42 22 84 80",
    "delta": "61 30 11 44 66 58 28 16 34 54",
    "lambda": "10 30 79|45 09",
    "mu": "03 09|07 27 47 53 57 69",
    "pi": "04 13 83|23 28 09|63 67 89",
    "phi": "40 49|42 12 05 17 47 77 85 72 42",
    "psi": "40 49|02 14 46 74 82",
    "omega": "12 05 18 38 46 38 68 85 72",
    "Omega": "09 29 25 02 20 60 82 65 69 89",
    "Sigma": "80 00 54 09 89",
    "Pi": "09 00 80 89",
    "De": "09 07 87 89|17 30 70 77",
    "Zhe": "00 44 09|80 44 89|40 49",
    "I-short": "00 09 80 89",
    "Ef": "40 49|41 11 03 05 17 47|41 71 83 85 77 47",
    "Sha": "00 09 89 80|40 49",
    "E-back": "10 50 82 87 59 19|35 85",
    "Yu": "00 09|05 45|50 41 48 59 81 50",
    "Ya": "70 79|71 31 13 35 75|45 09",
    "ka": "02 82|30 36 09|60 68 49 38",
    "ko": "11 71|08 39 88",
    "ten": "04 84|40 49",
    "tree sign": "03 83|40 49|43 09|43 89",
    "mouth": "00 08|00 80 88|08 88",
    "person": "40 43 09|43 89",
    "aleph": "00 89|30 24 09|80 64 55",
    "=": "02 82|06 86",
    "*": "40 48|12 76|72 16",
    ">": "00 84 08",
    "{": "60 40 33 04 35 48 69",
    "euro": "81 40 11 14 17 49 88|04 54|06 56",
    "pound": "72 40 21 25 18 08 89|05 55",
    "section": "71 40 12 45 76 78 49 18|74 43 13 05 37",
    "smile": "40 11 04 17 49 77 84 71 40|22 23|62 63|25 47 65",
    "sun": "33 24 35 46 55 64 53 42 33|40 41|47 48|04 14|74 84|11 12|77 67|71 62|17 26",
    "moon": "60 21 04 28 69 47 35 42 60",
    "cloud": "28 07 05 24 32 51 64 73 85 77 28",
    "cup": "01 18 58 61 01|62 82 84 65",
    "boat": "05 19 79 85 05|45 40 74 44",
    "car": "06 25 32 62 75 86 88 08 06|28 19 38|58 69 78",
    "flag": "09 00|00 81 04",
    "key": "23 02 14 35 44 33 23|44 88|76 68",
    "flower": "44 42 53 44|44 64 55 44|44 46 35 44|44 24 33 44|46 49",
    "bolt": "50 15 45 19 83 53 80",
    "cross in circle": "40 11 04 17 49 77 84 71 40|44 84|04 44|40 49",
    "glasses": "15 03 21 43 35 15|44 54|65 53 71 93 85 65",
    "umbrella": "05 12 40 72 85 05|45 48 39 28",
    "note": "30 38 29 18 27 38|30 61 64",
    "grid": "30 39|60 69|03 93|06 96",
    "bars": "01 08|31 38|61 68|91 98",
    "diamond": "40 85 49 05 40",
    "hexagon": "20 60 85 69 29 05 20",
    "stairs": "09 06 36 33 63 60 90",
    "check": "05 39 90",
    "arrow": "05 95|62 95 68",
    "house": "09 04 40 84 89 09|39 36 56 59",
    "square": "00 80 88 08 00",
    "triangle": "40 88 08 40",
    "star": "19 40 79 03 83 19",
    "heart": "42 20 02 05 49 85 82 60 42",
    "envelope": "01 91 98 08 01 45 91",
    "chair": "00 09|05 65 69",
    "ladder": "00 09|60 69|02 62|05 65|07 67",
    "cat": "03 00 22 52 80 83 88 49 08 03|24 25|54 55|46 47|16 05|66 95",
    "fish": "05 32 64 92 98 66 38 05",
    "tree": "49 46 06 42 02 40 82 42 86 46",
    "infinity": "45 22 04 27 45 72 94 77 45",
}
_HELD = (*"EKNXknwfr&#@", "house", "star", "envelope", "cat", "tree", "infinity", "arrow")
_ROUNDED = frozenset("CPRUhmtenfr&?@updv{") | {
    *("heart", "fish", "infinity", "alpha", "beta", "gamma", "delta", "mu", "phi", "psi", "omega"),
    *("Omega", "Ef", "E-back", "Yu", "Ya", "ka", "ko", "euro", "pound", "section", "smile", "sun"),
    *("moon", "cloud", "cross in circle", "glasses", "umbrella", "note", "flower", "key"),
}  # their corners are curves


def _scribble(rng: np.random.Generator) -> Strokes:
    """A pen that wanders: a smooth random walk that turns often."""
    count = int(rng.integers(60, 300))
    turns = np.cumsum(rng.normal(0, rng.uniform(0.15, 0.6), count)) + rng.uniform(0, 6)
    turns += rng.uniform(-0.3, 0.3) * np.arange(count)
    steps = np.stack([np.cos(turns), np.sin(turns)], 1) * rng.uniform(0.5, 1.5, (count, 1))
    return [np.cumsum(steps, axis=0)]


def _zigzag(rng: np.random.Generator) -> Strokes:
    count = int(rng.integers(5, 14))
    ends = np.where(np.arange(count) % 2, 1.0, 0.0) + rng.normal(0, 0.12, count)
    along = np.arange(count) * rng.uniform(0.08, 0.3)
    return [np.stack([along, ends] if rng.random() < 0.7 else [ends, along], 1)]


def _lying_line(rng: np.random.Generator) -> Strokes:
    slope = rng.uniform(-0.35, 0.35)
    along = np.linspace(0, 1, 12)
    return [np.stack([along, slope * along + rng.normal(0, 0.08) * along**2], 1)]


def _tangle(rng: np.random.Generator) -> Strokes:
    """Several strokes across each other."""
    return [rng.random((int(rng.integers(2, 4)), 2)) for _ in range(int(rng.integers(3, 7)))]


def _glyph(rng: np.random.Generator) -> Strokes:
    """A sign of no script: four to seven lines and arcs, which no digit has."""
    strokes = []
    for _ in range(int(rng.integers(4, 8))):
        start, end = rng.random((2, 2))
        bow = rng.normal(0, 0.35) * (end - start)[::-1] * (1, -1) if rng.random() < 0.5 else 0
        along = np.linspace(0, 1, 12)[:, None]
        strokes.append(start + along * (end - start) + np.sin(np.pi * along) * bow)
    return strokes


def _spiral(rng: np.random.Generator) -> Strokes:
    angle = np.linspace(0, rng.uniform(4, 7) * np.pi, 90) + rng.uniform(0, 6)
    return [(angle[:, None] + 2) * np.stack([np.cos(angle), np.sin(angle)], 1)]


def _loops(rng: np.random.Generator) -> Strokes:
    """A row of loops."""
    angle = np.linspace(0, rng.integers(3, 6) * 2 * np.pi, 120)
    x = np.cos(angle) + angle * rng.uniform(0.15, 0.4)
    return [np.stack([x, rng.uniform(0.8, 2) * np.sin(angle)], 1)]


def _drawing(name: str) -> Callable[[np.random.Generator], Strokes]:
    strokes = read_points(_DRAWN[name])
    return lambda rng: [round_off(stroke) for stroke in strokes] if name in _ROUNDED else strokes


def read_points(text: str) -> Strokes:
    """Strokes in a unit box of points "xy" from 0 to 9, those of a stroke separated by spaces."""
    return [
        np.array([(int(x), int(y)) for x, y in stroke.split()], float) / 9
        for stroke in text.split("|")
    ]


def round_off(stroke: np.ndarray) -> np.ndarray:
    """Corners cut twice (Chaikin's curve), the ends where they were."""
    for _ in range(2):
        early, late = stroke[:-1], stroke[1:]
        cut = np.stack([0.75 * early + 0.25 * late, 0.25 * early + 0.75 * late], 1).reshape(-1, 2)
        stroke = np.concatenate([stroke[:1], cut, stroke[-1:]])
    return stroke


Kind = Callable[[np.random.Generator], Strokes]

LEARNT: Mapping[str, Kind] = {
    **{name: _drawing(name) for name in _DRAWN if name not in _HELD},
    **{f"scribble {k}": _scribble for k in range(6)},
    **{f"line {k}": _lying_line for k in range(3)},
    **{f"tangle {k}": _tangle for k in range(3)},
    **{f"glyph {k}": _glyph for k in range(6)},
    "zigzag": _zigzag,
}
HELD_OUT: Mapping[str, Kind] = {
    **{name: _drawing(name) for name in _HELD},
    "spiral": _spiral,
    "loops": _loops,
}


def doodle(kinds: Mapping[str, Kind], rng: np.random.Generator) -> tuple[str, Strokes]:
    """One drawing of one of the `kinds`, each as likely, drawn by an unsteady hand."""
    name = list(kinds)[int(rng.integers(len(kinds)))]
    return name, vary(kinds[name](rng), rng)


def vary(strokes: Sequence[np.ndarray], rng: np.random.Generator, much: float = 1.0) -> Strokes:
    """The strokes as somebody else might have drawn them, in a box of side 1.

    Turned, slanted, stretched, bent smoothly, made to tremble, and with points left out, as a fast
    mouse does; `much` scales it all.
    """
    points = np.concatenate(strokes).astype(np.float64)
    low, side = points.min(axis=0), max(float(np.ptp(points, axis=0).max()), 1e-6)
    turn, slant = rng.normal(0, 0.1 * much), rng.normal(0, 0.15 * much)
    stretch = np.exp(rng.normal(0, 0.14 * much))
    cos, sin = np.cos(turn), np.sin(turn)
    change = np.array([[cos, -sin], [sin, cos]]) @ np.array([[stretch, slant], [0, 1]])
    waves = rng.normal(0, 0.018 * much, (3, 3, 2, 2))  # frequencies × frequencies × phase × axis
    changed = []
    for stroke in strokes:
        dense = resample((np.asarray(stroke, np.float64) - low) / side, 0.03)
        bent = dense @ change.T + _bend(dense, waves)
        bent += _tremble(len(bent), rng) * rng.uniform(0, 0.012 * much)
        keep = np.ones(len(bent), bool)
        keep[1:-1] = rng.random(max(0, len(bent) - 2)) > rng.uniform(0, 0.7) * min(1.0, much)
        changed.append(bent[keep])
    return changed


def resample(stroke: np.ndarray, step: float) -> np.ndarray:
    """A stroke's points at most `step` apart."""
    if len(stroke) < 2:
        return stroke
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    along = np.concatenate([[0], np.cumsum(lengths)])
    positions = np.linspace(0, along[-1], max(2, int(np.ceil(along[-1] / step)) + 1))
    return np.stack([np.interp(positions, along, stroke[:, k]) for k in (0, 1)], 1)


def _bend(points: np.ndarray, waves: np.ndarray) -> np.ndarray:
    """A smooth displacement of each point: sines of a few low frequencies."""
    total = np.zeros_like(points)
    for i in range(waves.shape[0]):
        for j in range(waves.shape[1]):
            if i or j:
                phase = np.pi * (i * points[:, 0] + j * points[:, 1])
                total += np.sin(phase)[:, None] * waves[i, j, 0]
                total += np.cos(phase)[:, None] * waves[i, j, 1]
    return total


def _tremble(count: int, rng: np.random.Generator) -> np.ndarray:
    noise = rng.normal(size=(count + 4, 2))
    return sum(noise[k : k + count] for k in range(5)) / 2
