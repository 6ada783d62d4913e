"""Numbers and names as a person would spell them."""

from __future__ import annotations

import time
from collections.abc import Sequence

SPLIT_NAMES = {"train": "Training", "val": "Validation", "test": "Test"}

STATUS_ICONS = {
    "queued": ":material/hourglass_top:",
    "running": ":material/play_circle:",
    "paused": ":material/pause_circle:",
    "finished": ":material/check_circle:",
    "stopped": ":material/stop_circle:",
    "failed": ":material/error:",
    "interrupted": ":material/warning:",
}
STATUS_WORDS = {
    "queued": "waiting",
    "running": "training",
    "paused": "paused",
    "finished": "finished",
    "stopped": "stopped",
    "failed": "failed",
    "interrupted": "interrupted",
}


def percent(share: float | None, digits: int = 2) -> str:
    """A share from 0 to 1 as a percentage; a dash where it is not known."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def hundred(share: float | None) -> float | None:
    """A share as a number of percent, for tables that sort by it."""
    return None if share is None else 100 * share


def probability(share: float) -> str:
    """A network's probability; one that only rounding would make certain is not called so."""
    if share > 0.999:
        return "more than 99.9 %"
    return "less than 0.1 %" if share < 0.001 else percent(share, 1)


def with_article(name: str) -> str:
    """A class with its article: "a 7", "an 8"."""
    return f"an {name}" if name[:1].lower() in tuple("8aeio") else f"a {name}"


def size(count: float) -> str:
    """A number of bytes."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count:.0f} bytes"


def duration(seconds: float | None) -> str:
    """A length of time."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = int(seconds) // 60
    if minutes < 60:
        return f"{minutes} min {int(seconds) % 60} s"
    return f"{minutes // 60} h {minutes % 60} min"


def ago(moment: float | None) -> str:
    """How long ago a moment was, seconds since 1970."""
    if moment is None:
        return "–"
    passed = max(0.0, time.time() - moment)
    if passed < 60:
        return "just now"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if passed >= length:
            return f"{int(passed // length)} {unit} ago"
    return "just now"


def balance(counts: Sequence[int], classes: Sequence[str]) -> str:
    """How evenly the classes are filled, in a sentence."""
    order = sorted(range(len(counts)), key=counts.__getitem__)
    few, many = order[0], order[-1]
    if not counts[few]:
        return f"Class {classes[few]} has no image at all in this split."
    ratio = counts[many] / counts[few]
    pair = (
        f"the fullest class, {classes[many]}, has {counts[many]:,} images and the emptiest, "
        f"{classes[few]}, {counts[few]:,} (ratio {ratio:.2f})"
    )
    if ratio < 1.15:
        return f"Well balanced: {pair}, so plain accuracy is a fair figure."
    if ratio < 2:
        return f"Slightly uneven: {pair}. Plain accuracy is still a fair figure."
    return f"Uneven: {pair}. Look at each class's own figures, not only at accuracy."
