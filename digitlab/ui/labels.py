"""Names, icons and sentences that several pages show: splits, statuses, models, class balance."""

from __future__ import annotations

from collections.abc import Sequence

from digitlab.models.presets import presets_by_name

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


def model_title(name: str) -> str:
    """A preset's title, or `name` itself for any other model."""
    preset = presets_by_name().get(name)
    return preset.title if preset else name


def describe_balance(counts: Sequence[int], classes: Sequence[str]) -> str:
    """Say in a sentence how evenly the images are spread over the classes."""
    order = sorted(range(len(counts)), key=counts.__getitem__)
    fewest, most = order[0], order[-1]
    if not counts[fewest]:
        return f"Class {classes[fewest]} has no image in this split."
    ratio = counts[most] / counts[fewest]
    extremes = (
        f"class {classes[most]} has the most images, {counts[most]:,}, and class "
        f"{classes[fewest]} the fewest, {counts[fewest]:,} (ratio {ratio:.2f})"
    )
    if ratio < 1.15:
        return f"Well balanced: {extremes}. Accuracy is a fair measure."
    if ratio < 2:
        return f"Slightly unbalanced: {extremes}. Accuracy is still a fair measure."
    return f"Unbalanced: {extremes}. Look at the metrics of each class, not only at accuracy."
