"""Names, icons and sentences that several pages show: splits, statuses, models, runs, balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from digitlab.data.info import VAL_FRACTION
from digitlab.data.registry import dataset_title
from digitlab.models.classical.catalog import PREFIX
from digitlab.models.load import known_recipe
from digitlab.models.presets import presets_by_name
from digitlab.runs.record import RunRecord
from digitlab.training.config import Augmentation, TrainConfig, form_of
from digitlab.ui.train.recipe_fields import describe
from digitlab.words import counted, shorten

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


NAME_LENGTH = 32  # characters: a legend must fit on a phone
_SETTINGS = 2  # so many settings of its own are named in a run's title


def run_title(record: RunRecord) -> str:
    """A run by the name that a person gave it; without one by what it is and how it was trained.

    "Two hidden layers of 64, ReLU · learning rate 0.1 · 12 epochs · seed 0": its model, settings
    that are not those of the preset, epochs and seed. A rerun of a named run has its seed, too.
    """
    name, aspects = _name(record), _aspects(record)
    if record.name != record.model or record.members or record.trained_elsewhere:
        again = record.parent and not record.data.start_from and not record.members
        return f"{name} · {_word('seed', record.seed)}" if again else name
    usual = _settings(known_recipe(record.model))
    changed = [key for key, value in _settings(record.config).items() if value != usual[key]]
    words = [_word(key, aspects[key]) for key in changed[:_SETTINGS]]
    if len(changed) > _SETTINGS:
        words.append(f"{len(changed) - _SETTINGS} more")
    words += [_word(key, aspects[key]) for key in ("epochs", "seed") if key in aspects]
    return " · ".join([name, *words])


def differing_settings(records: Sequence[RunRecord]) -> dict[str, list[Any]]:
    """Column title → a value for each run, of what is not the same for all: model, settings."""
    aspects = [{"model": model_title(record.model), **_aspects(record)} for record in records]
    columns = {}
    for key in dict.fromkeys(key for known in aspects for key in known):
        values = [known.get(key) for known in aspects]
        if any(value != values[0] for value in values):
            title = key if key in ("model", "dataset") else setting_title(key)
            numbers = all(isinstance(value, int | float | None) for value in values)
            columns[title[:1].upper() + title[1:]] = (
                values if numbers else ["–" if value is None else str(value) for value in values]
            )
    return columns


def setting_title(name: str) -> str:
    """A field of a recipe, or "augmentation.rotation", within a sentence: "learning rate"."""
    outer, _, inner = name.partition(".")
    field = Augmentation.model_fields[inner] if inner else TrainConfig.model_fields[outer]
    title = field.title.partition(" (")[0]
    return title[:1].lower() + title[1:]


def run_names(records: Sequence[RunRecord], *, brief: bool = False) -> list[str]:
    """A short name for each run of a list; runs of one name are told apart by what differs.

    With `brief` a name that all of them share is left out: "learning rate 0.1".
    """
    names = [shorten(_name(record), NAME_LENGTH) for record in records]
    endings = [""] * len(records)
    for name in [name for name, count in Counter(names).items() if count > 1]:
        positions = [i for i, equal in enumerate(names) if equal == name]
        for i, ending in zip(positions, _endings([records[i] for i in positions]), strict=True):
            endings[i] = ending
    if brief and len(set(names)) == 1 and all(endings):
        return endings
    return [" · ".join(filter(None, pair)) for pair in zip(names, endings, strict=True)]


def _endings(records: Sequence[RunRecord]) -> list[str]:
    """What tells runs apart, in as few words as it takes; a part of the id where nothing does."""
    aspects = [_aspects(record) for record in records]
    signatures: list[tuple[Any, ...]] = [()] * len(records)
    endings: list[list[str]] = [[] for _ in records]
    for key in dict.fromkeys(key for known in aspects for key in known):
        longer = [(*t, known.get(key)) for t, known in zip(signatures, aspects, strict=True)]
        if len(set(longer)) > len(set(signatures)):
            signatures = longer
            for ending, known in zip(endings, aspects, strict=True):
                ending += [_word(key, known[key])] if key in known else []
    counts = Counter(signatures)
    for i, record in enumerate(records):
        if counts[signatures[i]] > 1:
            endings[i].append("bundled" if record.bundled else record.id.rpartition("-")[2][:4])
    joined = [" · ".join(ending) for ending in endings]
    twice = {text for text, count in Counter(joined).items() if count > 1}
    return [
        record.id if text in twice else text for text, record in zip(joined, records, strict=True)
    ]


def _aspects(record: RunRecord) -> dict[str, Any]:
    """What may tell a run from another of its name: dataset, settings, epochs, seed."""
    aspects = {"dataset": record.dataset, **_settings(record.config)}
    layer = next(iter(record.spec.get("layers", ())), "")
    is_classical = next(iter(layer), "").startswith(PREFIX) if isinstance(layer, dict) else False
    if record.epochs and not is_classical:
        aspects["epochs"] = record.epochs
    return {**aspects, "seed": record.seed}


def _settings(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's fields that decide what is learnt; by its default what it leaves out or what has
    no effect.
    """
    fields = TrainConfig.model_fields
    whole = {name: recipe.get(name, field.default) for name, field in fields.items()}
    if whole["val_fraction"] is None:
        whole["val_fraction"] = VAL_FRACTION
    values = {
        name: whole[name] if form_of(fields[name]).used(whole) else fields[name].default
        for name in TrainConfig.names("recipe", "data")
        if name not in ("epochs", "restarts")
    }
    augmentation = dict(values.pop("augmentation"))
    return values | {
        f"augmentation.{name}": augmentation.get(name, field.default)
        for name, field in Augmentation.model_fields.items()
    }


def _word(key: str, value: Any) -> str:
    """An aspect of a run in words: "12 epochs", "learning rate 0.1"."""
    if key == "dataset":
        return dataset_title(value)
    if key == "epochs":
        return counted(value, "epoch")
    recipe = Augmentation if "." in key else TrainConfig
    (text,) = describe({key.rpartition(".")[2]: value}, recipe)
    return text[:1].lower() + text[1:]


def _name(record: RunRecord) -> str:
    """Its own name, or its model's title, which "lenet-5, fine-tuned on x" begins with, too."""
    own, comma, ending = record.name.partition(", ")
    return f"{model_title(own)}{comma}{ending}" if own == record.model else record.name


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
    if ratio == 1:
        each = counted(counts[most], "image")
        return f"Balanced: each class has {each}. Accuracy is a fair measure."
    if ratio < 1.15:
        return f"Well balanced: {extremes}. Accuracy is a fair measure."
    if ratio < 2:
        return f"Slightly unbalanced: {extremes}. Accuracy is still a fair measure."
    return f"Unbalanced: {extremes}. Look at the metrics of each class, not only at accuracy."
