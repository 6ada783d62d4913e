"""`export`: a run or an architecture as a file that needs no digitlab."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from digitlab import files
from digitlab.errors import ExportError, RunNotFoundError, SpecError, StoreError
from digitlab.exports.formats import FORMATS, Subject
from digitlab.models.load import known_recipe, load_model
from digitlab.models.spec import ModelSpec
from digitlab.runs.experiment import Experiment, divide
from digitlab.runs.run import Run, open_run
from digitlab.training.config import TrainConfig


def export(
    what: Run | ModelSpec | str | Path,
    format: str,
    path: str | Path | None = None,
    *,
    recipe: Mapping[str, Any] | None = None,
) -> Path:
    """Write a run, or an architecture with initial weights, to a file; its path.

    `what` is a Run, a ModelSpec, a preset's name, a .yaml file, a run's id or its beginning.
    `format` is one of FORMATS, some of which a run alone has. Without a `path`, or where it is a
    folder, the file is named after what it holds. An existing file is replaced, whole. `recipe`
    holds the fields of the TrainConfig that an architecture is written with; a preset has its own,
    and a run that of its training.
    Raises ExportError for an unknown format and for one that this run or architecture does not
    have, SpecError or RunError where there is nothing to export, ConfigError for a wrong recipe.
    """
    subject = subject_of(what, recipe)
    content = exported(subject, format)
    target = Path(path if path is not None else ".")
    if target.is_dir() or str(path).endswith("/"):
        target = target / file_name(subject, format)
    try:
        files.write_atomically(target, content)
    except StoreError as e:
        reason = getattr(e.__cause__, "strerror", None) or e
        raise ExportError(f"{target} could not be written: {reason}.") from e
    return target


def exported(subject: Subject, format: str) -> bytes:
    """The file that `export` would write. Raises ExportError as it does."""
    if format not in FORMATS:
        raise ExportError(
            f"There is no format {str(format)[:40]!r}; choose one of {', '.join(FORMATS)}."
        )
    if reason := lacks(subject, format):
        raise ExportError(f"{subject.name} cannot be exported as {format}: {reason}.")
    content = FORMATS[format].write(subject)
    return content.encode() if isinstance(content, str) else content


def formats_of(subject: Subject, part: str | None = None) -> tuple[str, ...]:
    """The formats that this subject has; those of one `part` (see `Format`), or all."""
    return tuple(
        name
        for name, form in FORMATS.items()
        if part in (None, form.part) and not lacks(subject, name)
    )


def lacks(subject: Subject, format: str) -> str:
    """Why this subject cannot be written so; empty where it can."""
    return next((reason for need in FORMATS[format].needs if (reason := need(subject))), "")


def file_name(subject: Subject, format: str) -> str:
    """A name for the file: after the run's id, or the architecture's name."""
    name = subject.run.id if subject.run else subject.spec.name
    plain = "".join(letter if letter.isalnum() else "-" for letter in name.lower())
    return FORMATS[format].file_name.format(plain.strip("-")[:80] or "network")


def format_of(path: str | Path) -> str:
    """The format that a file's ending stands for, else the ending; empty without one."""
    ending = Path(path).suffix.lower()
    endings = {Path(form.file_name).suffix: name for name, form in reversed(FORMATS.items())}
    return endings.get(ending, ending.lstrip("."))


def subject_of(
    what: Run | ModelSpec | str | Path, recipe: Mapping[str, Any] | None = None, **measured: Any
) -> Subject:
    """What `export` exports, with its recipe; `measured` holds fields of Subject about results."""
    model = _opened(what)
    if isinstance(model, Run):
        experiment = model.experiment
        if recipe is not None:
            config = TrainConfig.from_dict(recipe)
            experiment = replace(
                experiment, config=config, dataset=divide(experiment.dataset, config)
            )
        return Subject(experiment, model, **measured)
    config = TrainConfig.from_dict(_recipe(model, what) if recipe is None else recipe)
    return Subject(Experiment(model, divide("mnist", config), config))


def _opened(what: Run | ModelSpec | str | Path) -> Run | ModelSpec:
    if isinstance(what, Run | ModelSpec):
        return what
    try:
        return load_model(what)
    except SpecError as e:
        if not isinstance(what, str) or what.lower().endswith((".yaml", ".yml", ".json")):
            raise
        no_model = e
    try:
        return open_run(what)
    except RunNotFoundError as e:
        raise RunNotFoundError(f"{str(e).rstrip('.')}. {no_model}", run_id=what) from e


def _recipe(spec: ModelSpec, what: Any) -> Mapping[str, Any]:
    """The recipe that goes with a preset or a file; empty for any other architecture."""
    if not isinstance(what, ModelSpec):
        return known_recipe(what)
    try:
        return known_recipe(what.name if load_model(what.name) == what else what)
    except SpecError:
        return known_recipe(what)
