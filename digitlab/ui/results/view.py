"""The subject of the Results page: a run, and the images it is evaluated on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.data.info import SPLITS
from digitlab.data.registry import dataset_title, is_available, list_datasets
from digitlab.ui import cached, url
from digitlab.ui.labels import SPLIT_NAMES
from digitlab.ui.markdown import plain
from digitlab.ui.results.upload import choose_upload
from digitlab.ui.run_picker import linked_run, pick_run
from digitlab.ui.share import offer_sharing

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset, Split
    from digitlab.data.reading.images import LabelledImages
    from digitlab.evaluation.metrics import Evaluation
    from digitlab.evaluation.reconstruction import Reconstruction
    from digitlab.jobs.message import DataKey
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
        stamp = cached.data_stamp(self.dataset) if self.dataset else None
        return (self.run.id, self.run.record.ended, self.split, self.dataset, stamp, digest)

    @property
    def snippet_args(self) -> tuple[str, str, str | None, str | None]:
        """The first arguments of every snippet: run, split, dataset, the upload as code."""
        return (self.run.id, self.split, self.dataset, self.upload.source if self.upload else None)

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

    @property
    def asked_of(self) -> DataKey | Dataset | None:
        """The images in a request to a compute process, beside the split."""
        if self.upload:
            return self._data
        return None if self.is_own else cached.data_key(self._data)

    @cached_property
    def _data(self) -> Dataset:
        if self.upload:
            return self.upload.as_arrays()
        if self.dataset:
            return cached.dataset(self.dataset)
        return cached.own_dataset(self.run)


def pick_view() -> View | None:
    """The run, the data and the split chosen in the URL or by the visitor; None without any run.

    If an upload is to be evaluated but no file is there yet, the page stops after the uploader.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", key="subject"):
        run = pick_run(task=None)
        if run is None:
            return None
        options = _data_options(run)
        label = _describe_choice(run, options)
        with st.popover(plain(label), icon=":material/dataset:", key="evaluated-on"):
            data = url.choose("Evaluated on", options, param="data", default=OWN)
            splits = {name: SPLIT_NAMES[name] for name in reversed(SPLITS)}
            split = url.choose(
                "Split", splits, param="on", default="test", widget=st.segmented_control
            )
        if data != UPLOAD:
            shared = {"data": url.get("data"), "on": url.get("on")}
            offer_sharing(
                run,
                "results",
                "Its accuracy, confusion matrix and mistakes; whoever opens it can change nothing.",
                **{param: value for param, value in shared.items() if value},
            )
    if data == UPLOAD:
        upload = choose_upload(run)
        if upload is None:
            st.stop()
        return View(run, "test", upload=upload)
    return View(run, split, dataset=None if data == OWN else data)


def linked_view() -> View:
    """The run, the data and the split in the URL, for a view that offers no choice."""
    run = linked_run()
    data, split = url.get("data"), url.get("on")
    is_other = data in _data_options(run) and data not in (OWN, UPLOAD)
    return View(run, split if split in SPLIT_NAMES else "test", data if is_other else None)


def _describe_choice(run: Run, options: Mapping[str, str]) -> str:
    """The images that are evaluated, before the widgets that choose them are drawn."""
    data, split = url.get("data"), url.get("on")
    if data == UPLOAD and UPLOAD in options:
        return "Your own images"
    split = split if split in SPLIT_NAMES else "test"
    name = data if data in options and data != OWN else run.record.dataset
    return f"{SPLIT_NAMES[split]} split of {dataset_title(name)}"


def _data_options(run: Run) -> dict[str, str]:
    own = run.record.dataset
    options = {OWN: f"{dataset_title(own)} (the run's data)"}
    for info in list_datasets():
        fits = info.classes == run.classes or run.task == "reconstruct"
        fits = fits and info.shape == run.spec.input
        if info.name != own and fits and is_available(info.name):
            options[info.name] = info.title
    if run.task == "reconstruct":
        return options
    return {**options, UPLOAD: "Your own images …"}
