"""A camera for Chromium that films a sheet of paper with a written digit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT, FRAMES = 640, 480, 3  # Chromium films the frames again and again
PAPER, INK, GREY = 235, 40, 128  # luma of both, and the chroma of no colour
SEVEN = ((230, 120), (410, 120), (300, 380))


def flags(folder: Path) -> tuple[str, ...]:
    """The arguments with which Chromium has the camera and lets pages use it unasked."""
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={_film(folder / 'seven.y4m')}",
    )


def _film(path: Path) -> Path:
    """A YUV4MPEG2 file: a header, and per frame the luma and two planes of chroma, halved."""
    picture = Image.new("L", (WIDTH, HEIGHT), PAPER)
    ImageDraw.Draw(picture).line(SEVEN, fill=INK, width=26, joint="curve")
    chroma = np.full((2, HEIGHT // 2, WIDTH // 2), GREY, np.uint8)
    frame = b"FRAME\n" + picture.tobytes() + chroma.tobytes()
    path.write_bytes(b"YUV4MPEG2 W%d H%d F30:1 Ip C420jpeg\n" % (WIDTH, HEIGHT) + FRAMES * frame)
    return path
