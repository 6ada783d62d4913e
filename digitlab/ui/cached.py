"""What the app caches for all visitors. Cached objects are shared and must not be changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.data.info import SPLIT_SEED, SPLITS, VAL_FRACTION
from digitlab.data.registry import find_dataset
from digitlab.errors import DatasetError, SpecError
from digitlab.evaluation.comparison import with_elapsed
from digitlab.evaluation.metrics import evaluate_logits
from digitlab.models.load import known_recipe
from digitlab.runs.run import Run
from digitlab.settings import read_settings
from digitlab.training.config import TrainConfig

if TYPE_CHECKING:
    import numpy as np
    import torch

    from digitlab.analysis.features import Features
    from digitlab.analysis.latent import LatentSpace
    from digitlab.data.dataset import Dataset
    from digitlab.data.statistics import PixelStatistics
    from digitlab.evaluation.metrics import Evaluation
    from digitlab.evaluation.reconstruction import Reconstruction
    from digitlab.models.spec import ModelSpec
    from digitlab.models.summary import ModelSummary
    from digitlab.training.probe import Probe


MAX_READERS = 12  # networks that one visitor may read with at once


def _stamp(name: str) -> tuple[str, float] | None:
    """A value that changes with the dataset's files; None for an unknown dataset."""
    root = read_settings().data
    try:
        files = [root / file for file in find_dataset(name).files]
    except DatasetError:
        return None
    times = [path.stat().st_mtime for path in files if path.is_file()]
    return str(root), max(times, default=0.0)


def _dataset_key(data: Dataset) -> tuple[object, ...]:
    return data.name, data.val_fraction, data.split_seed, len(data.train), _stamp(data.name)


# How Streamlit tells arguments apart. Two of the types are named, not imported: importing Dataset
# would load torch.
_MODEL_SPEC, _DATASET = "digitlab.models.spec.ModelSpec", "digitlab.data.dataset.Dataset"
_KEYS = {
    Run: lambda run: (run.id, run.record.ended),  # a run that has ended does not change
    _MODEL_SPEC: lambda spec: spec.to_json(),
    _DATASET: _dataset_key,
}


def dataset(name: str, val_fraction: float = VAL_FRACTION, seed: int = SPLIT_SEED) -> Dataset:
    """A loaded dataset; loaded again when its files change."""
    return _dataset(find_dataset(name).name, val_fraction, seed, _stamp(name))


@st.cache_resource(max_entries=3, show_spinner="Reading the dataset …")
def _dataset(name: str, val_fraction: float, seed: int, stamp: object) -> Dataset:
    from digitlab.data.load import load_dataset

    return load_dataset(name, val_fraction=val_fraction, seed=seed)


@st.cache_data(max_entries=24, show_spinner=False, hash_funcs=_KEYS)
def pixel_statistics(data: Dataset, split: str) -> PixelStatistics:
    """Histogram, mean and deviation of a split's pixels."""
    from digitlab.data import statistics

    return statistics.pixel_statistics(data.split(split).images)


@st.cache_data(max_entries=24, show_spinner="Averaging the images …", hash_funcs=_KEYS)
def class_images(data: Dataset, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean image and deviation per class."""
    from digitlab.data import statistics

    return statistics.class_images(data.split(split), len(data.classes))


@st.cache_data(max_entries=24, show_spinner=False, hash_funcs=_KEYS)
def class_counts(data: Dataset) -> dict[str, list[int]]:
    """Images per class in each split."""
    from digitlab.data import statistics

    classes = len(data.classes)
    return {part: statistics.class_counts(data.split(part), classes).tolist() for part in SPLITS}


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=_KEYS)
def summarize(spec: ModelSpec) -> ModelSummary:
    """Layers, shapes and parameters of an architecture; raises SpecError."""
    from digitlab.models.build import summarize

    return summarize(spec)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=_KEYS)
def suggest_fix(spec: ModelSpec, _error: SpecError, classes: int) -> tuple[str, ModelSpec] | None:
    """A repair of an architecture, of which `_error` is the error: its label and the result."""
    from digitlab.models.repair import suggest_fix

    return suggest_fix(spec, _error, classes=classes)


_WITHOUT_NAME = {_MODEL_SPEC: lambda spec: spec.fingerprint}


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs=_WITHOUT_NAME)
def speed(spec: ModelSpec, batch_size: int) -> Probe:
    """How fast an architecture trains on this machine in batches of that size; measured once."""
    from digitlab.training.probe import probe_speed

    return probe_speed(spec, TrainConfig(batch_size=batch_size, **known_recipe(spec)))


@st.cache_resource(
    max_entries=2 * MAX_READERS, show_spinner="Loading the network …", hash_funcs=_KEYS
)
def reader(run: Run) -> Run:
    """The run with its network loaded, ready to predict."""
    import torch

    # A visitor's prediction is small: more threads would only compete with those of others.
    torch.set_num_threads(read_settings().threads)
    run = Run(run.record)
    run.model  # noqa: B018 - loads the weights once, for everybody
    return run


def evaluation(run: Run, split: str, dataset_name: str | None = None) -> Evaluation:
    """A run's metrics on a split of its own dataset, or of another dataset by name."""
    if split == "train" and dataset_name is None:  # these predictions are not saved
        return _train_evaluation(run, _train_logits(run))
    return _evaluation(run, split, dataset_name, _stamp(dataset_name) if dataset_name else None)


@st.cache_resource(max_entries=48, show_spinner="Computing the metrics …", hash_funcs=_KEYS)
def _evaluation(run: Run, split: str, dataset_name: str | None, stamp: object) -> Evaluation:
    if dataset_name is not None:
        return reader(run).evaluate(split, dataset(dataset_name))
    return run.evaluate(split)


def reconstruction(run: Run, split: str, dataset_name: str | None = None) -> Reconstruction:
    """An autoencoder's errors on a split of its own dataset, or of another dataset by name."""
    stamp = _stamp(dataset_name) if dataset_name else None
    return _reconstruction(run, split, dataset_name, stamp)


@st.cache_resource(max_entries=24, show_spinner="Reconstructing the images …", hash_funcs=_KEYS)
def _reconstruction(
    run: Run, split: str, dataset_name: str | None, stamp: object
) -> Reconstruction:
    data = dataset(dataset_name) if dataset_name else None
    return reader(run).measure_reconstruction(split, data)


@st.cache_resource(max_entries=8, show_spinner="Loading the network …", hash_funcs=_KEYS)
def latent_space(run: Run) -> LatentSpace:
    """The latent space of an autoencoder's run."""
    from digitlab.analysis.latent import LatentSpace

    return LatentSpace(reader(run))


_PART = 3_000  # training images between two updates of the progress bar
_BAR_AFTER = 0.3  # seconds


def _train_logits(run: Run) -> list[torch.Tensor]:
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
def _part_logits(run: Run, first: int) -> torch.Tensor:
    return reader(run).predict_logits(own_dataset(run).train.images[first : first + _PART])


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs=_KEYS)
def _train_evaluation(run: Run, _parts: list[torch.Tensor]) -> Evaluation:
    import torch

    train = own_dataset(run).train
    if not _parts:
        return reader(run).evaluate("train", own_dataset(run))  # which raises the reason
    return evaluate_logits(torch.cat(_parts).numpy(), train.labels.numpy(), run.classes)


def _own_dataset_key(run: Run) -> tuple[object, ...]:
    return run.id, run.record.ended, _stamp(run.record.dataset)


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs={Run: _own_dataset_key})
def own_dataset(run: Run) -> Dataset:
    """A run's dataset, with the splits that it was trained and evaluated on.

    Raises DatasetError if the dataset is missing or has changed.
    """
    split = run.record.split
    loaded = dataset(split.name, split.val_fraction, split.split_seed)
    run.check_data(loaded)
    return run.config.take_subset(loaded)


@st.cache_resource(max_entries=8, show_spinner="Reading the uploaded images …", hash_funcs=_KEYS)
def upload_evaluation(run: Run, digest: str, _images: Dataset) -> Evaluation:
    """A run's metrics on uploaded images of this digest."""
    return reader(run).evaluate("test", _images)


def of_evaluation(measure: Callable[..., Any], key: object, *results: Any, **settings: Any) -> Any:
    """The cached value of `measure(*results, **settings)`; `key` identifies `results`."""
    return _of_evaluation(measure.__name__, key, tuple(settings.items()), measure, results)


@st.cache_resource(max_entries=64, show_spinner=False)
def _of_evaluation(name: str, key: object, settings: tuple, _measure: Any, _results: tuple) -> Any:
    return _measure(*_results, **dict(settings))


def _features_key(run: Run) -> tuple[str, float]:
    from digitlab.analysis.features import features_path

    return run.id, features_path(run).stat().st_mtime


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs={Run: _features_key})
def features(run: Run) -> Features:
    """The saved features of a run's training images."""
    from digitlab.analysis.features import read_features

    return read_features(run)


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs=_KEYS)
def epochs(run: Run) -> list[dict[str, Any]]:
    """The epochs of a run that has ended, each with the seconds trained up to its end."""
    return with_elapsed(run.history.epochs)


@st.cache_data(max_entries=24, show_spinner=False, hash_funcs=_KEYS)
def overlay_figure(data: Dataset, split: str, label: int, count: int) -> Any:
    """`count` images of a class laid over each other, as a figure."""
    from digitlab.data.statistics import overlay
    from digitlab.figures.data import image_heatmap

    title = f"{count:,} images of {data.classes[label]}"
    return image_heatmap(
        overlay(data.split(split), label, count), title, "share of images with ink"
    )
