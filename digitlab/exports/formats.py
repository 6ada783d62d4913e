"""The table of export formats: what each is, what it needs, and what writes it.

A new format is a writer and an entry of FORMATS: pages, command line and API read the table.
Writers import what they need when they are called, so that nothing is loaded before a click.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from digitlab.errors import DigitlabError
from digitlab.settings import VERSION

if TYPE_CHECKING:
    import torch

    from digitlab.evaluation.metrics import Evaluation
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.run import Run
    from digitlab.training.normalize import Normalization


@dataclass(frozen=True)
class Source:
    """What is exported: a run or, without one, an architecture with its initial weights.

    `recipe` holds fields of its TrainConfig. A run's results are those on its own test split, or on
    the `split` of the dataset named `dataset`; `measured` holds them where they are known already.
    """

    spec: ModelSpec
    recipe: Mapping[str, Any] = field(default_factory=dict)
    run: Run | None = None
    split: str = "test"
    dataset: str | None = None
    measured: Evaluation | None = None

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.run.record.name if self.run else self.spec.name

    @property
    def results(self) -> Evaluation:
        """What the run answered; RunError where that is not known."""
        return self.measured or self.run.evaluate(self.split, self.dataset)


# ---- what a format needs: each function says why a source lacks it, or nothing ------------------

Need = Callable[[Source], str]


def needs_run(source: Source) -> str:
    return "" if source.run else "it is an architecture; train it first"


def needs_end(source: Source) -> str:
    record = source.run.record
    return f"it is {record.status}; wait until it has ended" if record.active else ""


def needs_single_model(source: Source) -> str:
    members = source.run.record.members if source.run else []
    if not members:
        return ""
    listed = ", ".join(members[:3]) + (", …" if len(members) > 3 else "")
    return f"it is an ensemble; export its members instead: {listed}"


def needs_weights(source: Source) -> str:
    from digitlab.models.classical.catalog import classical_kind

    trained = source.run or not classical_kind(source.spec)
    return "" if trained else "a classical model has no weights before it is fitted; train it first"


def needs_network(source: Source) -> str:
    """A graph of torch's layers, which a classical model does not have."""
    from digitlab.models.classical.catalog import classical_kind
    from digitlab.runs.run import open_run

    members = source.run.record.members if source.run else []
    try:
        specs = [source.spec, *(open_run(member).spec for member in members)]
    except DigitlabError as e:
        return f"a member is missing: {str(e).rstrip('.')}"
    if any(classical_kind(spec) for spec in specs):
        return "there is no ONNX graph of a classical model; export it as py, yaml or safetensors"
    return ""


def needs_curves(source: Source) -> str:
    return "" if source.run.record.epochs_done else "it has recorded no curves"


def needs_test_results(source: Source) -> str:
    known = source.run.record.test_accuracy is not None
    return "" if known else "it has no results on a test split"


def needs_results(source: Source) -> str:
    return "" if source.measured else needs_test_results(source)


# ---- what writes a format -----------------------------------------------------------------------


def _python(source: Source) -> str:
    from digitlab.exports.pytorch import standalone

    dataset = source.run.record.dataset if source.run else "mnist"
    return standalone(source.spec, source.recipe, dataset=dataset)


def _yaml(source: Source) -> str:
    from digitlab.models.text import write_yaml
    from digitlab.training.config import TrainConfig

    config = TrainConfig.from_dict(source.recipe)
    fields = config.model_dump(mode="json")
    fields["augmentation"] = {k: v for k, v in fields["augmentation"].items() if v}
    written = {name: fields[name] for name in config.differing() if name != "device"}
    *head, layers = source.spec.to_dict().items()
    return write_yaml({**dict(head), **({"recipe": written} if written else {}), **dict([layers])})


def _safetensors(source: Source) -> bytes:
    from safetensors.torch import save

    network, normalization = _network(source)
    weights = {name: value.contiguous().clone() for name, value in network.state_dict().items()}
    return save(weights, _metadata(source, normalization))


def _onnx(source: Source) -> bytes:
    from digitlab.exports.onnx import to_onnx

    network, normalization = _network(source)
    return to_onnx(network, normalization, source.spec.input, _metadata(source, normalization))


def _network(source: Source) -> tuple[torch.nn.Module, Normalization]:
    """The trained network of a run; one with initial weights, which reads pixels as 0…1."""
    from digitlab.models.build import build
    from digitlab.training.normalize import Normalization

    if source.run:
        return source.run.model, source.run.normalization
    return build(source.spec, seed=0).eval(), Normalization(0.0, 1.0)


def _metadata(source: Source, normalization: Normalization) -> dict[str, str]:
    """What a file of weights says of itself, as text by name."""
    metadata = {
        "format": "pt",
        "producer": f"digitlab {VERSION}",
        "mean": repr(normalization.mean),
        "std": repr(normalization.std),
        "spec": json.dumps(source.spec.to_dict(), ensure_ascii=False),
    }
    if source.run:
        metadata |= {
            "run": source.run.id,
            "dataset": source.run.record.dataset,
            "classes": json.dumps(source.run.classes, ensure_ascii=False),
        }
    return metadata


def _report(source: Source) -> str:
    from digitlab.exports.report import write_report

    return write_report(source.run)


def _model_card(source: Source) -> str:
    from digitlab.exports.model_card import write_model_card

    return write_model_card(source.run)


def _notebook(source: Source) -> str:
    from digitlab.exports.notebook import write_notebook

    return write_notebook(source.run, source.split, source.dataset)


def _tensorboard(source: Source) -> bytes:
    from digitlab.exports.tensorboard import write_events

    return write_events(source.run)


def _zip(source: Source) -> bytes:
    from digitlab.exports.archive import pack_run

    return pack_run(source.run)


def _predictions(source: Source) -> str:
    from digitlab.evaluation.tables import predictions_csv

    return predictions_csv(source.results)


def _npz(source: Source) -> bytes:
    """Logits and probabilities float32 [N, C], labels int64 [N], names of classes [C]."""
    import io

    import numpy as np

    results, buffer = source.results, io.BytesIO()
    np.savez_compressed(
        buffer,
        logits=results.logits,
        probabilities=results.probabilities,
        labels=results.labels,
        classes=np.array(results.classes, dtype=np.str_),  # as objects they would be pickled
    )
    return buffer.getvalue()


def _kaggle(source: Source) -> str:
    from digitlab.evaluation.tables import kaggle_csv

    return kaggle_csv(source.results)


def _classes(source: Source) -> str:
    from digitlab.evaluation.tables import classes_csv

    return classes_csv(source.results)


def _confusion(source: Source) -> str:
    from digitlab.evaluation.tables import confusion_csv

    return confusion_csv(source.results)


def _epochs(source: Source) -> str:
    from digitlab.evaluation.tables import epochs_csv

    return epochs_csv(source.run.history.epochs)


# ---- the table ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Format:
    """A kind of file: what people read, its MIME type, and what writes it.

    `file_name` has a `{}` for the name of the run or architecture. `part` says what of a run it
    holds: the model itself, its results as numbers, or the run as a whole. `needs` are checked in
    their order.
    """

    title: str
    description: str
    mime: str
    file_name: str
    part: Literal["model", "run", "results"]
    write: Callable[[Source], str | bytes]
    needs: tuple[Need, ...] = ()


FORMATS = {
    "py": Format(
        "Python",
        "The nn.Module and the recipe that trains it, in plain PyTorch.",
        "text/x-python",
        "{}.py",
        "model",
        _python,
        (needs_single_model,),
    ),
    "yaml": Format(
        "YAML",
        "The architecture and the recipe, as digitlab reads them back.",
        "application/yaml",
        "{}.yaml",
        "model",
        _yaml,
        (needs_single_model,),
    ),
    "safetensors": Format(
        "safetensors",
        "The weights by name, with the normalisation of the pixels.",
        "application/octet-stream",
        "{}.safetensors",
        "model",
        _safetensors,
        (needs_single_model, needs_weights),
    ),
    "onnx": Format(
        "ONNX",
        "The whole network, from uint8 pixels to probabilities, for ONNX Runtime and others.",
        "application/octet-stream",
        "{}.onnx",
        "model",
        _onnx,
        (needs_network,),
    ),
    "report": Format(
        "Report",
        "One HTML file with figures that work offline: how the run was made, and its results.",
        "text/html",
        "{}-report.html",
        "run",
        _report,
        (needs_run, needs_test_results),
    ),
    "card": Format(
        "Model card",
        "Markdown in the sections that Hugging Face uses, with measured numbers only.",
        "text/markdown",
        "{}-card.md",
        "run",
        _model_card,
        (needs_run, needs_test_results),
    ),
    "notebook": Format(
        "Notebook",
        "A Jupyter notebook that computes what the Results page shows.",
        "application/x-ipynb+json",
        "{}.ipynb",
        "run",
        _notebook,
        (needs_run, needs_test_results),
    ),
    "tensorboard": Format(
        "TensorBoard",
        "An event file with the scalars of all steps and epochs.",
        "application/octet-stream",
        "events.out.tfevents.0.{}",  # the beginning by which TensorBoard knows its files
        "run",
        _tensorboard,
        (needs_run, needs_curves),
    ),
    "zip": Format(
        "Run as ZIP",
        "The whole run, which another digitlab can import.",
        "application/zip",
        "{}.zip",
        "run",
        _zip,
        (needs_run, needs_end, needs_single_model),
    ),
    "csv": Format(
        "Predictions",
        "CSV: every image of the split with its label, the prediction, and all probabilities.",
        "text/csv",
        "{}-predictions.csv",
        "results",
        _predictions,
        (needs_run, needs_results),
    ),
    "npz": Format(
        "NumPy",
        "Arrays in a NumPy archive: logits, probabilities, labels, and the names of the classes.",
        "application/octet-stream",
        "{}-predictions.npz",
        "results",
        _npz,
        (needs_run, needs_results),
    ),
    "kaggle": Format(
        "Kaggle",
        "CSV in the form of Kaggle's digit contest: ImageId, counted from 1, and Label.",
        "text/csv",
        "{}-kaggle.csv",
        "results",
        _kaggle,
        (needs_run, needs_results),
    ),
    "classes": Format(
        "Classes",
        "CSV: precision, recall, F1 with intervals, and support of each class.",
        "text/csv",
        "{}-classes.csv",
        "results",
        _classes,
        (needs_run, needs_results),
    ),
    "confusion": Format(
        "Confusion",
        "CSV: the confusion matrix in images; rows are true classes, columns are predictions.",
        "text/csv",
        "{}-confusion.csv",
        "results",
        _confusion,
        (needs_run, needs_results),
    ),
    "epochs": Format(
        "Epochs",
        "CSV: losses, accuracies, learning rate and seconds of every epoch.",
        "text/csv",
        "{}-epochs.csv",
        "results",
        _epochs,
        (needs_run, needs_curves),
    ),
}
