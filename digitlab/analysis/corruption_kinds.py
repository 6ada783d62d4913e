"""What corruptions there are, each with a range of severities; `corruptions` computes them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Corruption:
    """One kind of damage: `severities` in `unit`, in the order of a curve; `neutral` changes
    nothing and is one of them.
    """

    name: str
    title: str
    unit: str
    severities: tuple[float, ...]
    neutral: float
    about: str


_ALL = (
    Corruption(
        "shift", "Shift", "pixels", (0, 1, 2, 3, 4, 6), 0,
        "Moved by so many pixels, each image in a direction of its own.",
    ),
    Corruption(
        "rotation", "Rotation", "degrees", (0, 10, 20, 30, 45, 60), 0,
        "Turned around the middle, half of the images to the left and half to the right.",
    ),
    Corruption(
        "scale", "Scale", "times the size", (0.4, 0.55, 0.7, 0.85, 1, 1.15, 1.3, 1.5), 1,
        "Made smaller or larger around the middle.",
    ),
    Corruption(
        "shear", "Shear", "degrees", (0, 10, 20, 30, 40), 0,
        "Slanted to the left or to the right.",
    ),
    Corruption(
        "thickness", "Stroke thickness", "pixels on each side", (-1, -0.75, -0.5, 0, 0.5, 1, 2), 0,
        "Thinner or bolder strokes: grey-scale erosion and dilation.",
    ),
    Corruption(
        "blur", "Blur", "σ in pixels", (0, 0.5, 1, 1.5, 2, 3), 0, "Gaussian blur.",
    ),
    Corruption(
        "noise", "Noise", "σ, 1 = full ink", (0, 0.1, 0.2, 0.3, 0.4, 0.6), 0,
        "Gaussian noise on every pixel, cut off at paper and at full ink.",
    ),
    Corruption(
        "contrast", "Contrast", "share kept", (1, 0.7, 0.5, 0.3, 0.2, 0.1), 1,
        "Every pixel moved towards the image's mean.",
    ),
    Corruption(
        "occlusion", "Occlusion", "side in pixels", (0, 4, 8, 12, 16), 0,
        "A square of paper over part of the image.",
    ),
    Corruption(
        "inversion", "Inverted colours", "share of inversion", (0, 0.25, 0.5, 0.75, 1), 0,
        "Blended with its negative: at 0.5 everything is grey, at 1 ink and paper are swapped.",
    ),
)  # fmt: skip

CORRUPTIONS: dict[str, Corruption] = {corruption.name: corruption for corruption in _ALL}
