"""The one place for colours: the accent, the ten digits, the splits, and the scales.

All of them are readable on white and on near-black, as a figure does not know the page's theme.
Text takes its colour from the theme and so has none here.
"""

from __future__ import annotations

ACCENT = "#5b76e0"  # between the light and the dark theme's primaryColor in .streamlit/config.toml

# Matthew A. Petroff, "Accessible Color Sequences for Data Visualization" (2021),
# arXiv:2107.02270, the ten-colour sequence: told apart with any common colour blindness.
DIGIT_COLORS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)

# Blue, orange and grey keep apart in hue for colour-blind people and in lightness for printers.
TRAIN = "#3f90da"
VAL = "#e76300"
TEST = "#7f8592"
SPLIT_COLORS = {"train": TRAIN, "val": VAL, "test": TEST}
SPLIT_NAMES = {"train": "Training", "val": "Validation", "test": "Test"}

MUTED = "#8b93a1"  # what is there for comparison: other bars, reference lines
SHADE = "rgba(139, 147, 161, 0.16)"  # MUTED as an area
FAINT = "rgba(139, 147, 161, 0.35)"  # MUTED as a grid line

# Light means much. Nuñez, Anderton & Renslow, "Optimizing colormaps with consideration for color
# vision deficiency", PLOS ONE 13(7), 2018.
SEQUENTIAL_SCALE = "Cividis"
# Images as MNIST's files have them: 0 is dark paper, 255 is bright ink.
IMAGE_SCALE = ((0.0, "#000000"), (1.0, "#ffffff"))
# What is written on cells: the scales below are light enough for black, at 4.5 to 1 or more. What
# Plotly writes by itself, dark grey or white, has too little contrast in the middle of a scale.
ON_CELL = "#000000"
# Few to many errors, falling in lightness; neither end vanishes on white or near-black.
ERROR_SCALE = ((0.0, "#f0dcb4"), (0.5, "#ee9a3a"), (1.0, "#d9431f"))
# Worse to better with a quiet middle, an ink for either ground at both ends.
DIFFERENCE_SCALE = ((0.0, "#c8540a"), (0.5, "#b9bec8"), (1.0, "#2f7fc4"))
# Against to for, laid over a dimmed image: what says little lets the image through.
OVERLAY_SCALE = (
    (0.0, "rgba(255, 122, 20, 1)"),
    (0.3, "rgba(255, 122, 20, 0.6)"),
    (0.5, "rgba(128, 128, 128, 0)"),
    (0.7, "rgba(60, 160, 255, 0.6)"),
    (1.0, "rgba(60, 160, 255, 1)"),
)
DIMMED_SCALE = ((0.0, "#000000"), (1.0, "#767676"))
# Captions on an image's dark paper: of an accepted answer, and of a doubtful one.
ON_PAPER = "#ffffff"
ON_PAPER_DOUBT = "#ffb27a"
# Share of a class that was found, kept quiet next to the errors.
HIT_SCALE = ((0.0, "#c8d3de"), (1.0, "#7d9ab8"))


def digit_color(label: int) -> str:
    """The steady colour of a class; with more than ten classes the colours start again."""
    return DIGIT_COLORS[label % len(DIGIT_COLORS)]


def translucent(color: str, alpha: float) -> str:
    """A "#rrggbb" colour with an opacity of 0…1, as CSS writes it."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha})"
