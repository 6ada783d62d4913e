"""`export`: a run or an architecture as a file that needs no digitlab."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab import files
from digitlab.errors import DigitlabError, ExportError, RunNotFoundError, SpecError, StoreError
from digitlab.exports.formats import ACCOUNTS, ENDINGS, TABLES, Format
from digitlab.models.classical.catalog import classical_kind
from digitlab.models.load import known_recipe, load_model
from digitlab.models.spec import ModelSpec
from digitlab.models.text import write_yaml
from digitlab.runs.run import Run, open_run
from digitlab.settings import VERSION
from digitlab.training.config import TrainConfig

if TYPE_CHECKING:
    import torch

    from digitlab.training.normalize import Normalization


def export(
    what: Run | ModelSpec | str | Path,
    format: str,
    path: str | Path | None = None,
    *,
    recipe: Mapping[str, Any] | None = None,
) -> Path:
    """Write a run, or an architecture with fresh weights, to a file; its path.

    `what` is a Run, a ModelSpec, a preset's name, a .yaml file, a run's id or its beginning.
    `format` is one of FORMATS; tables and accounts are of a run only. Without a `path`, or where
    it is a folder, the file is named after what it holds. An existing file is replaced, whole.
    `recipe` holds the fields of the TrainConfig that an architecture is written with; a preset has
    its own, and a run that of its training.
    Raises ExportError for an unknown format or a network that has no such form, SpecError or
    RunError where there is nothing to export.
    """
    source = _source(what)
    content = exported(source, format, _recipe(source, what) if recipe is None else recipe)
    place = Path(path if path is not None else ".")
    if place.is_dir() or str(path).endswith("/"):
        place = place / file_name(source, format)
    try:
        files.write_atomically(place, content)
    except StoreError as e:
        reason = getattr(e.__cause__, "strerror", None) or e
        raise ExportError(f"{place} could not be written: {reason}.") from e
    return place


def exported(
    what: Run | ModelSpec | str | Path, format: str, recipe: Mapping[str, Any] | None = None
) -> bytes:
    """What `export` would write."""
    form = FORMATS.get(format)
    if form is None:
        raise ExportError(f"A format is one of {', '.join(FORMATS)}; not {str(format)[:40]!r}.")
    source = _source(what)
    if form.of_runs and not isinstance(source, Run):
        raise ExportError(
            f"{form.title} is of a run, and {source.name} is an architecture: train it first."
        )
    if isinstance(source, Run) and source.record.members and format in _OF_ONE:
        raise ExportError(
            f"{source.record.name} is an ensemble, which has no such form: take its members along, "
            f"{', '.join(source.record.members[:3])} …"
        )
    content = form.write(source, _recipe(source, what) if recipe is None else recipe)
    return content.encode() if isinstance(content, str) else content


def file_name(what: Run | ModelSpec, format: str) -> str:
    """A name for the file: that of the run, or of the architecture."""
    name = what.id if isinstance(what, Run) else what.name
    plain = "".join(letter if letter.isalnum() else "-" for letter in name.lower())
    plain = plain.strip("-")[:80] or "network"
    ending = FORMATS[format].ending or f".{format}"
    return ending.format(plain) if "{}" in ending else plain + ending


def format_of(path: str | Path) -> str:
    """The format that a file's name asks for by its ending; empty without one."""
    ending = Path(path).suffix.lstrip(".").lower()
    return ENDINGS.get(ending, ending)


def formats_of(run: Run) -> tuple[str, ...]:
    """The formats that this run has: an ensemble is no single network, a classical model no graph,
    and without curves there is nothing to tell of epochs.
    """
    without: set[str] = set(_OF_ONE) if run.record.members else set()
    if classical_kind(run.spec) or _has_classical_member(run):
        without.add("onnx")
    if not run.record.epochs_done:
        without |= {"epochs", "tensorboard"}
    if run.record.test_accuracy is None:
        without |= {"csv", "kaggle", "classes", "confusion", "report", "card", "notebook"}
    return tuple(name for name in FORMATS if name not in without)


def _has_classical_member(run: Run) -> bool:
    try:
        return any(classical_kind(open_run(member).spec) for member in run.record.members)
    except DigitlabError:
        return True  # one is gone: there is no graph to write


def _source(what: Run | ModelSpec | str | Path) -> Run | ModelSpec:
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


_OF_ONE = ("py", "yaml", "safetensors", "zip")  # what a single network has, and no ensemble


# ---- each format --------------------------------------------------------------------------------


def _recipe(source: Run | ModelSpec, what: Any) -> Mapping[str, Any]:
    """The recipe that goes with a run, a preset or a file; empty for any other architecture."""
    if isinstance(source, Run):
        return {**source.record.config, "val_fraction": source.record.data["val_fraction"]}
    if not isinstance(what, ModelSpec):
        return known_recipe(what)
    try:
        return known_recipe(what.name) if load_model(what.name) == what else {}
    except SpecError:
        return {}


def _spec(source: Run | ModelSpec) -> ModelSpec:
    return source.spec if isinstance(source, Run) else source


def _python(source: Run | ModelSpec, recipe: Mapping[str, Any]) -> str:
    from digitlab.exports.pytorch import standalone

    dataset = source.record.dataset if isinstance(source, Run) else "mnist"
    return standalone(_spec(source), recipe, dataset=dataset)


def _yaml(source: Run | ModelSpec, recipe: Mapping[str, Any]) -> str:
    config = TrainConfig.from_dict(recipe)
    fields = config.model_dump(mode="json")
    fields["augmentation"] = {k: v for k, v in fields["augmentation"].items() if v}
    written = {name: fields[name] for name in config.differing() if name != "device"}
    *head, layers = _spec(source).to_dict().items()
    return write_yaml({**dict(head), **({"recipe": written} if written else {}), **dict([layers])})


def _network(source: Run | ModelSpec) -> tuple[torch.nn.Module, Normalization]:
    """The trained network of a run; one with fresh weights, which takes pixels as 0…1."""
    from digitlab.models.build import build
    from digitlab.training.normalize import Normalization

    if isinstance(source, Run):
        return source.model, source.normalization
    return build(source, seed=0).eval(), Normalization(0.0, 1.0)


def _about(source: Run | ModelSpec, normalization: Normalization) -> dict[str, str]:
    """What a file says of itself, as text by name."""
    about = {
        "format": "pt",
        "producer": f"digitlab {VERSION}",
        "mean": repr(normalization.mean),
        "std": repr(normalization.std),
        "spec": json.dumps(_spec(source).to_dict(), ensure_ascii=False),
    }
    if not isinstance(source, Run):
        return about
    return {
        **about,
        "run": source.id,
        "dataset": source.record.dataset,
        "classes": json.dumps(source.classes, ensure_ascii=False),
    }


def _onnx(source: Run | ModelSpec, recipe: Mapping[str, Any]) -> bytes:
    from digitlab.exports.onnx import to_onnx

    if classical_kind(_spec(source)):
        raise ExportError(
            f"{_spec(source).name} is a classical model, for which digitlab writes no ONNX graph. "
            "Take it along as py, yaml or safetensors."
        )
    network, normalization = _network(source)
    return to_onnx(network, normalization, _spec(source).input, _about(source, normalization))


def _safetensors(source: Run | ModelSpec, recipe: Mapping[str, Any]) -> bytes:
    from safetensors.torch import save

    network, normalization = _network(source)
    weights = {name: value.contiguous().clone() for name, value in network.state_dict().items()}
    return save(weights, _about(source, normalization))


FORMATS = {
    "py": Format(
        "Python",
        "The nn.Module and the recipe that trains it, in plain PyTorch.",
        "text/x-python",
        _python,
    ),
    "yaml": Format(
        "YAML",
        "The architecture and the recipe, as digitlab reads them back.",
        "application/yaml",
        _yaml,
    ),
    "safetensors": Format(
        "safetensors",
        "The weights by name, with the normalisation they were learnt with.",
        "application/octet-stream",
        _safetensors,
    ),
    "onnx": Format(
        "ONNX",
        "The whole network, from uint8 pixels to probabilities, for ONNX Runtime and others.",
        "application/octet-stream",
        _onnx,
    ),
    **ACCOUNTS,
    **TABLES,
}
