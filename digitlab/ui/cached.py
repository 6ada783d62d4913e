"""What the app keeps in memory for all visitors; nothing here is ever changed after it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.data.catalog import SPLIT_SEED, VAL_FRACTION, find_dataset
from digitlab.settings import read_settings

if TYPE_CHECKING:
    import numpy as np

    from digitlab.data.dataset import Dataset
    from digitlab.data.statistics import PixelStatistics
    from digitlab.evaluation.metrics import Evaluation
    from digitlab.models.build import ModelSummary
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.run import Run


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
    from digitlab.data.catalog import SPLITS
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


def reader(run_id: str) -> Run:
    """A run with its network loaded, ready to predict."""
    from digitlab.runs.run import open_run

    return _reader(run_id, open_run(run_id).record.ended)


@st.cache_resource(max_entries=8, show_spinner="Loading the network …")
def _reader(run_id: str, ended: float | None) -> Run:
    import torch

    from digitlab.runs.run import open_run

    # A visitor's prediction is small: more threads would only fight with other visitors' ones.
    torch.set_num_threads(read_settings().threads)
    run = open_run(run_id)
    run.model  # noqa: B018 - loads the weights once, for everybody
    return run


def evaluation(run: Run, split: str) -> Evaluation:
    """A run's metrics on a split."""
    return _evaluation(run.id, split, run.record.ended)


@st.cache_resource(max_entries=48, show_spinner="Computing the metrics …")
def _evaluation(run_id: str, split: str, ended: float | None) -> Any:
    from digitlab.runs.run import open_run

    return open_run(run_id).evaluate(split)


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
