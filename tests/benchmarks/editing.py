"""How quickly the Architecture page answers an edit: `python tests/benchmarks/editing.py [--json]`.

The server's part of a rerun with a hundred layers (33 convolutions, each with its normalisation and
activation), from the click until all elements are made: seconds, and in brackets seconds of the
processor, which a busy machine does not change. `first` is the first edit after the page was
opened, `edits` the median of twenty of four kinds, `in error` that of edits that leave an
architecture that does not fit, for which a repair is looked for. The browser's part is apart.
"""

from __future__ import annotations

import json
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from streamlit.testing.v1 import AppTest

from digitlab.models.spec import ModelSpec
from digitlab.ui.model_picker import pack
from tests.pages.visit import find, open_link

LAYERS = 100
_BLOCK = [
    {"Conv2d": {"out_channels": 16, "kernel_size": 3, "padding": 1}},
    "BatchNorm2d",
    "ReLU",
]
HEAD = ["Flatten", {"Linear": {"out_features": 10}}]
EDITS = ("Duplicate", "Up", "Down", "Delete")


def main() -> None:
    """Measure and print."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as home:
        os.environ["DIGITLAB_HOME"] = home
        figures = _measure()
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    for name, (wall, processor) in figures.items():
        print(f"{name}: {wall:.3f} s ({processor:.3f} s)")


def _measure() -> dict[str, tuple[float, float]]:
    spec = ModelSpec(name="Hundred", layers=[*(_BLOCK * LAYERS)[: LAYERS - 2], *HEAD])
    figures = {}
    app, figures["open"] = _timed(lambda: open_link("2_Architecture", spec=pack(spec)))
    figures["select"] = _select(app, 49)
    figures["first"] = _press(app, "Up")
    figures["edits"] = _median([_press(app, label) for label in EDITS * 5])
    _select(app, LAYERS - 2)
    figures["in error, first"] = _press(app, "Delete")  # of Flatten
    figures["in error"] = _median([_press(app, label) for label in ("Up", "Up", "Down", "Up")])
    return figures


def _select(app: AppTest, row: int) -> tuple[float, float]:
    return _timed(find(app.radio, "Layers").set_value(str(row)).run)[1]


def _press(app: AppTest, label: str) -> tuple[float, float]:
    return _timed(find(app.button, label).click().run)[1]


def _timed(act: Callable[[], AppTest]) -> tuple[AppTest, tuple[float, float]]:
    wall, processor = time.perf_counter(), time.process_time()
    app = act()
    return app, (time.perf_counter() - wall, time.process_time() - processor)


def _median(times: list[tuple[float, float]]) -> tuple[float, float]:
    walls, processors = zip(*times, strict=True)
    return statistics.median(walls), statistics.median(processors)


if __name__ == "__main__":
    main()
