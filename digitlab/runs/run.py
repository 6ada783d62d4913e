"""`Run`: an experiment that was carried out, opened to look at and to use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab import owners
from digitlab.data.load import load_dataset
from digitlab.data.own import former_names
from digitlab.data.registry import find_dataset
from digitlab.errors import DatasetError, RunError
from digitlab.evaluation.metrics import evaluate_logits
from digitlab.evaluation.reconstruction import evaluate_errors
from digitlab.runs import run_folder, store
from digitlab.runs.find import bundled_folders, find_record, read_bundled, read_json
from digitlab.runs.network import load_network
from digitlab.runs.record import RunRecord
from digitlab.settings import read_settings
from digitlab.words import percent

if TYPE_CHECKING:
    import numpy as np
    import torch

    from digitlab.data.dataset import Dataset, Split
    from digitlab.evaluation.metrics import Evaluation
    from digitlab.evaluation.reconstruction import Reconstruction
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.experiment import Experiment
    from digitlab.training.config import Task, TrainConfig
    from digitlab.training.normalize import Normalization

_SHARE = 4  # images that are predicted at once take this part of a compute process's memory


@dataclass(frozen=True)
class History:
    """What a run recorded: windows of steps and epochs, each a plain dict, in order."""

    steps: list[dict[str, Any]]
    epochs: list[dict[str, Any]]


class Run:
    """A run, bundled or own. `record` is what was known when it was opened; see `refresh`."""

    def __init__(self, record: RunRecord) -> None:
        self.record = record

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def folder(self) -> Path:
        """Where the run's files lie."""
        return run_folder.run_folder(self.id)

    @property
    def experiment(self) -> Experiment:
        """What was carried out. Raises SpecError or ConfigError for one of a later version."""
        return self.record.experiment

    @property
    def spec(self) -> ModelSpec:
        return self.experiment.spec

    @property
    def config(self) -> TrainConfig:
        return self.experiment.config

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that the network tells apart."""
        return self.record.data.classes

    @property
    def task(self) -> Task:
        """What the network learnt: to tell classes apart, or to give the image back."""
        return self.record.task

    def check_task(self, task: Task) -> None:
        """RunError unless the network learnt this: the one place where the two are told apart."""
        if self.task == task:
            return
        if task == "classify":
            raise RunError(
                f"Run {self.id} is an autoencoder: it gives images back and tells no classes "
                "apart. Choose a classifier, or see its reconstructions "
                "(run.reconstruct(images), run.measure_reconstruction()).",
                run_id=self.id,
            )
        raise RunError(
            f"Run {self.id} is a classifier: it gives no images. Choose an autoencoder, a network "
            "trained with the loss reconstruction.",
            run_id=self.id,
        )

    @property
    def history(self) -> History:
        """The learning curves so far."""
        if self.record.bundled:
            return History(**read_json(self.folder / run_folder.HISTORY))
        return History(*store.read_history(self.id))

    def refresh(self) -> Run:
        """The run as it stands now."""
        return self if self.record.bundled else Run(store.get_record(self.id))

    @cached_property
    def model(self) -> torch.nn.Module:
        """The trained network in evaluation mode, on the CPU."""
        return load_network(self.record)

    @property
    def normalization(self) -> Normalization:
        """The normalisation that the network was trained with."""
        from digitlab.training.normalize import Normalization

        return Normalization(**self.record.normalization)

    def predict(self, images: np.ndarray | torch.Tensor) -> np.ndarray:
        """Images uint8 [N, 1, H, W] → probabilities float32 [N, C].

        Raises RunError for another shape or dtype, for an autoencoder, or where the run has no
        weights.
        """
        return self.predict_logits(self._checked(images)).softmax(1).numpy()

    def reconstruct(self, images: np.ndarray | torch.Tensor) -> np.ndarray:
        """Images uint8 [N, C, H, W] → what an autoencoder makes of them, float32 from 0 to 1.

        Raises RunError for another shape or dtype, for a classifier, or where the run has no
        weights.
        """
        from digitlab.training.predict import predict_logits

        self.check_task("reconstruct")
        tensor = self._checked(images)
        logits = predict_logits(self.model, tensor, self.normalization, self._batch)
        return logits.view(tensor.shape).numpy()

    @cached_property
    def _batch(self) -> int:
        """How many images are predicted at once: fewer of a network that takes much memory."""
        from digitlab.models.build import summarize
        from digitlab.training.predict import BATCH

        taken = max(1, summarize(self.spec).activation_bytes)
        return max(1, min(BATCH, read_settings().compute_memory // _SHARE // taken))

    def _checked(self, images: np.ndarray | torch.Tensor) -> torch.Tensor:
        import torch

        tensor = _as_tensor(images, self.id)
        expected = tuple(self.spec.input)
        if tensor.dtype != torch.uint8 or tuple(tensor.shape[1:]) != expected or tensor.ndim != 4:
            raise RunError(
                f"Run {self.id} reads images of dtype uint8 and shape [N, "
                f"{', '.join(map(str, expected))}]; not {str(tensor.dtype).removeprefix('torch.')} "
                f"and {list(tensor.shape)}.",
                run_id=self.id,
            )
        return tensor

    def predict_logits(self, images: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Images uint8 [N, 1, H, W] → logits float32 [N, C], on the CPU."""
        from digitlab.training.predict import predict_logits

        self.check_task("classify")
        tensor = _as_tensor(images, self.id)
        return predict_logits(self.model, tensor, self.normalization, self._batch)

    def evaluate(self, split: str = "test", dataset: Dataset | str | None = None) -> Evaluation:
        """What the network's answers on a split say, as plain objects.

        Test and validation come from the logits saved with the run; the training split, and any
        split of another `dataset`, a name or a Dataset, is predicted now. Raises RunError where
        the run has no predictions and no weights, or the dataset has other classes or another
        image size, and DatasetError where the dataset is not on this machine.
        """
        self.check_task("classify")
        if saved := self._saved("logits", split, dataset):
            logits, labels = saved
        else:
            part = self._images(split, dataset)
            logits, labels = self.predict_logits(part.images).numpy(), part.labels.numpy()
        return evaluate_logits(logits, labels, self.classes)

    def measure_reconstruction(
        self, split: str = "test", dataset: Dataset | str | None = None
    ) -> Reconstruction:
        """How well an autoencoder gives the images of a split back; raises as `evaluate` does.

        The errors are those of the recipe's `pixel_loss`.
        """
        self.check_task("reconstruct")
        if saved := self._saved("errors", split, dataset):
            errors, labels = saved
        else:
            part = self._images(split, dataset)
            errors, labels = self.reconstruction_errors(part.images).numpy(), part.labels.numpy()
        classes = self.classes
        if isinstance(dataset, str) and dataset != self.record.dataset:
            classes = find_dataset(dataset).classes
        return evaluate_errors(errors, labels, getattr(dataset, "classes", classes))

    def reconstruction_errors(self, images: torch.Tensor) -> torch.Tensor:
        """The error of each image uint8 [N, C, H, W], float32 [N], a mean over its pixels."""
        import torch

        from digitlab.training.loss import answer_errors

        answers = torch.from_numpy(self.reconstruct(images))
        return answer_errors(answers, images, self.config)

    def _saved(
        self, kind: str, split: str, dataset: Dataset | str | None
    ) -> tuple[np.ndarray, np.ndarray] | None:
        own = dataset is None or (isinstance(dataset, str) and dataset == self.record.dataset)
        return run_folder.read_answers(self.id, split, kind) if own else None

    def _images(self, split: str, dataset: Dataset | str | None) -> Split:
        if isinstance(dataset, str) and dataset == self.record.dataset:
            dataset = None
        if isinstance(dataset, str):
            dataset = load_dataset(dataset)
        data = self.load_data() if dataset is None else dataset
        self.check_fits(data)
        part = data.split(split)
        if not len(part):
            raise RunError(
                f"{data.name} has no {split} split to evaluate run {self.id} on.", run_id=self.id
            )
        return part

    def check_fits(self, data: Dataset) -> None:
        """RunError unless the network can be measured on `data`: same classes, same image size."""
        if data.classes != self.classes and self.task == "classify":
            raise RunError(
                f"Run {self.id} tells apart {_listed(self.classes)}; {data.name} has "
                f"{_listed(data.classes)}. Choose a dataset with the same classes.",
                run_id=self.id,
            )
        if data.input_shape != tuple(self.spec.input):
            raise RunError(
                f"Run {self.id} reads images of the shape {list(self.spec.input)}; those of "
                f"{data.name} are {list(data.input_shape)}.",
                run_id=self.id,
            )

    def load_data(self) -> Dataset:
        """The run's dataset, split as it was in training.

        Raises DatasetError where it is not here, or is not the data that the run was made with.
        """
        split = self.record.split
        with owners.acting_in(self.record.owner):  # whose dataset of this name it is
            loaded = load_dataset(
                split.name, val_fraction=split.val_fraction, seed=split.split_seed
            )
        self.check_data(loaded)
        return self.config.take_subset(loaded)

    def check_data(self, data: Dataset) -> None:
        """DatasetError unless `data` is what the run was trained and measured on."""
        made_with = self.record.data.fingerprint
        if made_with and data.fingerprint != made_with:
            raise DatasetError(
                f"The {data.name} of this machine is not the data that run {self.id} was made "
                "with: a subset, or other files. Its saved results still hold.",
                name=data.name,
            )

    def matches(self, search: str) -> bool:
        """Whether each word of `search` is in the run's id, name, model or dataset."""
        fields = (self.id, self.record.name, self.record.model, self.record.dataset)
        return all(word in " ".join(fields).lower() for word in search.lower().split())

    def __repr__(self) -> str:
        accuracy, error = self.record.test_accuracy, self.record.test_loss
        reached = "" if accuracy is None else f", test accuracy {percent(accuracy)}"
        reached += " (claimed)" * (self.record.claimed and accuracy is not None)
        if self.task == "reconstruct" and error is not None:
            reached = f", test error {error:.4f}"
        return f"Run({self.id!r}: {self.record.model} on {self.record.dataset}, " + (
            f"{self.record.status}{reached})"
        )


def _listed(classes: tuple[str, ...]) -> str:
    shown = ", ".join(classes[:4])
    return shown if len(classes) <= 4 else f"{shown} … ({len(classes)} classes)"


def _as_tensor(images: Any, run_id: str) -> torch.Tensor:
    import numpy as np
    import torch

    try:
        if isinstance(images, np.ndarray):  # flipped and read-only arrays, which torch refuses
            images = np.require(images, requirements=["C", "W"])
        return torch.as_tensor(images)
    except (TypeError, ValueError, RuntimeError) as e:
        raise RunError(
            f"Run {run_id} reads an array or tensor of images; not {type(images).__name__}.",
            run_id=run_id,
        ) from e


def open_run(run_id: str) -> Run:
    """The run of that id, of an id that begins so, or `latest`.

    Raises RunNotFoundError where there is none, and where the beginning fits several.
    """
    return Run(find_record(run_id))


def list_runs(*, bundled: bool = True, limit: int | None = None, search: str = "") -> list[Run]:
    """Own runs, newest first and at most `limit`, then the bundled ones; of all that match."""
    runs = [Run(record) for record in store.list_records(limit=limit, search=search)]
    return runs + ([run for run in list_bundled() if run.matches(search)] if bundled else [])


def list_runs_on(dataset: str) -> list[Run]:
    """Own runs that were made with an own dataset, under its present or a former name."""
    names = {dataset, *former_names(dataset)}
    return [run for run in list_runs(bundled=False) if run.record.dataset in names]


def list_bundled() -> list[Run]:
    """The runs that come with digitlab."""
    return [Run(read_bundled(folder)) for folder in bundled_folders()]
