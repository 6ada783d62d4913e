"""What the app caches for all visitors. Cached objects are shared and must not be changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab import owners
from digitlab.data import statistics
from digitlab.data.info import SPLIT_SEED, SPLITS, VAL_FRACTION
from digitlab.data.registry import files_stamp, find_dataset
from digitlab.errors import DatasetError, SpecError
from digitlab.evaluation.comparison import with_elapsed
from digitlab.evaluation.metrics import evaluate_logits
from digitlab.jobs.compute import has_processes, requests
from digitlab.jobs.message import DataKey
from digitlab.jobs.run_proxy import RunProxy
from digitlab.models.load import known_recipe
from digitlab.runs import run_folder
from digitlab.runs.graph import find_graph
from digitlab.runs.run import Run
from digitlab.settings import read_settings
from digitlab.training.config import TrainConfig
from digitlab.ui.compute import compute

if TYPE_CHECKING:
    import numpy as np

    from digitlab.data.dataset import Dataset
    from digitlab.data.statistics import PixelStatistics
    from digitlab.evaluation.metrics import Evaluation
    from digitlab.evaluation.reconstruction import Reconstruction
    from digitlab.models.arguments import LayerSignature
    from digitlab.models.spec import ModelSpec
    from digitlab.models.summary import ModelSummary
    from digitlab.training.speed import Probe


MAX_READERS = 12  # networks that one visitor may read with at once


def data_stamp(name: str) -> tuple[tuple[str, ...], float] | None:
    """A value that changes with the dataset's files, and tells visitors' datasets of one name
    apart; None for an unknown dataset.
    """
    try:
        return files_stamp(name)
    except DatasetError:
        return None


def _dataset_key(data: Dataset) -> tuple[object, ...]:
    return data.name, data.val_fraction, data.split_seed, len(data.train), data_stamp(data.name)


# How Streamlit tells arguments apart. Two of the types are named, not imported: importing Dataset
# would load torch.
_MODEL_SPEC, _DATASET = "digitlab.models.spec.ModelSpec", "digitlab.data.dataset.Dataset"
_KEYS = {
    Run: lambda run: (run.id, run.record.ended),  # a run that has ended does not change
    _MODEL_SPEC: lambda spec: spec.to_json(),
    _DATASET: _dataset_key,
}


def dataset(name: str, val_fraction: float = VAL_FRACTION, seed: int = SPLIT_SEED) -> Dataset:
    """A loaded dataset, in arrays; loaded again when its files change."""
    return _dataset(DataKey(find_dataset(name).name, val_fraction, seed), data_stamp(name))


@st.cache_resource(max_entries=3, show_spinner="Reading the dataset …")
def _dataset(key: DataKey, stamp: object) -> Dataset:
    return compute(requests.load_arrays, key)


def data_key(data: Dataset) -> DataKey:
    """By which compute processes find a dataset that was loaded here."""
    return DataKey(data.name, data.val_fraction, data.split_seed)


@st.cache_data(max_entries=24, show_spinner=False, hash_funcs=_KEYS)
def pixel_statistics(data: Dataset, split: str) -> PixelStatistics:
    """Histogram, mean and deviation of a split's pixels."""
    return compute(requests.pixel_statistics, data_key(data), split)


@st.cache_data(max_entries=24, show_spinner="Averaging the images …", hash_funcs=_KEYS)
def class_images(data: Dataset, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean image and deviation per class."""
    return compute(requests.class_images, data_key(data), split)


@st.cache_data(max_entries=24, show_spinner=False, hash_funcs=_KEYS)
def class_counts(data: Dataset) -> dict[str, list[int]]:
    """Images per class in each split."""
    classes = len(data.classes)
    return {part: statistics.class_counts(data.split(part), classes).tolist() for part in SPLITS}


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=_KEYS)
def summarize(spec: ModelSpec) -> ModelSummary:
    """Layers, shapes and parameters of an architecture; raises SpecError."""
    return compute(requests.summarize, spec)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=_KEYS)
def suggest_fix(spec: ModelSpec, _error: SpecError, classes: int) -> tuple[str, ModelSpec] | None:
    """A repair of an architecture, of which `_error` is the error: its label and the result."""
    return compute(requests.suggest_fix, spec, _error, classes=classes)


def find_misfit(
    spec: ModelSpec, shape: tuple[int, ...], classes: int | None, batch_size: int
) -> SpecError | None:
    """Why the architecture cannot learn from such images and classes; None where it can."""
    return compute(requests.find_misfit, spec, shape, classes, batch_size)


@st.cache_data(show_spinner=False)
def list_kinds() -> tuple[tuple[str, str], ...]:
    """The name and kind of everything that may be added to a list of layers."""
    return compute(requests.list_kinds)


@st.cache_resource(show_spinner=False)
def find_signature(name: str) -> LayerSignature | None:
    """What a layer takes; None for an unknown name."""
    return compute(requests.find_signature, name)


_WITHOUT_NAME = {_MODEL_SPEC: lambda spec: spec.fingerprint}


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs=_WITHOUT_NAME)
def speed(spec: ModelSpec, batch_size: int) -> Probe:
    """How fast an architecture trains on this machine in batches of that size; measured once."""
    config = TrainConfig(batch_size=batch_size, **known_recipe(spec))
    return compute(requests.probe_speed, spec, config)


@st.cache_resource(
    max_entries=2 * MAX_READERS, show_spinner="Loading the network …", hash_funcs=_KEYS
)
def reader(run: Run) -> Run:
    """The run, ready to predict: with its network loaded, or a graph that answers without torch."""
    run = Run(run.record)
    if find_graph(run):
        return run
    if has_processes():
        return run if compute(requests.keep_graph, run.id) else RunProxy(run.record)
    import torch

    # A visitor's prediction is small: more threads would only compete with those of others.
    torch.set_num_threads(read_settings().threads)
    run.model  # noqa: B018 - loads the weights once, for everybody
    return run


def evaluation(run: Run, split: str, dataset_name: str | None = None) -> Evaluation:
    """A run's metrics on a split of its own dataset, or of another dataset by name."""
    if split == "train" and dataset_name is None:  # these predictions are not saved
        return _train_evaluation(run, _train_logits(run))
    return _evaluation(run, split, dataset_name, data_stamp(dataset_name) if dataset_name else None)


@st.cache_resource(max_entries=48, show_spinner="Computing the metrics …", hash_funcs=_KEYS)
def _evaluation(run: Run, split: str, dataset_name: str | None, stamp: object) -> Evaluation:
    if dataset_name is None and run_folder.read_answers(run.id, split):
        return run.evaluate(split)
    return compute(requests.evaluate, run.id, split, _key(dataset_name))


def _key(dataset_name: str | None) -> DataKey | None:
    return DataKey(find_dataset(dataset_name).name) if dataset_name else None


def reconstruction(run: Run, split: str, dataset_name: str | None = None) -> Reconstruction:
    """An autoencoder's errors on a split of its own dataset, or of another dataset by name."""
    stamp = data_stamp(dataset_name) if dataset_name else None
    return _reconstruction(run, split, dataset_name, stamp)


@st.cache_resource(max_entries=24, show_spinner="Reconstructing the images …", hash_funcs=_KEYS)
def _reconstruction(
    run: Run, split: str, dataset_name: str | None, stamp: object
) -> Reconstruction:
    if dataset_name is None and run_folder.read_answers(run.id, split, "errors"):
        return run.measure_reconstruction(split)
    return compute(requests.measure_reconstruction, run.id, split, _key(dataset_name))


_PART = 3_000  # training images between two updates of the progress bar
_BAR_AFTER = 0.3  # seconds


def _train_logits(run: Run) -> list[np.ndarray]:
    """A run's logits of its training images, in parts, with a progress bar if that takes long."""
    count = len(own_dataset(run).train)
    began, bar, parts = time.monotonic(), None, []
    for first in range(0, count, _PART):
        parts.append(_part_logits(run, first))
        done = min(first + _PART, count)
        if bar or time.monotonic() - began > _BAR_AFTER:
            text = f"Reading the training images: {done:,} of {count:,}"
            bar = bar.progress(done / count, text) if bar else st.progress(done / count, text)
    if bar:
        bar.empty()
    return parts


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=_KEYS)
def _part_logits(run: Run, first: int) -> np.ndarray:
    return compute(requests.predict_part, run.id, first, _PART)


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs=_KEYS)
def _train_evaluation(run: Run, _parts: list[np.ndarray]) -> Evaluation:
    import numpy as np

    if not _parts:
        return compute(requests.evaluate, run.id, "train", None)  # which raises the reason
    return evaluate_logits(np.concatenate(_parts), own_dataset(run).train.labels, run.classes)


def _own_dataset_key(run: Run) -> tuple[object, ...]:
    return run.id, run.record.ended, data_stamp(run.record.dataset)


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs={Run: _own_dataset_key})
def own_dataset(run: Run) -> Dataset:
    """A run's dataset, with the splits that it was trained and evaluated on.

    Raises DatasetError if the dataset is missing or has changed.
    """
    split = run.record.split
    with owners.acting_in(run.record.owner):  # whose dataset of this name it is
        loaded = dataset(split.name, split.val_fraction, split.split_seed)
    run.check_data(loaded)
    return run.config.take_subset(loaded)


@st.cache_resource(max_entries=8, show_spinner="Reading the uploaded images …", hash_funcs=_KEYS)
def upload_evaluation(run: Run, digest: str, _images: Dataset) -> Evaluation:
    """A run's metrics on uploaded images of this digest."""
    return compute(requests.evaluate, run.id, "test", _images)


def of_evaluation(measure: Callable[..., Any], key: object, *results: Any, **settings: Any) -> Any:
    """The cached value of `measure(*results, **settings)`; `key` identifies `results`."""
    return _of_evaluation(measure.__name__, key, tuple(settings.items()), measure, results)


@st.cache_resource(max_entries=64, show_spinner=False)
def _of_evaluation(name: str, key: object, settings: tuple, _measure: Any, _results: tuple) -> Any:
    return _measure(*_results, **dict(settings))


def of_run(request: Callable[..., Any], run: Run, *arguments: Any, key: object = None) -> Any:
    """The cached answer to `request(run.id, *arguments)` of a compute process.

    `key` identifies the arguments where they do not do so themselves.
    """
    return computed(request, (run.id, run.record.ended, key or arguments), run.id, *arguments)


def computed(request: Callable[..., Any], key: object, *arguments: Any) -> Any:
    """The cached answer to `request(*arguments)` of a compute process; `key` identifies them."""
    return _computed((request.__name__, key), request, arguments)


@st.cache_resource(max_entries=96, show_spinner=False)
def _computed(known: tuple[Any, ...], _request: Any, _arguments: Any) -> Any:
    return compute(_request, *_arguments)


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs=_KEYS)
def epochs(run: Run) -> list[dict[str, Any]]:
    """The epochs of a run that has ended, each with the seconds trained up to its end."""
    return with_elapsed(run.history.epochs)


@st.cache_data(max_entries=24, show_spinner=False, hash_funcs=_KEYS)
def overlay_figure(data: Dataset, split: str, label: int, count: int) -> Any:
    """`count` images of a class laid over each other, as a figure."""
    from digitlab.figures.data import image_heatmap

    title = f"{count:,} images of {data.classes[label]}"
    overlaid = compute(requests.overlay, data_key(data), split, label, count)
    return image_heatmap(overlaid, title, "share of images with ink")
