"""The subject of the Results page: a run, and the images it is evaluated on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.data.info import SPLITS
from digitlab.data.registry import dataset_title, is_available, list_datasets
from digitlab.ui import cached, url
from digitlab.ui.labels import SPLIT_NAMES
from digitlab.ui.results.upload import choose_upload
from digitlab.ui.run_picker import pick_run

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset, Split
    from digitlab.data.upload import LabelledImages
    from digitlab.evaluation.metrics import Evaluation
    from digitlab.evaluation.reconstruction import Reconstruction
    from digitlab.runs.run import Run

OWN = "own"
UPLOAD = "upload"


@dataclass(frozen=True, eq=False)
class View:
    """A run and the images it is evaluated on.

    They are `split` of its own data, `split` of `dataset`, or `upload`.
    """

    run: Run
    split: str
    dataset: str | None = None
    upload: LabelledImages | None = None

    @property
    def is_own(self) -> bool:
        """Whether the images belong to the data that the run was trained with."""
        return self.dataset is None and self.upload is None

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """A cache key: equal keys mean equal results."""
        digest = self.upload.digest if self.upload else None
        return (self.run.id, self.run.record.ended, self.split, self.dataset, digest)

    @property
    def snippet_args(self) -> tuple[str, str, str | None, str | None]:
        """The first arguments of every snippet: run, split, dataset, name of the upload."""
        return (self.run.id, self.split, self.dataset, self.upload.name if self.upload else None)

    @property
    def description(self) -> str:
        """The images in plain text: "the test split of MNIST"."""
        if self.upload:
            return f"the {len(self.upload):,} images of {self.upload.name}"
        name = self.dataset or self.run.record.dataset
        return f"the {SPLIT_NAMES[self.split].lower()} split of {dataset_title(name)}"

    @cached_property
    def result(self) -> Evaluation:
        """The metrics; raises RunError or DatasetError if they cannot be computed."""
        if self.upload:
            return cached.upload_evaluation(self.run, self.upload.digest, self._data)
        return cached.evaluation(self.run, self.split, self.dataset)

    @cached_property
    def reconstruction(self) -> Reconstruction:
        """The errors of an autoencoder; raises as `result` does."""
        return cached.reconstruction(self.run, self.split, self.dataset)

    def images(self) -> Split:
        """The images behind the result; raises DatasetError if they are not on this machine."""
        return self._data.split(self.split)

    @cached_property
    def _data(self) -> Dataset:
        if self.upload:
            return self.upload.as_dataset()
        if self.dataset:
            return cached.dataset(self.dataset)
        return cached.own_dataset(self.run)


def pick_view() -> View | None:
    """The run, the data and the split chosen in the URL or by the visitor; None without any run.

    If an upload is to be evaluated but no file is there yet, the page stops after the uploader.
    """
    first, second, third = st.columns([5.3, 3.6, 4])
    with first:
        run = pick_run(task=None)
    if run is None:
        return None
    with second:
        data = url.choose("Evaluated on", _data_options(run), param="data", default=OWN)
    if data == UPLOAD:
        upload = choose_upload(run)
        if upload is None:
            st.stop()
        return View(run, "test", upload=upload)
    with third:
        splits = {name: SPLIT_NAMES[name] for name in reversed(SPLITS)}
        split = url.choose("Split", splits, param="on", default="test", widget=st.segmented_control)
    return View(run, split, dataset=None if data == OWN else data)


def _data_options(run: Run) -> dict[str, str]:
    own = run.record.dataset
    options = {OWN: f"{dataset_title(own)} (the run's data)"}
    for info in list_datasets():
        fits = info.classes == run.classes or run.task == "reconstruct"
        if info.name != own and fits and is_available(info.name):
            options[info.name] = info.title
    if run.task == "reconstruct":
        return options
    return {**options, UPLOAD: "Your own images …"}
