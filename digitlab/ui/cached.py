"""What the app keeps in memory for all visitors; nothing here is ever changed after it is made."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.data.info import SPLIT_SEED, VAL_FRACTION
from digitlab.data.registry import find_dataset
from digitlab.settings import read_settings

if TYPE_CHECKING:
    import numpy as np

    from digitlab.analysis.features import Features
    from digitlab.data.dataset import Dataset
    from digitlab.data.statistics import PixelStatistics
    from digitlab.evaluation.metrics import Evaluation
    from digitlab.models.spec import ModelSpec
    from digitlab.models.summary import ModelSummary
    from digitlab.runs.run import Run
    from digitlab.training.probe import Probe


AT_ONCE = 12  # networks that one visitor may ask at once


def dataset(name: str, val_fraction: float = VAL_FRACTION, seed: int = SPLIT_SEED) -> Dataset:
    """A loaded dataset; loaded again when its files change."""
    return _dataset(find_dataset(name).name, val_fraction, seed, _stamp(name))


def _stamp(name: str) -> tuple[str, float]:
    """Changes when the dataset's files do."""
    root = read_settings().data
    files = [root / file for file in find_dataset(name).files]
    times = [path.stat().st_mtime for path in files if path.is_file()]
    return str(root), max(times, default=0.0)


@st.cache_resource(max_entries=3, show_spinner="Reading the dataset …")
def _dataset(name: str, val_fraction: float, seed: int, stamp: object) -> Dataset:
    from digitlab.data.load import load_dataset

    return load_dataset(name, val_fraction=val_fraction, seed=seed)


def pixel_statistics(name: str, split: str) -> PixelStatistics:
    """Histogram, mean and deviation of a split's pixels."""
    return _pixel_statistics(name, split, _stamp(name))


@st.cache_data(max_entries=24, show_spinner=False)
def _pixel_statistics(name: str, split: str, stamp: object) -> PixelStatistics:
    from digitlab.data.statistics import pixel_statistics as measure

    return measure(dataset(name).split(split).images)


def class_images(name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean image and deviation per class."""
    return _class_images(name, split, _stamp(name))


@st.cache_data(max_entries=24, show_spinner="Averaging the images …")
def _class_images(name: str, split: str, stamp: object) -> tuple[np.ndarray, np.ndarray]:
    from digitlab.data.statistics import class_images as measure

    loaded = dataset(name)
    return measure(loaded.split(split), len(loaded.classes))


def class_counts(name: str) -> dict[str, list[int]]:
    """Images per class in each split."""
    return _class_counts(name, _stamp(name))


@st.cache_data(max_entries=24, show_spinner=False)
def _class_counts(name: str, stamp: object) -> dict[str, list[int]]:
    from digitlab.data.info import SPLITS
    from digitlab.data.statistics import class_counts as count

    loaded = dataset(name)
    return {part: count(loaded.split(part), len(loaded.classes)).tolist() for part in SPLITS}


@st.cache_resource(max_entries=64, show_spinner=False)
def summary(spec_json: str) -> ModelSummary:
    """Layers, shapes and parameters of an architecture, given as JSON; raises SpecError."""
    from digitlab.models.build import summarize
    from digitlab.models.spec import ModelSpec

    return summarize(ModelSpec.from_json(spec_json))


def summarize(spec: ModelSpec) -> ModelSummary:
    """`summary` of a spec object."""
    return summary(spec.to_json())


def speed(spec: ModelSpec, batch_size: int) -> Probe:
    """How fast an architecture trains on this machine in batches of that size; measured once."""
    return _speed(spec.fingerprint, batch_size, spec)


@st.cache_data(max_entries=256, show_spinner=False)
def _speed(fingerprint: str, batch_size: int, _spec: ModelSpec) -> Probe:
    from digitlab.training.config import TrainConfig
    from digitlab.training.probe import probe_speed

    return probe_speed(_spec, TrainConfig(batch_size=batch_size))


def reader(run_id: str) -> Run:
    """A run with its network loaded, ready to predict."""
    from digitlab.runs.run import open_run

    return _reader(run_id, open_run(run_id).record.ended)


@st.cache_resource(max_entries=2 * AT_ONCE, show_spinner="Loading the network …")
def _reader(run_id: str, ended: float | None) -> Run:
    import torch

    from digitlab.runs.run import open_run

    # A visitor's prediction is small: more threads would only fight with other visitors' ones.
    torch.set_num_threads(read_settings().threads)
    run = open_run(run_id)
    run.model  # noqa: B018 - loads the weights once, for everybody
    return run


def evaluation(run: Run, split: str, dataset_name: str | None = None) -> Evaluation:
    """A run's metrics on a split of its own dataset, or of the one of that name."""
    if split == "train" and dataset_name is None:  # whose predictions are not saved
        return _train_evaluation(run.id, run.record.ended, _train_logits(run))
    stamp = _stamp(dataset_name) if dataset_name else None
    return _evaluation(run.id, split, run.record.ended, dataset_name, stamp)


@st.cache_resource(max_entries=48, show_spinner="Computing the metrics …")
def _evaluation(
    run_id: str, split: str, ended: float | None, dataset_name: str | None, stamp: object
) -> Any:
    from digitlab.runs.run import open_run

    run = open_run(run_id)
    if dataset_name is not None:
        return reader(run_id).evaluate(split, dataset(dataset_name))
    return run.evaluate(split)


_PART = 3_000  # images of the training split that are read between two moves of the bar
_PATIENCE = 0.3  # seconds, after which a bar is shown


def _train_logits(run: Run) -> list[Any]:
    """A run's answers to its training images, part by part, with a bar where that takes a while."""
    count = len(own_dataset(run).train)
    began, bar, parts = time.monotonic(), None, []
    for first in range(0, count, _PART):
        parts.append(_part_logits(run.id, run.record.ended, first))
        done = min(first + _PART, count)
        if bar or time.monotonic() - began > _PATIENCE:
            text = f"Reading the training images: {done:,} of {count:,}"
            bar = bar.progress(done / count, text) if bar else st.progress(done / count, text)
    if bar:
        bar.empty()
    return parts


@st.cache_resource(max_entries=64, show_spinner=False)
def _part_logits(run_id: str, ended: float | None, first: int) -> Any:
    network = reader(run_id)
    return network.predict_logits(own_dataset(network).train.images[first : first + _PART])


@st.cache_resource(max_entries=4, show_spinner=False)
def _train_evaluation(run_id: str, ended: float | None, _parts: list[Any]) -> Any:
    import torch

    from digitlab.evaluation.metrics import evaluate_logits

    run = reader(run_id)
    train = own_dataset(run).train
    if not _parts:
        return run.evaluate("train", own_dataset(run))  # which says why it cannot
    return evaluate_logits(torch.cat(_parts).numpy(), train.labels.numpy(), run.classes)


def own_dataset(run: Run) -> Dataset:
    """A run's dataset, with the splits that it was trained on and measured by.

    Raises DatasetError where it is not here, or is another version.
    """
    return _own_dataset(run.id, run.record.ended, _stamp(run.record.dataset))


@st.cache_resource(max_entries=2, show_spinner=False)
def _own_dataset(run_id: str, ended: float | None, stamp: object) -> Any:
    from digitlab.runs.run import open_run

    run = open_run(run_id)
    data = run.record.data
    loaded = dataset(run.record.dataset, data["val_fraction"], data["split_seed"])
    run.check_data(loaded)
    return run.config.take_subset(loaded)


def upload_evaluation(run: Run, digest: str, images: Dataset) -> Evaluation:
    """A run's metrics on uploaded images of this digest."""
    return _upload_evaluation(run.id, run.record.ended, digest, images)


@st.cache_resource(max_entries=8, show_spinner="Reading the uploaded images …")
def _upload_evaluation(run_id: str, ended: float | None, digest: str, _images: Dataset) -> Any:
    return reader(run_id).evaluate("test", _images)


def of_evaluation(measure: Callable[..., Any], key: object, *results: Any, **settings: Any) -> Any:
    """`measure(*results, **settings)`, a function of evaluation; `key` says what `results` are."""
    return _of_evaluation(measure.__name__, key, tuple(settings.items()), measure, results)


@st.cache_resource(max_entries=64, show_spinner=False)
def _of_evaluation(name: str, key: object, settings: tuple, _measure: Any, _results: tuple) -> Any:
    return _measure(*_results, **dict(settings))


def features(run: Run) -> Features:
    """The activations kept of a run's training images."""
    from digitlab.analysis.features import features_path

    return _features(run.id, features_path(run).stat().st_mtime)


@st.cache_resource(max_entries=2, show_spinner=False)
def _features(run_id: str, written: float) -> Any:
    from digitlab.analysis.features import read_features
    from digitlab.runs.run import open_run

    return read_features(open_run(run_id))


def epochs(run: Run) -> list[dict[str, Any]]:
    """The epochs of a run that has ended, each with the seconds trained up to its end."""
    return _epochs(run.id, run.record.ended)


@st.cache_data(max_entries=64, show_spinner=False)
def _epochs(run_id: str, ended: float | None) -> list[dict[str, Any]]:
    from digitlab.evaluation.comparison import with_elapsed
    from digitlab.runs.run import open_run

    return with_elapsed(open_run(run_id).history.epochs)


def overlay_figure(name: str, split: str, label: int, count: int) -> Any:
    """`count` images of a class laid over each other, as a figure."""
    return _overlay_figure(name, split, label, count, _stamp(name))


@st.cache_data(max_entries=24, show_spinner=False)
def _overlay_figure(name: str, split: str, label: int, count: int, stamp: object) -> Any:
    from digitlab.data.statistics import overlay
    from digitlab.figures.data import image_heatmap

    loaded = dataset(name)
    title = f"{count:,} images of {loaded.classes[label]}"
    return image_heatmap(overlay(loaded.split(split), label, count), title, "share with ink")
