"""Names, icons and sentences that several pages show: splits, statuses, class balance."""

from __future__ import annotations

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
