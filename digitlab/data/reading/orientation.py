"""Do images lie as their labels say? A quick look with a predictor, on a few of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from digitlab.data.info import DIGITS
from digitlab.words import percent

Predictor = Callable[[np.ndarray], np.ndarray]  # uint8 [N, 1, 28, 28] → probabilities [N, 10]

LOOKED_AT = 256  # images
SURE = 0.6  # of them must agree with their labels the other way …
MORE = 0.25  # … and so many more of them than as they lie, and at least
FEWEST = 4  # images

TURNS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda images: images,
    "transposed": lambda images: images.swapaxes(-1, -2),
    "mirrored": lambda images: images[..., ::-1],
    "upside down": lambda images: images[..., ::-1, :],
    "turned left": lambda images: np.rot90(images, -1, (-2, -1)),
    "turned right": lambda images: np.rot90(images, 1, (-2, -1)),
}


def sample(labels: np.ndarray) -> np.ndarray:
    """Indices of the images that are looked at: all, or some of each class by a fixed seed."""
    if len(labels) <= LOOKED_AT:
        return np.arange(len(labels))
    return np.sort(np.random.default_rng(0).permutation(len(labels))[:LOOKED_AT])


def agreement(images: np.ndarray, labels: np.ndarray, predict: Predictor) -> int:
    """How many images uint8 [N, 1, 28, 28] the predictor reads as they are labelled."""
    probabilities = predict(np.ascontiguousarray(images))
    return int((np.asarray(probabilities).argmax(axis=1) == labels).sum())


def choose(counts: Sequence[int], total: int) -> int:
    """The position of the count that is clearly above the first; 0 where none is."""
    best = int(np.argmax(counts))
    clearly = counts[best] - counts[0] >= max(FEWEST, MORE * total)
    return best if clearly and counts[best] >= SURE * total else 0


def turn_upright(
    images: np.ndarray, labels: np.ndarray, classes: Sequence[str], predict: Predictor | None
) -> tuple[np.ndarray, list[str]]:
    """The images as most of them are read as labelled, and what the quick look says of it."""
    if predict is None or tuple(classes) != DIGITS or not len(images):
        return images, []
    rows = sample(labels)
    upright, transposed, *others = TURNS.values()
    counts = [
        agreement(turn(images[rows]), labels[rows], predict) for turn in (upright, transposed)
    ]
    if counts[0] <= (1 - MORE) * len(rows):  # else no other way can be clearly better
        counts += [agreement(turn(images[rows]), labels[rows], predict) for turn in others]
    best = choose(counts, len(rows))
    shares = dict(zip(TURNS, (percent(count / len(rows), 0) for count in counts), strict=False))
    way = list(TURNS)[best]
    if best:
        note = (
            f"The images do not lie upright: they were put upright, from {way}. The bundled reader "
            f"then agrees with {shares[way]} of the labels; as they lay with "
            f"{shares['as it is']}."
        )
        return np.ascontiguousarray(TURNS[way](images)), [note]
    return images, [_tell(counts[0], counts[1], len(rows))]


def _tell(upright: int, transposed: int, total: int) -> str:
    return (
        f"The bundled reader agrees with {percent(upright / total, 0)} of the labels; transposed "
        f"it would be {percent(transposed / total, 0)}."
    )


def look(
    images: np.ndarray, labels: np.ndarray, classes: Sequence[str], predict: Predictor | None
) -> list[str]:
    """What the quick look says of images that a person turned, or left, as they are."""
    if predict is None or tuple(classes) != DIGITS or not len(images):
        return []
    rows = sample(labels)
    upright, transposed = (
        agreement(TURNS[way](images[rows]), labels[rows], predict)
        for way in ("as it is", "transposed")
    )
    return [_tell(upright, transposed, len(rows))]
