"""The table of export formats: what each is, what it needs, and what writes it.

A new format is a writer and an entry of FORMATS: pages, command line and API read the table.
Writers import what they need when they are called, so that nothing is loaded before a click.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from digitlab.errors import DigitlabError
from digitlab.exports.onnx import to_onnx
from digitlab.exports.tensorboard import write_events
from digitlab.models.classical.catalog import classical_kind
from digitlab.models.text import write_yaml
from digitlab.settings import VERSION

if TYPE_CHECKING:
    import torch

    from digitlab.evaluation.metrics import Evaluation
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.experiment import Experiment
    from digitlab.runs.run import Run
    from digitlab.training.normalize import Normalization


@dataclass(frozen=True)
class Subject:
    """What is exported: a run or, without one, an architecture with its initial weights.

    `experiment` is the run's, or the one that would train the architecture. A run's results are
    those on its own test split, or on the `split` of the dataset named `dataset`; `measured` holds
    them where they are known. `link` is where an app shows the run.
    """

    experiment: Experiment
    run: Run | None = None
    split: str = "test"
    dataset: str | None = None
    measured: Evaluation | None = None
    link: str = ""

    @property
    def spec(self) -> ModelSpec:
        return self.experiment.spec

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.run.record.name if self.run else self.spec.name

    @property
    def results(self) -> Evaluation:
        """The results of the run; RunError where it has none."""
        return self.measured or self.run.evaluate(self.split, self.dataset)


# ---- what a format needs: each function says why a subject lacks it; empty where it does not ----

Need = Callable[[Subject], str]


def needs_run(subject: Subject) -> str:
    return "" if subject.run else "it is an architecture; train it first"


def needs_end(subject: Subject) -> str:
    record = subject.run.record
    return f"it is {record.status}; wait until it has ended" if record.active else ""


def needs_single_model(subject: Subject) -> str:
    members = subject.run.record.members if subject.run else []
    if not members:
        return ""
    listed = ", ".join(members[:3]) + (", …" if len(members) > 3 else "")
    return f"it is an ensemble; export its members instead: {listed}"


def needs_weights(subject: Subject) -> str:
    trained = subject.run or not classical_kind(subject.spec)
    return "" if trained else "a classical model has no weights before it is fitted; train it first"


def needs_network(subject: Subject) -> str:
    """A graph of torch's layers, which a classical model does not have."""
    from digitlab.runs.run import open_run

    members = subject.run.record.members if subject.run else []
    try:
        specs = [subject.spec, *(open_run(member).spec for member in members)]
    except DigitlabError as e:
        return f"a member is missing: {str(e).rstrip('.')}"
    if any(classical_kind(spec) for spec in specs):
        return "a classical model has no ONNX graph"
    return ""


def needs_digit_images(subject: Subject) -> str:
    if subject.experiment.config.task != "classify":
        return "it is an autoencoder, which reads no digits"
    shape = list(subject.spec.input)
    small = shape == [1, 28, 28]
    return "" if small else f"a page frames drawings as [1, 28, 28], and its input is {shape}"


def needs_layers_of_a_page(subject: Subject) -> str:
    from digitlab.exports.web_page.graph import LACKING

    lacking = sorted({layer.type for _, layer in subject.spec.walk()} & LACKING)
    return f"a page cannot compute {', '.join(lacking)}" if lacking else ""


def needs_curves(subject: Subject) -> str:
    return "" if subject.run.record.epochs_done else "it has not completed an epoch"


def needs_test_results(subject: Subject) -> str:
    if subject.run.task == "reconstruct":
        return "it is an autoencoder, which reads no digits and has no accuracy to report"
    known = subject.run.record.test_accuracy is not None
    return "" if known else "it has no results on a test split"


def needs_results(subject: Subject) -> str:
    return "" if subject.measured else needs_test_results(subject)


# ---- what writes a format -----------------------------------------------------------------------


def _python(subject: Subject) -> str:
    from digitlab.exports.pytorch import standalone

    return standalone(subject.experiment)


def _yaml(subject: Subject) -> str:
    config = subject.experiment.recipe if subject.run else subject.experiment.config
    fields = config.model_dump(mode="json")
    fields["augmentation"] = {k: v for k, v in fields["augmentation"].items() if v}
    written = {name: fields[name] for name in config.differing() if name != "device"}
    *head, layers = subject.spec.to_dict().items()
    return write_yaml({**dict(head), **({"recipe": written} if written else {}), **dict([layers])})


def _safetensors(subject: Subject) -> bytes:
    from safetensors.torch import save

    network, normalization = _network(subject)
    weights = {name: value.contiguous().clone() for name, value in network.state_dict().items()}
    return save(weights, _metadata(subject, normalization))


def _onnx(subject: Subject) -> bytes:
    network, normalization = _network(subject)
    metadata, task = _metadata(subject, normalization), subject.experiment.config.task
    return to_onnx(network, normalization, subject.spec.input, metadata, task)


def _network(subject: Subject) -> tuple[torch.nn.Module, Normalization]:
    """The trained network of a run; one with initial weights, which reads pixels as 0…1."""
    from digitlab.models.build import build
    from digitlab.training.loss import give_answers, scoring_spec
    from digitlab.training.normalize import Normalization

    if subject.run:
        return subject.run.model, subject.run.normalization
    config = subject.experiment.config
    network = build(scoring_spec(subject.spec, config), seed=0)
    return give_answers(network, config).eval(), Normalization(0.0, 1.0)


def _metadata(subject: Subject, normalization: Normalization) -> dict[str, str]:
    """What a file of weights says of itself, as text by name."""
    metadata = {
        "format": "pt",
        "producer": f"digitlab {VERSION}",
        "mean": repr(normalization.mean),
        "std": repr(normalization.std),
        "spec": json.dumps(subject.spec.to_dict(), ensure_ascii=False),
    }
    if subject.run:
        metadata |= {
            "run": subject.run.id,
            "dataset": subject.run.record.dataset,
            "classes": json.dumps(subject.run.classes, ensure_ascii=False),
        }
    return metadata


def _report(subject: Subject) -> str:
    from digitlab.exports.report import write_report

    return write_report(subject.run)


def _web_page(subject: Subject) -> str:
    from digitlab.exports.web_page.write import write_web_page

    return write_web_page(subject.run, _onnx(subject), subject.link)


def _model_card(subject: Subject) -> str:
    from digitlab.exports.model_card import write_model_card

    return write_model_card(subject.run)


def _notebook(subject: Subject) -> str:
    from digitlab.exports.notebook import write_notebook

    return write_notebook(subject.run, subject.split, subject.dataset)


def _tensorboard(subject: Subject) -> bytes:
    return write_events(subject.run)


def _zip(subject: Subject) -> bytes:
    from digitlab.exports.archive import pack_run

    return pack_run(subject.run)


def _predictions(subject: Subject) -> str:
    from digitlab.evaluation.tables import predictions_csv

    return predictions_csv(subject.results)


def _npz(subject: Subject) -> bytes:
    """Logits and probabilities float32 [N, C], labels int64 [N], names of classes [C]."""
    import io

    import numpy as np

    results, buffer = subject.results, io.BytesIO()
    np.savez_compressed(
        buffer,
        logits=results.logits,
        probabilities=results.probabilities,
        labels=results.labels,
        classes=np.array(results.classes, dtype=np.str_),  # as objects they would be pickled
    )
    return buffer.getvalue()


def _kaggle(subject: Subject) -> str:
    from digitlab.evaluation.tables import kaggle_csv

    return kaggle_csv(subject.results)


def _classes(subject: Subject) -> str:
    from digitlab.evaluation.tables import classes_csv

    return classes_csv(subject.results)


def _confusion(subject: Subject) -> str:
    from digitlab.evaluation.tables import confusion_csv

    return confusion_csv(subject.results)


def _epochs(subject: Subject) -> str:
    from digitlab.evaluation.tables import epochs_csv

    return epochs_csv(subject.run.history.epochs)


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
    write: Callable[[Subject], str | bytes]
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
    "page": Format(
        "Web page",
        "One HTML file that draws and reads digits in a browser, without a server.",
        "text/html",
        "{}-page.html",
        "run",
        _web_page,
        (
            needs_run,
            needs_network,
            needs_digit_images,
            needs_layers_of_a_page,
            needs_test_results,
        ),
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
