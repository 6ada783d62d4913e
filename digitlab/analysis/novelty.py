"""What is no digit, by an autoencoder: it gives back badly what it did not learn from.

The images to tell apart from a run's own are drawn here, seeded: letters, shapes and scribbles as
people draw them, framed as drawings are, and noise with the run's own pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from digitlab.data.info import INPUT_SHAPE
from digitlab.drawing.compose import placed
from digitlab.drawing.doodles import HELD_OUT, LEARNT, doodle, vary
from digitlab.drawing.source import read_drawing
from digitlab.drawing.stages import frame_digit
from digitlab.errors import DrawingError, RunError
from digitlab.evaluation.reconstruction import Separation, separate

if TYPE_CHECKING:
    import torch

    from digitlab.runs.run import Run

COUNT = 200  # images of each kind
KINDS = {
    "letters": "Letters",
    "shapes": "Shapes and scribbles",
    "turned": "The images upside down",
    "shuffled": "Their pixels shuffled",
    "noise": "Noise",
}
_SEED = 0


def strange_images(
    kind: str, images: torch.Tensor, count: int = COUNT, seed: int = _SEED
) -> torch.Tensor:
    """`count` images uint8 [N, 1, 28, 28] of a kind of `KINDS`; fewer where there are fewer.

    Some kinds are made of `images` uint8 [N, 1, 28, 28], the run's own. RunError for another kind.
    """
    import torch

    if kind not in KINDS:
        raise RunError(f"What is no digit is one of {', '.join(KINDS)}; not {kind!r}.")
    generator = torch.Generator().manual_seed(seed)
    if kind in ("letters", "shapes"):
        return torch.from_numpy(_drawings(kind == "letters", count, seed).copy())
    chosen = images[torch.randperm(len(images), generator=generator)[:count]]
    if kind == "turned":
        return chosen.flip(2, 3)
    if kind == "shuffled":
        order = torch.rand(chosen.flatten(1).shape, generator=generator).argsort(1)
        return chosen.flatten(1).gather(1, order).view(chosen.shape)
    return torch.randint(0, 256, chosen.shape, dtype=torch.uint8, generator=generator)


@lru_cache(maxsize=8)
def _drawings(letters: bool, count: int, seed: int) -> np.ndarray:
    """Letters, or shapes and scribbles, uint8 [count, 1, 28, 28], framed as drawings are."""
    rng = np.random.default_rng(seed)
    kinds = {
        name: draw for name, draw in {**LEARNT, **HELD_OUT}.items() if (len(name) == 1) == letters
    }
    framed: list[np.ndarray] = []
    while len(framed) < count:
        strokes = vary(doodle(kinds, rng)[1], rng)
        canvas = placed(strokes, "", rng.uniform(80, 230), rng.uniform(12, 24), rng).canvas
        try:
            framed.append(frame_digit(read_drawing(canvas)).image)
        except DrawingError:  # a stroke that left nothing
            continue
    return np.stack(framed)[:, None]


def find_novel(
    run: Run, errors: np.ndarray, images: torch.Tensor, count: int = COUNT
) -> Mapping[str, tuple[np.ndarray, np.ndarray, Separation]]:
    """For each kind: its images uint8, their errors, and how well these stand out from `errors`.

    `errors` float32 [N] are those of the run's own `images` uint8 [N, 1, 28, 28]. Raises RunError
    for a classifier, and for a network whose images are of another size.
    """
    run.check_task("reconstruct")
    if tuple(run.spec.input) != INPUT_SHAPE:
        raise RunError(
            f"Letters and shapes are drawn in 28×28 pixels; run {run.id} reads images of the shape "
            f"{list(run.spec.input)}.",
            run_id=run.id,
        )
    measured = {}
    for kind in KINDS:
        strange = strange_images(kind, images, count)
        values = run.reconstruction_errors(strange).numpy()
        measured[kind] = (strange.numpy(), values, separate(errors, values))
    return measured
