"""Photos that lie on their side, stand on their head, or were mirrored."""

from __future__ import annotations

import numpy as np

from digitlab.drawing.stages import Box

# what was done to the photo so that it could be read → quarter turns to the left, and mirrored
TURNS = {
    "turned left": (1, False),
    "turned right": (3, False),
    "turned upside down": (2, False),
    "mirrored": (0, True),
}


def turn(ink: np.ndarray, how: str) -> np.ndarray:
    """`ink [H, W]` turned as TURNS says."""
    quarters, mirrored = TURNS[how]
    return np.ascontiguousarray(np.rot90(ink[:, ::-1] if mirrored else ink, quarters))


def turn_back(box: Box, how: str, shape: tuple[int, ...]) -> Box:
    """A box in the turned ink as one in the ink `[H, W]` of that shape."""
    quarters, mirrored = TURNS[how]
    left, top, right, bottom = box
    height, width = shape[:2]
    if quarters == 1:
        return width - bottom, left, width - top, right
    if quarters == 3:
        return top, height - right, bottom, height - left
    if quarters == 2:
        return width - right, height - bottom, width - left, height - top
    return (width - right, top, width - left, bottom) if mirrored else box
