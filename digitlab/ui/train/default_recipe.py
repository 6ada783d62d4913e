"""The recipe that the form begins with: the model's own, for as many steps as it needs here."""

from __future__ import annotations

from typing import Any

from digitlab.data.info import VAL_FRACTION
from digitlab.data.registry import find_dataset
from digitlab.errors import DigitlabError
from digitlab.models.classical.catalog import classical_kind
from digitlab.models.load import known_recipe
from digitlab.models.presets import presets_by_name
from digitlab.models.spec import ModelSpec
from digitlab.training.config import TrainConfig
from digitlab.ui import cached, url
from digitlab.ui.model_picker import OWN

PUBLISHED_IMAGES = 60_000  # of MNIST, which recipes are made for
# With fewer images an epoch has fewer steps, and a recipe of few epochs ends before the network has
# learnt: logistic regression at 19.8 % on Optdigits. Its epochs are then repeated until there are
# as many steps as published, or so many, or it would compute for longer than about ten seconds.
MOST_STEPS = 2_500
MOST_WORK = 1e11  # multiply-adds, forward
# Attention has to learn which patches are neighbours: on Optdigits the tiny transformer ends at 59
# % after the 15 epochs, or 17 s, that this allows, at 95 % after 45, or 43 s (seed 0, two cores).
ATTENTION_WORK = 5e11


def default_recipe(model: str, spec: ModelSpec, dataset: str) -> TrainConfig:
    """The recipe of a preset, of one's own network or of any other model, with epochs that suit."""
    config = TrainConfig.from_dict(_known_recipe(model, spec))
    images = find_dataset(dataset).train_size
    if classical_kind(spec) is not None or images >= PUBLISHED_IMAGES:
        return config
    epochs = _epochs(config, spec, images)
    if config.schedule != "step":
        return config.changed(epochs=epochs)
    step = max(1, round(config.step_epochs * epochs / config.epochs))
    return config.changed(epochs=epochs, step_epochs=step)


def _epochs(config: TrainConfig, spec: ModelSpec, images: int) -> int:
    def steps_per_epoch(count: int) -> int:
        return -(-round(count * (1 - VAL_FRACTION)) // config.batch_size)

    steps = min(config.epochs * steps_per_epoch(PUBLISHED_IMAGES), MOST_STEPS)
    try:
        operations = cached.summarize(spec).operations
        attends = any(layer.type == "TransformerEncoder" for _, layer in spec.walk())
        work = ATTENTION_WORK if attends else MOST_WORK
        steps = min(steps, work / max(1, operations * config.batch_size))
    except DigitlabError:  # it cannot be built, which the page says
        return config.epochs
    epochs = round(steps / steps_per_epoch(images))
    epochs = 5 * round(epochs / 5) if epochs > 10 else epochs
    return min(max(config.epochs, epochs), 1000)


def describe_epochs(model: str, config: TrainConfig, dataset: str) -> str:
    """Why a preset's recipe has other epochs here than where it was published; else empty."""
    preset, info = presets_by_name().get(model), find_dataset(dataset)
    published = preset.recipe.get("epochs") if preset else None
    if published in (None, config.epochs) or info.train_size >= PUBLISHED_IMAGES:
        return ""
    return (
        f"Published: {published} epochs of {PUBLISHED_IMAGES:,} images; here {config.epochs}, as "
        f"{info.title} is smaller."
    )


def _known_recipe(model: str, spec: ModelSpec) -> dict[str, Any]:
    """The preset's recipe; one's own network begins with that of the preset it was made from.

    The loss is one that the network can be trained with, whatever the preset was.
    """
    recipe = known_recipe(url.get("preset") if model == OWN else model)
    fits = (recipe.get("loss") == "reconstruction") == spec.gives_image
    loss = "reconstruction" if spec.gives_image else "cross-entropy"
    return recipe if fits else {**recipe, "loss": loss}
