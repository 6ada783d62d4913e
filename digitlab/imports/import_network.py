"""`import_network`: a trained network from outside becomes a run, measured like every other."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from digitlab import files, owners
from digitlab.data.load import load_dataset
from digitlab.data.statistics import pixel_statistics
from digitlab.errors import RunError, StoreError
from digitlab.imports.inputs import (
    SCALINGS,
    InputForm,
    parse_scaling,
    usual_forms,
    with_front,
)
from digitlab.imports.network import TrainedNetwork
from digitlab.imports.read import read_network
from digitlab.models.build import check_fits, summarize
from digitlab.runs import run_folder, store
from digitlab.runs.disk import check_disk
from digitlab.runs.experiment import divide
from digitlab.runs.record import RunData, RunRecord, new_run_id
from digitlab.runs.run import Run
from digitlab.training.config import Normalize
from digitlab.training.normalize import Normalization
from digitlab.training.predict import predict_splits
from digitlab.training.validation import loss_and_accuracy
from digitlab.words import percent

if TYPE_CHECKING:
    import torch
    from torch import nn

    from digitlab.data.dataset import Dataset
    from digitlab.models.spec import ModelSpec

IMPORTED = "imported"
IMAGES = 500  # on which the ways to feed a network are compared
_AT_ONCE = 200
_ALIKE = 0.01  # accuracies nearer than this may differ by chance: then the loss decides
_UNSURE = 0.5  # accuracy under which no way seems to be the right one


@dataclass(frozen=True)
class Trial:
    """A way to feed a network, and its accuracy (0 to 1) and loss (nats) on some images so."""

    form: InputForm
    accuracy: float
    loss: float
    images: int


def import_network(
    file: str | Path | bytes | BinaryIO,
    model: str | Path | ModelSpec | nn.Module | None = None,
    data: str | Dataset = "mnist",
    *,
    normalization: str | tuple[float, float] | None = None,
    inverted: bool | None = None,
    transposed: bool | None = None,
    name: str = "",
    partial: bool = False,
    on_trials: Callable[[list[Trial]], None] | None = None,
) -> Run:
    """Add a network that was trained elsewhere as a run of `data`, and return it.

    `file` is a path, a file's bytes or an opened file: ONNX, Keras (.keras, .h5), or a state dict
    (.pt, .pth, .safetensors, .weights.h5), which needs the `model` that it is of (a preset's name,
    a file, a ModelSpec, your nn.Module); with `partial` also where not all of them fit. How the
    network wants its images is tried: the usual ways are compared on some training images, the best
    is taken, and `on_trials` is called with all (without it a warning says where none reads the
    images). What is known may be stated: `normalization` ("none", "half", "mnist", "255", or mean
    and deviation of pixels from 0 to 1), `inverted` (dark ink on white), `transposed` (rows and
    columns swapped). Nothing in the file is executed. Raises NetworkFileError for a file that
    cannot be read, is not safe or does not fit, SpecError for an architecture that does not fit the
    data or the limits, DatasetError.
    """
    network = read_network(file, model, partial=partial)
    dataset = load_dataset(data) if isinstance(data, str) else data
    trials = try_forms(
        network, dataset, normalization=normalization, inverted=inverted, transposed=transposed
    )
    if on_trials:
        on_trials(trials)
    else:
        for doubt in doubts(trials):
            warnings.warn(doubt, stacklevel=2)
    return keep_network(network, dataset, trials[0].form, name=name, trials=trials)


def try_forms(
    network: TrainedNetwork,
    data: Dataset,
    *,
    normalization: str | tuple[float, float] | None = None,
    inverted: bool | None = None,
    transposed: bool | None = None,
) -> list[Trial]:
    """The accuracy of the usual ways to feed the network, the most likely one first.

    They are tried on training images: what a network was trained on it knows best, so that the
    way of its training stands out. What is stated is not tried otherwise. Raises
    SpecError where the network is not one for the data's classes or is over a limit.
    """
    spec, shape = network.spec, data.input_shape
    check_fits(spec, spec.input, len(data.classes))
    model = network.build()
    scalings = _scalings(network, data, normalization)
    forms = usual_forms(shape, spec.input, scalings, inverted=inverted, transposed=transposed)
    pixels, labels = data.train.images[:IMAGES], data.train.labels[:IMAGES]
    trials = [
        Trial(form, *_measure(network, model, form, pixels, labels), len(labels)) for form in forms
    ]
    enough = max(trial.accuracy for trial in trials) - _ALIKE
    return sorted(
        trials,
        key=lambda trial: (trial.accuracy < enough,
                           trial.loss if trial.accuracy >= enough else -trial.accuracy),
    )  # fmt: skip


def _scalings(
    network: TrainedNetwork, data: Dataset, stated: str | tuple[float, float] | None
) -> list[tuple[float, float]]:
    """What is stated, or else what the file says, or else the usual ones and the dataset's own."""
    if stated is not None:
        return [parse_scaling(stated) if isinstance(stated, str) else stated]
    if network.normalization:
        return [network.normalization]
    own = pixel_statistics(data.train.images)
    return [*SCALINGS.values(), (own.mean, max(own.std, 1e-6))]


def _measure(
    network: TrainedNetwork,
    model: torch.nn.Module,
    form: InputForm,
    images: torch.Tensor,
    labels: torch.Tensor,
) -> tuple[float, float]:
    """Accuracy and loss on images that are fed by `form`."""
    import torch

    with torch.inference_mode():
        inputs = (form.apply(part, network.spec.input) for part in images.split(_AT_ONCE))
        outputs = torch.cat([model(part).float() for part in inputs])
        loss, accuracy = loss_and_accuracy(outputs, labels, network.config)
    return accuracy, loss


def keep_network(
    network: TrainedNetwork,
    data: Dataset,
    form: InputForm,
    *,
    name: str = "",
    trials: Sequence[Trial] = (),
) -> Run:
    """Store the network as a run of `data` that is fed by `form`; see `import_network`."""
    front = form.front(data.input_shape, network.spec.input)
    spec, weights = with_front(network.spec, network.weights, front, data.input_shape)
    check_fits(spec, data.input_shape, len(data.classes))
    network = replace(network, spec=spec, weights=weights)
    model = network.build()
    tensors, columns = predict_splits(
        model, data, Normalization(form.mean, form.std), network.config
    )
    record = _record(network, data, form, name, trials).changed(**columns)
    store.find_ids(record.id)  # a store that is new reads the folders that are there: not this one
    folder = run_folder.run_folder(record.id)
    check_disk(sum(tensor.nbytes for tensor in network.weights.values()))
    try:
        files.write_tensors(folder / run_folder.WEIGHTS, model.state_dict())
        files.write_tensors(folder / run_folder.PREDICTIONS, tensors)
        files.write_atomically(folder / run_folder.SPEC, spec.to_yaml())
        files.write_json(folder / run_folder.CONFIG, record.config)
        files.write_json(folder / run_folder.HISTORY, {"steps": [], "epochs": []})
        run_folder.write_record(record)
        store.add_run(record)
    except (StoreError, RunError):
        run_folder.remove_folder(record.id)
        raise
    return Run(store.get_record(record.id))


def _record(
    network: TrainedNetwork, data: Dataset, form: InputForm, name: str, trials: Sequence[Trial]
) -> RunRecord:
    spec, now = network.spec, time.time()
    config = network.config.changed(normalization=_nearest(form))
    split = divide(data, config)
    origin = {"id": "", "at": now, "file": network.source, "sha256": network.digest,
              "format": network.title}  # fmt: skip
    return RunRecord(
        id=new_run_id(spec.name),
        name=name.strip()[:120] or spec.name,
        model=spec.name,
        dataset=split.name,
        status="finished",
        executor="foreground",
        spec=spec.to_dict(),
        config=config.model_dump(),
        data=RunData(
            classes=list(split.classes),
            val_fraction=split.val_fraction,
            split_seed=split.split_seed,
            fingerprint=data.fingerprint,
            train_images=len(data.train),
            val_images=len(data.val),
            test_images=len(data.test),
            imported=origin,
        ),
        normalization={"mean": form.mean, "std": form.std},
        parameters=summarize(spec).parameters,
        created=now,
        started=now,
        ended=now,
        message=f"Trained elsewhere, imported from {network.source} ({network.title}); images as "
        f"{form.describe()}.",
        tags=[IMPORTED],
        owner=owners.new_owner(),
        notices=[*network.notes, *doubts(trials)],
    )


def _nearest(form: InputForm) -> Normalize:
    """The recipe's word for the scaling: of a new training of the same architecture."""
    if (form.mean, form.std) == (0.0, 1.0):
        return "none"
    return "half" if (form.mean, form.std) == (0.5, 0.5) else "dataset"


def explain_choice(trials: Sequence[Trial]) -> str:
    """Why the first of the trials is the most likely one, in a sentence."""
    first, best = trials[0], max(trials, key=lambda trial: trial.accuracy)
    if len(trials) == 1:
        return "The only way that agrees with what is known."
    if first.accuracy == best.accuracy:
        return f"The first reads the most of {first.images:,} training images right."
    return (
        f"The best reads {percent(best.accuracy)} of {best.images:,} training images right "
        f"({best.form.describe()}). Less than {100 * _ALIKE:.0f} percentage point may be chance: "
        "of the ways as near to it as that, the first has the smallest loss."
    )


def doubts(trials: Sequence[Trial]) -> list[str]:
    """What to say where no trial reads the images; empty otherwise."""
    best = max(trials, key=lambda trial: trial.accuracy, default=None)
    if best is None or best.accuracy >= _UNSURE:
        return []
    return [
        f"With no usual input scaling does this network recognize the images: the best has "
        f"{percent(best.accuracy)} on {best.images:,} of them. Perhaps it was trained on others, "
        "with other scaling, or its classes stand in another order."
    ]
