"""Facts about a run, in words and rows, which the report and the model card share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from digitlab.data.registry import dataset_title
from digitlab.words import duration, interval, percent

if TYPE_CHECKING:
    from digitlab.evaluation.metrics import Evaluation
    from digitlab.runs.run import Run

Row = tuple[str, str]


class Number(NamedTuple):
    """A number with its label, and the note that is shown below it."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class RunFacts:
    """A run's results and how they were measured; its architecture, data, machine and time."""

    numbers: tuple[Number, ...]
    measured: str
    architecture: str
    data: list[Row]
    machine: list[Row]
    time: str


def run_facts(run: Run, result: Evaluation) -> RunFacts:
    """The facts about a run with these results on its test split; what is unknown is left out."""
    record = run.record
    trained = record.train_seconds
    numbers = (
        Number("Test accuracy", percent(result.accuracy),
               f"95 %: {interval(result.accuracy_interval)}"),
        Number("Test loss", f"{result.loss:.4f}", "cross-entropy, nats"),
        Number("Mistakes", f"{len(result.errors):,}", f"of {result.n:,} images"),
        Number("Parameters", f"{record.parameters:,}", "trained weights"),
    )  # fmt: skip
    time = "" if trained is None else f"Trained in {duration(trained)}"
    if trained is not None and record.images_per_second:
        time += f", {record.images_per_second:,.0f} images a second"
    return RunFacts(
        numbers=numbers,
        measured=_measured(run, result),
        architecture=_architecture(run),
        data=_data(run, result),
        machine=[
            (_field_name(key), str(value))
            for key, value in record.environment.items()
            if value is not None
        ],
        time=f"{time}." if time else "",
    )


def recipe_rows(run: Run) -> list[Row]:
    """The whole recipe, a row for each field; of the augmentation only what is in use.

    Of a network that was trained elsewhere, where it is from and what its outputs mean.
    """
    rows = []
    recipe = run.experiment.recipe.model_dump()
    if run.record.trained_elsewhere:
        rows.append(("recipe", "not known: trained elsewhere"))
        recipe = {"loss": recipe["loss"]}
    for name, value in recipe.items():
        if name == "augmentation":
            active = {key: amount for key, amount in value.items() if amount}
            value = ", ".join(f"{key} {amount:g}" for key, amount in active.items()) or "none"
        rows.append((_field_name(name), _value_text(value)))
    return rows


def _measured(run: Run, result: Evaluation) -> str:
    record = run.record
    epoch = record.kept_epoch if record.kept_epoch is not None else record.epochs_done
    if record.trained_elsewhere:
        return (
            f"Measured on the {result.n:,} test images of {dataset_title(record.dataset)}. "
            f"{origin(run)} Whether it was trained on these images is not known."
        )
    text = (
        f"Measured on the {result.n:,} test images of {dataset_title(record.dataset)}, none of "
        "which was trained on. The Wilson interval covers the choice of images, not the variation "
        "between training seeds. "
    )
    if record.members:
        return f"{text}The predictions combine those of {len(record.members)} runs together."
    if run.config.keep == "best":
        return f"{text}The weights are those of epoch {epoch:.4g}, chosen by validation accuracy."
    return f"{text}The weights are those of epoch {epoch:.4g}, where training ended; seed " + (
        f"{record.seed}."
    )


def origin(run: Run) -> str:
    """Where an imported run comes from; empty for one that was made here."""
    imported = run.record.data.imported or {}
    if "file" in imported:
        return (
            f"The network was trained elsewhere: imported from {imported['file']} "
            f"({imported['format']}, SHA-256 {imported['sha256']})."
        )
    if not imported:
        return ""
    results = "claimed by the file" if run.record.claimed else "computed again from its weights"
    return f"Imported from a file; its test results are {results}."


def _architecture(run: Run) -> str:
    record = run.record
    if record.members:
        return f"{record.message} Members: {', '.join(record.members)}."
    size = " × ".join(map(str, run.spec.input))
    return (
        f"{record.parameters:,} parameters; the input is an image of {size} (channels, height, "
        f"width), the output a logit for each of {len(run.classes)} classes."
    )


def _data(run: Run, result: Evaluation) -> list[Row]:
    split = run.record.split
    rows = [
        ("dataset", dataset_title(run.record.dataset)),
        ("classes", ", ".join(run.classes)),
        ("test images", f"{result.n:,}"),
        ("validation split", f"{100 * split.val_fraction:g} % of the training images, split "
                             f"seed {split.split_seed}"),
    ]  # fmt: skip
    if split.fingerprint:
        rows.append(("fingerprint", split.fingerprint))
    normalization = run.record.normalization
    if normalization and not run.record.members:
        mean, std = normalization["mean"], normalization["std"]
        rows.append(("normalisation", f"pixels as 0…1, minus {mean:.6g}, divided by {std:.6g}"))
    return rows


def _field_name(name: str) -> str:
    return name.replace("_", " ")


def _value_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == []:
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)
