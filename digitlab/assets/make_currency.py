"""Train the network that tells currency signs from digits.

`python -m digitlab.assets.make_currency`, which takes about five minutes. Digits are MNIST's
training images and strokes of Pendigits' training writers, letters those of `doodles.LEARNT`, signs
those of `pen_signs` that no measurement uses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitlab.data.load import load_dataset
from digitlab.data.pendigits import FILE, digits_of
from digitlab.drawing.compose import placed
from digitlab.drawing.currency import CLASSES, CURRENCIES, WEIGHTS, describe
from digitlab.drawing.doodles import LEARNT, doodle, vary
from digitlab.drawing.pen_signs import write_currency
from digitlab.drawing.source import read_drawing
from digitlab.drawing.stages import frame_digit
from digitlab.settings import read_settings

SEED = 0
COUNT = 5000  # images of each sign
HIDDEN = 48


def make_currency() -> None:
    """Train and write the weights."""
    from safetensors.numpy import save_file
    from sklearn.neural_network import MLPClassifier

    images, labels = _examples(np.random.default_rng(SEED))
    network = MLPClassifier((HIDDEN,), alpha=1e-3, max_iter=12, random_state=SEED)
    network.fit(describe(images), labels)
    weights = {}
    for k in range(2):
        weights[f"w{k}"] = network.coefs_[k].astype(np.float16)
        weights[f"b{k}"] = network.intercepts_[k].astype(np.float16)
    save_file(weights, WEIGHTS)
    print(f"{len(labels):,} images, loss {network.loss_:.5f}, {WEIGHTS.stat().st_size:,} bytes")


def _examples(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    images, labels = [], []
    for number, sign in enumerate(CURRENCIES):
        for _ in range(COUNT):
            much, jitter = rng.uniform(0.3, 1.0), rng.uniform(0, 0.7)
            strokes = write_currency(sign, rng, held_out=False, much=much, jitter=jitter)
            images.append(_frame(strokes, rng))
            labels.append(number)
    letters = {name: kind for name, kind in LEARNT.items() if len(name) == 1 and name.isalpha()}
    for _ in range(2 * COUNT):
        images.append(_frame(doodle(letters, rng)[1], rng))
        labels.append(CLASSES.index("?"))
    digits = digits_of(read_settings().data / FILE, "train")
    for k in range(3 * COUNT):
        images.append(_frame(vary(digits[k % len(digits)].strokes, rng, much=0.6), rng))
        labels.append(CLASSES.index(""))
    scans = load_dataset("mnist").train.images[:, 0]
    return (
        np.concatenate([np.stack(images), np.asarray(scans)]),
        np.array(labels + [CLASSES.index("")] * len(scans)),
    )


def _frame(strokes: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    side = rng.uniform(80, 230)
    drawing = placed(strokes, "", side, side * rng.uniform(0.05, 0.15), rng)
    return frame_digit(read_drawing(drawing.canvas)).image


if __name__ == "__main__":
    make_currency()
