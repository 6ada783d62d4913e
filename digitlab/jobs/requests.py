"""What pages ask compute processes: functions of plain values, in a module that loads torch.

Pages name them by `compute.requests`. The result of each names no class of a module that loads
torch: the server would load it to unpack the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from digitlab import owners
from digitlab.analysis import (
    activations,
    attribution,
    embedding,
    features,
    label_issues,
    mean_image,
    novelty,
    robustness,
    submission,
    writers,
)
from digitlab.analysis.embedding import Hidden
from digitlab.analysis.features import Features, Neighbour
from digitlab.analysis.latent import LatentSpace
from digitlab.analysis.layer_outputs import FirstWeights, LayerOutput
from digitlab.analysis.submission import Answers
from digitlab.analysis.writers import WriterResult
from digitlab.data import own, statistics
from digitlab.data.dataset import Dataset, Split
from digitlab.data.info import DatasetInfo
from digitlab.data.load import load_dataset
from digitlab.data.own import Change
from digitlab.data.registry import files_stamp
from digitlab.data.statistics import PixelStatistics
from digitlab.errors import NetworkFileError, SpecError
from digitlab.evaluation.label_issues import LabelIssues
from digitlab.evaluation.metrics import Evaluation, evaluate_logits
from digitlab.evaluation.reconstruction import Reconstruction, Separation
from digitlab.execution import finetune, prepare
from digitlab.execution.prepare import plan as plan
from digitlab.exports import kept_graph
from digitlab.imports.contents import read_contents
from digitlab.imports.import_network import (
    Trial,
    doubts,
    explain_choice,
    keep_network,
    try_forms,
)
from digitlab.imports.network import TrainedNetwork
from digitlab.imports.read import network_in
from digitlab.jobs.message import DataKey, Form, Latent, NetworkPreview
from digitlab.models.build import check_fits
from digitlab.models.build import summarize as summarize
from digitlab.models.operations import OPERATIONS
from digitlab.models.paste import read as pasted
from digitlab.models.paste.notebook import code_of
from digitlab.models.paste.reading import CodeReading
from digitlab.models.repair import suggest_fix as suggest_fix
from digitlab.models.signatures import find_signature as find_signature
from digitlab.models.signatures import fresh_layer as fresh_layer
from digitlab.models.signatures import list_kinds as list_kinds
from digitlab.models.spec import ModelSpec
from digitlab.runs.experiment import Experiment
from digitlab.runs.record import RunRecord
from digitlab.runs.run import Run, open_run
from digitlab.training import preview as previews
from digitlab.training.config import Augmentation
from digitlab.training.ensemble import combine_logits
from digitlab.training.probe import probe_speed as probe_speed

_DATASETS, _RUNS = 3, 4  # that a process holds

# ---- datasets -----------------------------------------------------------------------------------


def load(key: DataKey) -> Dataset:
    """The dataset in tensors, read once while its files stay."""
    return _load(key, files_stamp(key.name))


@lru_cache(maxsize=_DATASETS)
def _load(key: DataKey, stamp: object) -> Dataset:
    return load_dataset(key.name, val_fraction=key.val_fraction, seed=key.seed)


def load_arrays(key: DataKey) -> Dataset:
    """The dataset in arrays, for a process that only shows images."""
    return load(key).as_arrays()


def of_dataset(function: Callable[..., Any], key: DataKey, *arguments: Any, **settings: Any) -> Any:
    """`function(dataset, *arguments, **settings)`, of the dataset in tensors."""
    return function(load(key), *arguments, **settings)


def pixel_statistics(key: DataKey, split: str) -> PixelStatistics:
    """Histogram, mean and deviation of a split's pixels."""
    return statistics.pixel_statistics(load(key).split(split).images)


def class_images(key: DataKey, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean image and deviation of each class."""
    data = load(key)
    return statistics.class_images(data.split(split), len(data.classes))


def overlay(key: DataKey, split: str, label: int, count: int) -> np.ndarray:
    """So many images of a class laid over each other."""
    return statistics.overlay(load(key).split(split), label, count)


def preview(
    key: DataKey, recipe: Augmentation, seed: int, count: int
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Training images before and after augmentation, and their labels."""
    return previews.preview(load(key).train, recipe, seed, count)


def add_version(key: DataKey, name: str, changes: Sequence[Change]) -> DatasetInfo:
    """Keep the dataset with some changes as another one."""
    return own.add_version(name, load(key), changes)


# ---- architectures ------------------------------------------------------------------------------


def find_misfit(
    spec: ModelSpec, shape: Sequence[int], classes: int | None, batch_size: int
) -> SpecError | None:
    """Why `check_fits` refuses the architecture; None where it does not."""
    try:
        check_fits(spec, shape, classes, batch_size=batch_size)
    except SpecError as e:
        return e
    return None


def count_sources(name: str) -> int:
    """How many layers an operation of that name reads at least; 1 for any other layer."""
    operation = OPERATIONS.get(name)
    return operation.least if operation else 1


def read_code(text: str, model: str | None) -> tuple[CodeReading | SpecError, str]:
    """The architecture in a pasted text, or why there is none; and the text's code."""
    try:
        return pasted.read_code(text, model=model), code_of(text)
    except SpecError as e:
        return e, code_of(text)


# ---- runs ---------------------------------------------------------------------------------------


def load_run(run_id: str) -> Run:
    """The run with its network, which is read once."""
    run = open_run(run_id)  # in any case: a visitor may not see every run
    return _load_run(run.id, run.record.ended)


@lru_cache(maxsize=_RUNS)
def _load_run(run_id: str, ended: float | None) -> Run:
    run = open_run(run_id)
    run.model  # noqa: B018 - loads the weights
    return run


def own_data(run: Run) -> Dataset:
    """The dataset that a run was made with, split and cut as it was then, in tensors."""
    split = run.record.split
    with owners.acting_in(run.record.owner):  # whose dataset of this name it is
        loaded = load(DataKey(split.name, split.val_fraction, split.split_seed))
    run.check_data(loaded)
    return run.config.take_subset(loaded)


def evaluate_writers(run_id: str) -> list[WriterResult]:
    """How well a run reads each writer."""
    return writers.evaluate_writers(load_run(run_id))


def keep_graph(run_id: str) -> bool:
    """Write the run's graph, by which a server without torch reads; whether there is one."""
    return kept_graph.keep_graph(load_run(run_id))


def predict_logits(run_id: str, images: np.ndarray) -> np.ndarray:
    """Images uint8 [N, C, H, W] → logits float32 [N, C]."""
    return load_run(run_id).predict_logits(images).numpy()


def reconstruct(run_id: str, images: np.ndarray) -> np.ndarray:
    """What an autoencoder makes of images uint8 [N, C, H, W], float32 from 0 to 1."""
    return load_run(run_id).reconstruct(images)


def predict_part(run_id: str, first: int, count: int) -> np.ndarray:
    """The logits of so many training images of the run's own."""
    run = load_run(run_id)
    return run.predict_logits(own_data(run).train.images[first : first + count]).numpy()


def evaluate(run_id: str, split: str, data: DataKey | Dataset | None) -> Evaluation:
    """A run's metrics on a split of its own data, of a dataset, or of images in arrays."""
    return load_run(run_id).evaluate(split, _tensors(data))


def measure_reconstruction(
    run_id: str, split: str, data: DataKey | Dataset | None
) -> Reconstruction:
    """An autoencoder's errors, as `evaluate`."""
    return load_run(run_id).measure_reconstruction(split, _tensors(data))


Images = DataKey | Any  # of the run's own data (None), of a dataset, or a Dataset in arrays


def _images(run: Run, split: str, data: Images) -> Split:
    return (own_data(run) if data is None else _tensors(data)).split(split)


def usable_methods(run_id: str) -> dict[str, str]:
    """The attribution methods that work for the network, with their titles."""
    run = load_run(run_id)
    names = attribution.fitting_methods(run.model, tuple(run.spec.input))
    return {name: attribution.METHODS[name] for name in names}


def attribute(run_id: str, image: np.ndarray, label: int, method: str) -> np.ndarray:
    """Which pixels of an image uint8 [C, H, W] count for the class, float32."""
    run = load_run(run_id)
    pixels = _as_tensor(image)
    return attribution.attribute(run.model, pixels, label, method, run.normalization).numpy()


def first_weights(run_id: str) -> FirstWeights | None:
    """The first layer's weights as pictures, in arrays."""
    run = load_run(run_id)
    weights = activations.first_weights(run.model, tuple(run.spec.input))
    return replace(weights, values=weights.values.numpy()) if weights else None


def list_outputs(run_id: str) -> tuple[LayerOutput, ...]:
    """The layers whose output can be looked at."""
    run = load_run(run_id)
    return activations.list_outputs(run.model, tuple(run.spec.input))


def layer_maps(run_id: str, image: np.ndarray, layer: str) -> np.ndarray:
    """What a layer makes of an image uint8 [C, H, W]: float32 [K, h, w]."""
    run = load_run(run_id)
    pixels = _as_tensor(image)
    return activations.layer_maps(run.model, pixels, run.normalization, layer).numpy()


def hidden_sample(run_id: str, split: str, data: Images) -> Hidden:
    """The last hidden activations of a sample of images."""
    run = load_run(run_id)
    return embedding.hidden_sample(run, _images(run, split, data), keep=data is None)


def embed(run_id: str, split: str, data: Images, method: str) -> np.ndarray:
    """The images of `hidden_sample` as points float32 [M, 2]."""
    run = load_run(run_id)
    return embedding.embed(run, _images(run, split, data), method, keep=data is None)


def compute_features(run_id: str, on_progress: Callable[[int, int], None] | None = None) -> None:
    """Compute and keep what the run's training images are compared by."""
    run = load_run(run_id)
    features.compute_features(run, own_data(run).train, on_progress)


def nearest(
    run_id: str, image: np.ndarray, count: int, metric: Any, exclude: int | None
) -> tuple[list[Neighbour], int, int]:
    """The nearest training images, among how many, of how many."""
    run = load_run(run_id)
    table = _features(run.id, features.features_path(run).stat().st_mtime_ns)
    neighbours = features.nearest(run, table, _as_tensor(image), count, metric, exclude=exclude)
    return neighbours, len(table.positions), table.total


@lru_cache(maxsize=2)
def _features(run_id: str, changed: int) -> Features:
    return features.read_features(open_run(run_id))


def find_train_label_issues(
    run_id: str,
    split: str,
    data: Images,
    basis: str,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> LabelIssues:
    """The training images whose labels are most probably wrong; kept with the run."""
    run = load_run(run_id)
    return label_issues.find_train_label_issues(run, _images(run, split, data), basis, on_progress)


def answer_file(run_id: str, content: bytes, file: str) -> Answers:
    """What a run answers for a file of images without labels."""
    return submission.answer_file(load_run(run_id), content, file)


def corrupted_samples(run_id: str, seed: int) -> dict[str, np.ndarray]:
    """Test images of the run's own at each severity of each corruption."""
    return robustness.corrupted_samples(own_data(load_run(run_id)).test, seed)


def attack_example(
    run_id: str, position: int, label: int, seed: int
) -> dict[str, robustness.AttackedImage]:
    """The test image of that position in the run's own data, which has that label, under attack."""
    run = load_run(run_id)
    return robustness.attack_example(run, own_data(run).test.images[position], label, seed=seed)


def combine(
    logits: Sequence[np.ndarray], labels: np.ndarray, classes: Sequence[str], how: str
) -> Evaluation:
    """The metrics of runs that answer together, by their logits float32 [N, C] of each."""
    together = combine_logits(torch.stack([torch.as_tensor(each) for each in logits]), how)
    return evaluate_logits(together.numpy(), labels, classes)


# ---- autoencoders -------------------------------------------------------------------------------


def describe_latent(run_id: str) -> Latent:
    """The run's latent space in words and numbers."""
    space = _latent(load_run(run_id))
    return Latent(space.layer, space.size, space.is_normal, space.decodes)


def encode(run_id: str, images: np.ndarray) -> np.ndarray:
    """Latent values float32 [N, size] of images uint8 [N, C, H, W]."""
    return _latent(load_run(run_id)).encode(images)


def decode(run_id: str, values: np.ndarray) -> np.ndarray:
    """Images float32 [N, C, H, W] from latent values."""
    return _latent(load_run(run_id)).decode(values)


@lru_cache(maxsize=2)
def _latent(run: Run) -> LatentSpace:
    return LatentSpace(run)


def find_novel(
    run_id: str, errors: np.ndarray, split: str, data: Images
) -> Mapping[str, tuple[np.ndarray, np.ndarray, Separation]]:
    """How well images of other kinds stand out by their errors, from those of these images."""
    run = load_run(run_id)
    return novelty.find_novel(run, errors, _images(run, split, data).images)


def share_learnt(run_id: str, split: str, result: Reconstruction) -> float:
    """How far an autoencoder is from the mean image's error to the least possible one."""
    run = load_run(run_id)
    data = own_data(run)
    images = data.split(split).images
    return mean_image.share_learnt(result, images, data.train.images, run.config)


def _as_tensor(image: np.ndarray) -> torch.Tensor:
    return torch.as_tensor(image.copy())


def _tensors(data: DataKey | Dataset | None) -> Dataset | None:
    if data is None:
        return None
    return load(data) if isinstance(data, DataKey) else data.as_tensors()


# ---- networks from outside ----------------------------------------------------------------------


def preview_network(
    content: bytes, file: str, spec: ModelSpec, key: DataKey, partial: bool
) -> NetworkPreview:
    """What the file of a trained network holds; weights alone are fitted to `spec`.

    Raises NetworkFileError, SpecError and DatasetError as `imports` does.
    """
    network, trials = _read_network(content, file, spec.to_json(), key, partial)
    return NetworkPreview(
        network.spec,
        network.title,
        network.digest,
        network.notes,
        network.fit,
        sum(value.numel() for value in network.weights.values()),
        [Form(trial.form.describe(), trial.accuracy, trial.images) for trial in trials],
        explain_choice(trials),
        doubts(trials),
    )


@lru_cache(maxsize=1)
def _read_network(
    content: bytes, file: str, spec: str, key: DataKey, partial: bool
) -> tuple[TrainedNetwork, list[Trial]]:
    contents = read_contents(content, file)
    try:
        network = network_in(contents)
    except NetworkFileError as e:
        if not e.needs_architecture:
            raise
        network = network_in(contents, ModelSpec.from_json(spec), partial=partial)
    return network, try_forms(network, load(key))


def import_network(
    content: bytes,
    file: str,
    spec: ModelSpec,
    key: DataKey,
    partial: bool,
    form: int,
    name: str,
) -> RunRecord:
    """Make a run of what `preview_network` read, fed by the form of that index."""
    network, trials = _read_network(content, file, spec.to_json(), key, partial)
    named = replace(network, spec=network.spec.renamed(name.strip()[:100] or "Imported"))
    return keep_network(named, load(key), trials[form].form, name=name, trials=trials).record


# ---- experiments --------------------------------------------------------------------------------


def plan_finetuning(run_id: str, collection: str, base: str) -> Experiment:
    """The experiment of a run that learns the drawings of a collection, too."""
    return finetune.plan_finetuning(open_run(run_id), collection, base)


def make_record(experiment: Experiment, **values: Any) -> RunRecord:
    """The record of a run that is to wait for a worker, with further `values`."""
    return prepare.make_record(experiment, status="queued", executor="process", **values)
