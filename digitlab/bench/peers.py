"""The same epoch by other libraries, if they are installed: `pip install keras tensorflow …`.

Each function takes normalised images float32 [N, 1, 28, 28] and labels int64 [N] as NumPy arrays
and returns a function that trains one epoch and returns its seconds. What is compiled or built once
is not counted, like digitlab's own set-up.
"""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Callable

import numpy as np

from digitlab.bench.networks import BATCH, MLP, module
from digitlab.models.spec import ModelSpec

Epoch = Callable[[], float]


def installed(name: str) -> bool:
    """Whether a library can be imported."""
    return importlib.util.find_spec(name) is not None


def sklearn_epoch(spec: ModelSpec, images: np.ndarray, labels: np.ndarray) -> Epoch | None:
    """scikit-learn's MLPClassifier; it has no convolutions."""
    if spec is not MLP:
        return None
    from sklearn.neural_network import MLPClassifier

    flat = images.reshape(len(images), -1)

    def epoch() -> float:
        model = MLPClassifier((128,), batch_size=BATCH, max_iter=1)
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one epoch does not converge
            model.fit(flat, labels)
        return time.perf_counter() - start

    return epoch


def keras_epoch(spec: ModelSpec, images: np.ndarray, labels: np.ndarray) -> Epoch | None:
    """Keras with TensorFlow; a first short epoch, which compiles the graph, is not counted."""
    if not (installed("keras") and installed("tensorflow")):
        return None
    import keras
    from keras import layers

    body = (
        [layers.Flatten(), layers.Dense(128, "relu")]
        if spec is MLP
        else [
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, "relu"),
            layers.Dropout(0.5),
        ]
    )
    model = keras.Sequential([keras.Input((28, 28, 1)), *body, layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    channels_last = images.reshape(-1, 28, 28, 1)
    model.fit(channels_last[: BATCH * 4], labels[: BATCH * 4], batch_size=BATCH, verbose=0)

    def epoch() -> float:
        start = time.perf_counter()
        model.fit(channels_last, labels, batch_size=BATCH, epochs=1, verbose=0)
        return time.perf_counter() - start

    return epoch


def skorch_epoch(spec: ModelSpec, images: np.ndarray, labels: np.ndarray) -> Epoch | None:
    """skorch's NeuralNetClassifier without its validation split."""
    if not installed("skorch"):
        return None
    import torch
    from skorch import NeuralNetClassifier

    def epoch() -> float:
        net = NeuralNetClassifier(
            module(spec),
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            lr=1e-3,
            batch_size=BATCH,
            max_epochs=1,
            train_split=None,
            verbose=0,
        ).initialize()
        start = time.perf_counter()
        net.partial_fit(images, labels)
        return time.perf_counter() - start

    return epoch


def lightning_epoch(spec: ModelSpec, images: np.ndarray, labels: np.ndarray) -> Epoch | None:
    """Lightning's Trainer over a TensorDataset, its logger and checkpoints off."""
    if not installed("lightning"):
        return None
    import logging

    import torch
    from lightning.pytorch import LightningModule, Trainer
    from torch.utils.data import DataLoader, TensorDataset

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Lit(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = module(spec)

        def training_step(self, batch: tuple, _: int) -> torch.Tensor:
            return torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=1e-3)

    data = TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))

    def epoch() -> float:
        quiet = dict.fromkeys(("enable_progress_bar", "enable_model_summary", "logger"), False)
        trainer = Trainer(max_epochs=1, accelerator="cpu", enable_checkpointing=False, **quiet)
        loader = DataLoader(data, batch_size=BATCH, shuffle=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start = time.perf_counter()
            trainer.fit(Lit(), loader)
        return time.perf_counter() - start

    return epoch


PEERS = {
    "scikit-learn MLPClassifier": sklearn_epoch,
    "Keras with TensorFlow": keras_epoch,
    "skorch": skorch_epoch,
    "Lightning": lightning_epoch,
}
