"""What a waiting worker has loaded: the modules that runs import, and datasets."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from safetensors.torch import save

from digitlab.data.catalog import EMBEDDED
from digitlab.data.load import load_dataset
from digitlab.data.registry import files_stamp
from digitlab.errors import DigitlabError
from digitlab.execution import execute  # noqa: F401 - runs need it
from digitlab.models.build import build
from digitlab.models.load import load_model
from digitlab.runs import store
from digitlab.training.config import TrainConfig
from digitlab.training.learner import make_learner
from digitlab.training.predict import predict_splits

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset


class DatasetCache:
    """Datasets that are loaded already, as long as their files are the same."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[object, Dataset]] = {}

    def fill(self, names: list[str]) -> None:
        """Hold these datasets and no others; one that cannot be loaded is left to the run."""
        before, self._held = self._held, {}
        for name in names:
            with contextlib.suppress(DigitlabError):
                stamp = files_stamp(name)
                if name not in before or before[name][0] != stamp:
                    before[name] = stamp, load_dataset(name)
                    before[name][1].fingerprint  # noqa: B018 - it takes as long as loading
                self._held[name] = before[name]

    def get(self, name: str) -> Dataset | None:
        """The dataset, if it is held and its files have not changed."""
        stamp, data = self._held.get(name, (None, None))
        return data if data is not None and files_stamp(name) == stamp else None


def warm_up() -> None:
    """Train and evaluate a small network on a few images: what that imports is loaded then."""
    data = load_dataset(EMBEDDED)
    model = build(load_model("cnn-small"))
    learner = make_learner(model, data, TrainConfig(epochs=1, subset=100, device="cpu"))
    for _ in learner.events():
        pass
    save(learner.state().tensors)
    predict_splits(model, data, learner.normalization, learner.config)
    store.list_records(limit=1)
